"""Recycled host memory for large NumPy arrays.

The C library returns a freed block of megabytes to the system and asks for it again a moment later; the
page faults of one language-model step cost several milliseconds (measured: 28 MB of logits, 3 ms). Here a
block goes back to a shelf when the last array that views it dies, and the next request of its size takes
it from there. Nothing is freed by hand, so no array can ever lose its memory early.
"""

from __future__ import annotations

import contextlib
import math
import mmap
from collections import defaultdict
from typing import Any

import numpy as np

SMALLEST = 1 << 16
"""Blocks below 64 KiB come from the C library, which keeps them well enough by itself."""

KEEP_BYTES = 4 << 30
"""Shelved memory above this is given back."""

# By default anonymous maps are shared: a forked worker would write into its parent's arrays, and the system
# gives shared memory no huge pages. Windows has neither fork nor flags.
_PRIVATE: dict[str, int] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)

_shelves: defaultdict[int, list[mmap.mmap]] = defaultdict(list)
_shelved = 0


class _Lease(np.ndarray):
    """The owner of a block while arrays view it. Plain ndarrays keep it alive as their base."""

    _block: mmap.mmap

    def __del__(self) -> None:
        global _shelved
        block = getattr(self, "_block", None)
        if block is not None and _shelved + len(block) <= KEEP_BYTES:
            _shelved += len(block)
            _shelves[len(block)].append(block)


def _round_up(nbytes: int) -> int:
    """To an eighth of the next power of two: few sizes, at most an eighth wasted."""
    step = max(1 << (nbytes.bit_length() - 4), 4096)
    return -(-nbytes // step) * step


def empty(shape: tuple[int, ...] | int, dtype: Any) -> np.ndarray:
    """An uninitialised C-contiguous array, page-aligned where it comes from the shelf."""
    global _shelved
    shape = (shape,) if isinstance(shape, int) else shape
    dtype = np.dtype(dtype)
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes < SMALLEST:
        return np.empty(shape, dtype)
    size = _round_up(nbytes)
    try:
        block = _shelves[size].pop()
        _shelved -= size
    except IndexError:
        # Not an array: NumPy shortens chains of array bases and would skip the lease.
        block = mmap.mmap(-1, size, **_PRIVATE)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # kernels without huge pages
                block.madvise(mmap.MADV_HUGEPAGE)
    lease = np.ndarray.__new__(_Lease, shape, dtype, block)
    lease._block = block
    return lease.view(np.ndarray)


def clear() -> None:
    """Give all shelved memory back to the system."""
    global _shelved
    _shelves.clear()
    _shelved = 0
