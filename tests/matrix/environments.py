"""Environments of the matrix: a Python, the versions of its packages, and what of the processor is hidden."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.matrix.requirements import ROOT, declared, oldest

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST = VERSIONS[0]

_NEHALEM = "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16"
_HASWELL = f"{_NEHALEM},+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe"
_DISPATCHED = """
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(*(name for name in __cpu_dispatch__ if __cpu_features__.get(name)))
"""


@dataclass(frozen=True)
class Environment:
    """A row of the matrix.

    Attributes:
        name: Its name in the table.
        version: The minor version of Python.
        oldest: Whether packages have the oldest versions that are declared, else the newest.
        hidden: Packages of the tests' folder that hide real ones.
        processor: The processor for which OpenBLAS and Numba generate code, and Numba's features.
        numpy_keeps: Beginnings of names of features that NumPy may use on that processor.
    """

    name: str
    version: str
    oldest: bool = False
    hidden: str | None = None
    processor: tuple[str, str] | None = None
    numpy_keeps: tuple[str, ...] = field(default=())

    @property
    def packages(self) -> str:
        """The name of its set of packages, which environments share."""
        return f"{self.version}-{'oldest' if self.oldest else 'newest'}"

    def requirements(self) -> list[str]:
        """Return what pip installs."""
        lines = declared()
        return [oldest(line) for line in lines] if self.oldest else lines

    def variables(self, python: Path) -> dict[str, str]:
        """Return the environment variables of a run of the suite with ``python``."""
        values = {"OPENBLAS_NUM_THREADS": "1"}
        if self.hidden:
            values["PYTHONPATH"] = str(ROOT / "tests" / self.hidden)
        if self.processor:
            name, features = self.processor
            done = subprocess.run([python, "-c", _DISPATCHED], capture_output=True, text=True, check=True)
            without = [each for each in done.stdout.split() if not each.startswith(self.numpy_keeps)]
            values |= {"NUMBA_CPU_NAME": name.lower(), "NUMBA_CPU_FEATURES": features}
            values |= {"OPENBLAS_CORETYPE": name, "NPY_DISABLE_CPU_FEATURES": " ".join(without)}
        return values


ENVIRONMENTS = [
    *(Environment(f"Python {version}, newest packages", version) for version in VERSIONS),
    Environment(f"Python {OLDEST}, oldest packages", OLDEST, oldest=True),
    Environment("without Numba", OLDEST, hidden="without_numba"),
    Environment(
        "processor without AVX-512", OLDEST, processor=("Haswell", _HASWELL),
        numpy_keeps=("AVX2", "FMA", "F16C", "AVX", "X86_V3", "POPCNT", "SSE"),
    ),
    Environment(
        "processor without AVX2", OLDEST, processor=("Nehalem", _NEHALEM), numpy_keeps=("POPCNT", "SSE"),
    ),
]  # fmt: skip


def interpreters(named: Sequence[str]) -> dict[str, Path]:
    """Return an interpreter for each minor version that is found.

    Args:
        named: Interpreters of the caller's choice, which come first.
    """
    found: dict[str, Path] = {}
    for candidate in _candidates(named):
        version = _version(candidate)
        if version in VERSIONS:
            found.setdefault(version, candidate)
    return found


def _candidates(named: Sequence[str]) -> Iterator[Path]:
    yield from map(Path, named)
    for version in VERSIONS:
        if path := shutil.which(f"python{version}"):
            yield Path(path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/*/bin/python"), reverse=True)
    if shutil.which("uv"):
        for version in VERSIONS:
            done = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True)
            if done.returncode == 0:
                yield Path(done.stdout.strip())


def _version(python: Path) -> str | None:
    """Return the minor version of an interpreter that can make virtual environments, else None."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
