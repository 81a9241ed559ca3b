"""The kernels' CUDA sources on the host: g++ compiles them after shim.h, ctypes runs them on NumPy arrays.

It takes the place of ``cuda.run``, so what runs is the wrapper with its checks, the geometry and the source.
"""

from __future__ import annotations

import ctypes
import hashlib
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.kernels import cuda

SHIM = Path(__file__).with_name("shim.h")
COMPILER = "g++"
FLAGS = ("-std=c++17", "-fPIC")
FAST = ("-O1",)
"""For the sources as they are: compiled once, run often."""
MUTANT = ("-O0",)
"""For a planted mistake, which is compiled for a test of its own."""
COMPILED_BY = platform.platform()
STRICT = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")  # "unroll" is for the device
ORDERS = {"ascending": 0, "descending": 1}
OUTCOMES = {
    1: "a barrier that only a part of the block's threads reached",
    2: "an exchange that only a part of the warp's lanes reached",
}

KERNEL = re.compile(r"__global__ void (\w+)\(")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class EmulationError(RuntimeError):
    """The kernel did what a GPU would not survive, or was given what it does not take."""


class RefusedError(EmulationError):
    """The compiler did not take the source."""


def compiler_missing() -> str | None:
    """Why nothing can be emulated, or None."""
    return (
        None
        if shutil.which(COMPILER)
        else f"{COMPILER} is not installed: CUDA sources are not run on the host"
    )


class Emulator:
    """Compiles sources on first use into ``folder`` and runs their kernels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.order = "ascending"
        self.mutants: dict[str, str] = {}
        """Family to the source that runs in place of its own."""
        self.launched: list[str] = []
        """family.kernel of every launch."""
        self._libraries: dict[str, ctypes.CDLL] = {}

    def _library(self, family: str) -> ctypes.CDLL:
        source = self.mutants.get(family) or cuda.source(family)
        exports = "".join(f"EMULATE({name})\n" for name in KERNEL.findall(source))
        text = f'#line 1 "{family}/gpu.cu"\n{source}\n{exports}'
        # A mistake may leave a variable unused.
        flags = (*FLAGS, *MUTANT) if family in self.mutants else (*FLAGS, *FAST, *STRICT)
        key = _digest(text, SHIM.read_text(), *flags, COMPILED_BY)
        if key not in self._libraries:
            library = self.folder / f"{family}-{key}.so"
            if not library.exists():
                self._compile(family, text, flags, library)
            self._libraries[key] = ctypes.CDLL(str(library))
        return self._libraries[key]

    def _header(self, flags: Sequence[str]) -> Path:
        """Compile shim.h for these flags; return the header that stands for it."""
        header = self.folder / f"shim-{_digest(SHIM.read_text(), *flags, COMPILED_BY)}.h"
        compiled = header.with_name(f"{header.name}.gch")
        if not compiled.exists():
            header.write_text(f'#include "{SHIM}"\n')
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                made = Path(folder, compiled.name)
                subprocess.run([COMPILER, *flags, "-x", "c++-header", "-o", made, header], check=True)
                made.replace(compiled)
        return header

    def _compile(self, family: str, text: str, flags: Sequence[str], library: Path) -> None:
        header = self._header(flags)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            code, made = Path(folder, f"{family}.cpp"), Path(folder, library.name)
            code.write_text(text)
            command = [COMPILER, *flags, "-shared", "-include", header, "-o", made, code]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RefusedError(f"{COMPILER} refuses {family}/gpu.cu:\n{done.stderr}")
            made.replace(library)

    def run(self, family: str, name: str, geometry: cuda.Geometry, arguments: Sequence[Any]) -> None:
        """What ``cuda.run`` does, on the host; also refuses arguments of other types than the kernel's."""
        library = self._library(family)
        takes = getattr(library, f"signature_{name}")
        takes.restype = ctypes.c_char_p
        given = ",".join(x.dtype.name + "*" * isinstance(x, np.ndarray) for x in arguments)
        if given != (expected := takes().decode()):
            raise EmulationError(f"{family}.{name} takes {expected}, was given {given}")
        # An address for each argument: of the scalar's bytes, or of the array's address.
        held = [np.array(x.ctypes.data if isinstance(x, np.ndarray) else x) for x in arguments]
        addresses = (ctypes.c_void_p * len(held))(*(x.ctypes.data for x in held))
        outcome = getattr(library, f"emulate_{name}")(
            *geometry.grid, geometry.block, ORDERS[self.order], addresses
        )
        if outcome:
            raise EmulationError(f"{family}.{name}: {OUTCOMES[outcome]}")
        self.launched.append(f"{family}.{name}")
