"""Recycled host memory for large NumPy arrays.

The C library returns a freed block of megabytes to the system and requests it again a moment later; the
page faults of one language-model step cost several milliseconds (measured: 28 MB of logits, 3 ms). Here a
block goes back to a free list when the last array that views it dies, and the next request of its size takes
it from there. Nothing is freed explicitly, so no array can ever lose its memory early.
"""

import contextlib
import functools
import math
import mmap
import threading
from collections import defaultdict
from typing import Any

import numpy as np

SMALLEST = 1 << 16
"""Blocks below 64 KiB come from the C library, which keeps them well enough by itself."""

KEEP_BYTES = 4 << 30
"""Free memory above this is returned to the system."""

# By default anonymous maps are shared: a forked worker would write into its parent's arrays, and the system
# gives shared memory no huge pages. Windows has neither fork nor flags.
_PRIVATE: dict[str, int] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)


class _FreeBlocks:
    """Free blocks by size, for all threads.

    The lock is reentrant: an array can die, and release its block, in the middle of an allocation.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.blocks: defaultdict[int, list[mmap.mmap]] = defaultdict(list)
        self.nbytes = 0

    def release(self, block: mmap.mmap) -> None:
        """Keep a block, unless enough are kept."""
        with self._lock:
            if self.nbytes + len(block) <= KEEP_BYTES:
                self.nbytes += len(block)
                self.blocks[len(block)].append(block)

    def allocate(self, size: int) -> mmap.mmap:
        """Return a block of ``size`` bytes, kept or new."""
        with self._lock:
            if self.blocks[size]:
                self.nbytes -= size
                return self.blocks[size].pop()
        # Not an array: NumPy shortens chains of array bases and would skip the owner.
        block = mmap.mmap(-1, size, **_PRIVATE)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # kernels without huge pages
                block.madvise(mmap.MADV_HUGEPAGE)
        return block

    def clear(self) -> None:
        """Return all blocks to the system."""
        with self._lock:
            self.blocks.clear()
            self.nbytes = 0


_free = _FreeBlocks()


class _Owner(np.ndarray):
    """The owner of a block while arrays view it. Plain ndarrays keep it alive as their base.

    ``_release`` is bound here and not looked up when the owner dies: that may be after the interpreter has
    emptied this module.
    """

    _release: functools.partial[None]

    def __del__(self) -> None:
        release = getattr(self, "_release", None)  # absent on views of the subclass itself
        if release is not None:
            release()


def _round_up(nbytes: int) -> int:
    """Round up to an eighth of the next power of two: few sizes, at most an eighth wasted."""
    step = max(1 << (nbytes.bit_length() - 4), 4096)
    return -(-nbytes // step) * step


def empty(shape: tuple[int, ...] | int, dtype: Any) -> np.ndarray:
    """Return an uninitialised C-contiguous array, page-aligned from 64 KiB on."""
    shape = (shape,) if isinstance(shape, int) else shape
    dtype = np.dtype(dtype)
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes < SMALLEST:
        return np.empty(shape, dtype)
    block = _free.allocate(_round_up(nbytes))
    owner = np.ndarray.__new__(_Owner, shape, dtype, block)
    owner._release = functools.partial(_free.release, block)
    return owner.view(np.ndarray)


def clear() -> None:
    """Return all free memory to the system."""
    _free.clear()
