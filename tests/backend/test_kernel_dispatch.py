"""Which version of a kernel runs: by dtype, by environment, without Numba; where compiled ones are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seqkit.backend.kernels import kernels, numba_missing
from tests.exhaustive import exhaustive
from tests.strict_array import strict as strict_module
from tests.training.tiny import ROOT, python_path

pytestmark = pytest.mark.without_numba

FAMILIES = ["dropout", "gru", "lstm", "philox", "row_sums", "softmax_cross_entropy"]


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if name != "SEQKIT_KERNELS"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**settings, "PYTHONPATH": python_path(), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_float64_takes_the_reference(family: str) -> None:
    assert kernels(family, np, np.float64).__name__ == f"seqkit.backend.kernels.{family}.reference"
    assert kernels(family, np, np.dtype(np.float64)) is kernels(family, np, np.float64)


@pytest.mark.parametrize("family", FAMILIES)
def test_float32_takes_the_compiled_one_where_it_runs(family: str) -> None:
    version = "cpu" if numba_missing() is None else "reference"
    assert kernels(family, np, np.dtype(np.float32)).__name__ == f"seqkit.backend.kernels.{family}.{version}"


@pytest.mark.parametrize("family", FAMILIES)
def test_another_device_takes_the_reference(family: str) -> None:
    assert kernels(family, strict_module).__name__.endswith(".reference")


SHOW = """
import sys
import numpy as np
from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.kernels import kernels
from seqkit.backend.random import Generator
for family in ("dropout", "gru", "lstm", "philox", "row_sums", "softmax_cross_entropy"):
    print(kernels(family, np).__name__.rpartition(".")[2])
W = Tensor(np.ones((5, 3), np.float32), requires_grad=True)
x = ops.dropout(ops.embedding(W, np.array([1, 2, 1])), rate=0.5, generator=Generator(1))
loss = ops.linear_cross_entropy(x, W, None, np.array([2, 1, 0]))
loss.backward()
print(np.isfinite(loss.item()), "numba" in sys.modules and sys.modules["numba"] is not None)
"""


def test_seqkit_kernels_reference() -> None:
    """Says nothing, since it was asked for, and does not even import Numba."""
    result = run_python(SHOW, SEQKIT_KERNELS="reference")
    assert result.stdout.split() == ["reference"] * 6 + ["True", "False"]
    assert result.stderr == ""


def test_without_numba() -> None:
    """Runs, and says so in exactly one line."""
    result = run_python("import sys; sys.modules['numba'] = None\n" + SHOW)
    assert result.stdout.split() == ["reference"] * 6 + ["True", "False"]
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Numba is not usable (")
    assert lines[0].endswith("running the slower NumPy kernels")


@exhaustive
def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = run_python(
        "from seqkit.backend.random import Generator; print(len(Generator(0).words(2)))",
        SEQKIT_CACHE=str(blocked),
    )
    assert result.stdout == "2\n"
    lines = result.stderr.splitlines()
    assert lines[0].startswith("kernels are compiled anew in each process")
    assert [line.partition(":")[0].partition(" (")[0] for line in lines[1:]] == [
        "compiling kernels for this processor, once",
        "compiling kernels",
    ]


def test_the_cache_follows_the_sources(tmp_path: Path) -> None:
    """Numba looks only at the file of a compiled function; the folder's name also at those of its helpers."""
    pytest.importorskip("numba")
    from seqkit.backend.kernels.object_code import sources_digest

    (tmp_path / "lstm").mkdir()
    kernel, helper = tmp_path / "lstm" / "cpu.py", tmp_path / "fast_math.py"
    kernel.write_text("a = 1\n")
    helper.write_text("b = 1\n")
    digests = [sources_digest(tmp_path), sources_digest(tmp_path)]
    assert digests[0] == digests[1]
    helper.write_text("b = 2\n")
    digests.append(sources_digest(tmp_path))
    helper.rename(tmp_path / "slow_math.py")
    digests.append(sources_digest(tmp_path))
    (tmp_path / "notes.txt").write_text("no source")
    assert sources_digest(tmp_path) == digests[-1]
    assert len(set(digests)) == 3
    assert all(len(d) == 16 for d in digests)


def test_the_folder_is_named_by_these_sources() -> None:
    pytest.importorskip("numba")
    from seqkit.backend import kernels as package
    from seqkit.backend.kernels import object_code

    folder = object_code.cache_folder()
    assert folder is None or folder.name == object_code.sources_digest(Path(str(package.__file__)).parent)


MODE = """
import numpy as np
from seqkit.backend.kernels import kernel_mode, kernels, numba_missing, products
print(kernel_mode())
print(numba_missing())
print(products())
family = kernels("matrix_product", np)
a, out = np.ones((100, 100), np.float32), np.empty((100, 100), np.float32)
family.product(a, a, out)
print(family.__name__.rpartition(".")[2], int(out.sum()))
from seqkit.backend.kernels.thread_pool import chunks_for
print(chunks_for(1000, 1))
"""


def test_seqkit_kernels_blas() -> None:
    """Products go to BLAS, which has the threads; other kernels are compiled."""
    pytest.importorskip("numba")
    for threads in ("1", "2"):
        result = run_python(MODE, SEQKIT_KERNELS="blas", OPENBLAS_NUM_THREADS=threads)
        assert result.stdout.splitlines() == [
            "blas",
            "None",
            "BLAS, kernels on one thread",
            "cpu 1000000",
            "1",
        ]


def test_a_wrong_mode_is_refused() -> None:
    result = run_python(
        "from seqkit.backend.kernels import kernels\n"
        "from seqkit.errors import UsageError\n"
        "import numpy\n"
        "try:\n    kernels('lstm', numpy)\nexcept UsageError as error:\n    print(error)",
        SEQKIT_KERNELS="fast",
    )
    assert result.stdout == (
        "expected SEQKIT_KERNELS to be one of compiled, blas, reference, got 'fast'; "
        "unset it for the default, compiled\n"
    )


FAILING = """
import sys
import numpy as np
{}
from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
W = Tensor(np.ones((5, 3), np.float32), requires_grad=True)
for _ in range(2):
    x = ops.dropout(ops.embedding(W, np.array([1, 2, 1])), rate=0.5, generator=Generator(1))
    loss = ops.linear_cross_entropy(x, W, None, np.array([2, 1, 0]))
    loss.backward()
print(np.isfinite(loss.item()), W.grad.sum())
"""
AT_THE_FIRST_CALL = """
from seqkit.backend.kernels import object_code
def fail(*_):
    raise RuntimeError("LLVM has\\nchanged")
object_code._compile = object_code._read = fail
"""
AT_IMPORT = """
import numba
def fail(*_, **__):
    raise AttributeError("Numba has changed")
numba.njit = fail
"""


@pytest.mark.parametrize("failure", [AT_THE_FIRST_CALL, AT_IMPORT], ids=["first call", "import"])
def test_kernels_that_do_not_compile(failure: str) -> None:
    """A training goes on with the references, and one line a family says why."""
    pytest.importorskip("numba")
    result = run_python(FAILING.format(failure))
    assert result.stdout == run_python(FAILING.format(""), SEQKIT_KERNELS="reference").stdout
    lines = result.stderr.splitlines()
    families = [line.split()[3] for line in lines]
    assert len(set(families)) == len(families) >= 3
    assert {"dropout", "softmax_cross_entropy", "row_sums"} <= set(families)
    for line in lines:
        assert line.startswith("the compiled kernels ")
        assert "has changed): running the slower NumPy ones" in line
