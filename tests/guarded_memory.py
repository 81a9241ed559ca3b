"""Arrays between pages that nobody may touch: a kernel that reads or writes beside them ends the process.

For processes of their own, on systems that have ``mprotect``.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend import kernels, memory_pool
from seqkit.backend.kernels import thread_pool

_PROTECT = ctypes.CDLL(None, use_errno=True).mprotect
FAMILIES = sorted(path.parent.name for path in Path(str(kernels.__file__)).parent.glob("*/cpu.py"))
"""The families of kernels that have compiled versions."""


def guarded(shape: tuple[int, ...] | int, dtype: Any, at_end: bool = True) -> np.ndarray:
    """Memory for an array between two pages that nobody may touch: at the end of its own, or at the start."""
    shape, dtype = (shape,) if isinstance(shape, int) else shape, np.dtype(dtype)
    size, page = math.prod(shape) * dtype.itemsize, mmap.PAGESIZE
    pages = -(-size // page)
    block = mmap.mmap(-1, (pages + 2) * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = ctypes.addressof(ctypes.c_byte.from_buffer(block))
    for border in (start, start + (pages + 1) * page):
        if _PROTECT(ctypes.c_void_p(border), page, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    offset = page + (pages * page - size if at_end else 0)
    ctypes.memset(start + offset, 170, size)  # rubbish, as MALLOC_PERTURB_ leaves it elsewhere
    return np.ndarray(shape, dtype, block, offset)


def placed(x: np.ndarray, at_end: bool = True) -> np.ndarray:
    """A copy in guarded memory."""
    y = guarded(x.shape, x.dtype, at_end)
    y[...] = x
    return y


def install() -> None:
    """Guard what ops and kernels allocate; cut all work into 1, 2 or 3 chunks; leave no product to BLAS."""
    memory_pool.empty = guarded
    thread_pool.pool.enter = lambda chunks: 0  # type: ignore[method-assign]
    turn = itertools.cycle((1, 2, 3))
    modules = {
        family: vars(importlib.import_module(f"{kernels.__name__}.{family}.cpu")) for family in FAMILIES
    }
    for names in modules.values():
        if "chunks_for" in names:
            names["chunks_for"] = lambda work, least: next(turn)
    modules["matrix_product"]["LEAST"] = 1
