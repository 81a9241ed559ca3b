"""CUDA kernels through CuPy: where their source is found, compiled and launched. CuPy is imported on use.

The ``gpu`` module of a family checks its arguments and calls :func:`launch`; its source is ``gpu.cu`` beside
it. Nothing here or there needs a GPU until :data:`run` is called, and the tests put an emulator of blocks
and threads in its place (tests/cuda): what they run on the host is the wrappers, the geometry and the
sources that a GPU runs.

An argument is an array, passed as its address, or a NumPy scalar, passed as its bytes: a Python number has
no C type of its own, and a wrong one would be read as rubbish without an error.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqkit.errors import ShapeError

OPTIONS = ("-std=c++17",)
"""For NVRTC. Never --use_fast_math: its tanh is off by 1e-3 or so. CuPy adds -ftz=true: numbers below 1e-38
are 0 on a GPU, in its own kernels too."""

_INCLUDE = re.compile(r'^#include "([^"]+)"\n', re.MULTILINE)


class Geometry(NamedTuple):
    """How a kernel is cut: blocks (x, y) and threads in each."""

    grid: tuple[int, int]
    block: int


def per_item(count: int) -> Geometry:
    """One thread for each of ``count`` items in a row."""
    return Geometry((-(-count // 256), 1), 256)


def per_cell(rows: int, width: int) -> Geometry:
    """One thread a cell of a matrix. Blocks lie within rows, so that no thread has to divide by the width.

    128 threads waste less of a row's last block than 256, and spread a small batch over more processors.
    """
    return Geometry((rows, -(-width // 128)), 128)


def per_row(rows: int, width: int) -> Geometry:
    """One block a row, which it walks with stride: a power of two of threads for halving sums, 32 to 512.

    About four elements a thread or more. A function of the width alone, so that sums do not depend on the
    number of rows.
    """
    return Geometry((rows, 1), min(512, max(32, 1 << (max(width, 1) // 4).bit_length())))


def require(family: str, dtype: Any, **arrays: Any) -> None:
    """ShapeError unless all arrays have this dtype and lie in memory without gaps: kernels see addresses."""
    for name, x in arrays.items():
        if x.dtype != dtype or not x.flags.c_contiguous:
            layout = "contiguous" if x.flags.c_contiguous else "strided"
            raise ShapeError(
                f"the {family} kernel needs {name} as a contiguous {dtype.__name__} array, "
                f"got {layout} {x.dtype} {x.shape}"
            )


def require_shapes(family: str, **arrays: tuple[Any, tuple[int, ...]]) -> None:
    """ShapeError unless every array has the shape that stands beside it."""
    for name, (x, shape) in arrays.items():
        if x.shape != shape:
            raise ShapeError(f"the {family} kernel needs {name} {shape}, got {x.shape}")


@functools.cache
def source(family: str) -> str:
    """The CUDA source of a family, with the files that it includes put in their place.

    CuPy keys its cache of compiled kernels by this text, and would not notice an edit in an included file.
    """
    folder = Path(__file__).parent / family

    def included(match: re.Match[str]) -> str:
        return (folder / match[1]).read_text(encoding="ascii")

    return _INCLUDE.sub(included, (folder / "gpu.cu").read_text(encoding="ascii"))


@functools.cache
def _function(family: str, name: str) -> Any:
    """Compiled by NVRTC at its first call on each kind of GPU; kept by CuPy in $CUPY_CACHE_DIR."""
    import cupy

    return cupy.RawModule(code=source(family), options=OPTIONS).get_function(name)


def run_with_cupy(family: str, name: str, geometry: Geometry, arguments: Sequence[Any]) -> None:
    """Queue the kernel on the device of its first array. Does not wait for it."""
    with next(x.device for x in arguments if not isinstance(x, np.generic)):
        _function(family, name)(geometry.grid, (geometry.block,), tuple(arguments))


Run = Callable[[str, str, Geometry, Sequence[Any]], None]

run: Run = run_with_cupy
"""Runs the kernels that :func:`launch` is given; the tests' emulator replaces it."""


def launch(family: str, name: str, geometry: Geometry, *arguments: Any) -> None:
    """Run the kernel ``name`` of a family; nothing where there is nothing to do: CUDA refuses empty grids."""
    if 0 not in geometry.grid:
        run(family, name, geometry, arguments)
