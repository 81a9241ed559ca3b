"""Recycled host memory for large NumPy arrays.

The C library returns a freed block of megabytes to the system and requests it again a moment later; the
page faults of one language-model step cost several milliseconds (measured: 28 MB of logits, 3 ms). Here a
block goes back to a free list when the last array that views it dies, and the next request of about its size
takes it from there. Nothing is freed explicitly, so no array can ever lose its memory early.

Batches of ever other lengths ask for ever other sizes, so blocks have few sizes, a request may get one that
is a little larger, and blocks that nobody asked for go back to the system, the longest unused first: as soon
as all blocks together exceed what was lately in use at once by half, those that have been idle, and as soon
as they exceed twice as much, any.
"""

import functools
import math
import mmap
import threading
from collections import defaultdict, deque
from typing import Any

import numpy as np

from seqkit.platforms import private_memory

SMALLEST = 1 << 16
"""Blocks below 64 KiB come from the C library, which keeps them well enough by itself."""

SURPLUS, MOST_SURPLUS = 1.5, 2.0
"""Bytes of all blocks, those in use and the free ones, as a multiple of the recent peak in use.

Above the first, idle blocks go back to the system; above the second, any.
"""

IDLE_AFTER = 256
"""Allocations after which a free block counts as idle; several training steps.

A step on batches of one length uses each block once. Given back above 1.5 times the peak whenever they were
last used, the blocks that the rest of the step needed were the first to go: a seq2seq step asked the system
for 4 MB each time, and took 42 ms instead of 38.
"""

RECENT = 1 << 14
"""Allocations after which a peak is forgotten; some dozens of training steps."""

LARGER = 6
"""How many sizes above its own a request may get, of 8 for each power of two. With 3, and a surplus of a
fourth, batches of ever other lengths asked the system for ten times as many blocks."""


class _FreeBlocks:
    """Free blocks by size, for all threads.

    The lock is reentrant: an array can die, and release its block, in the middle of an allocation.

    Attributes:
        blocks: The free blocks of each size with the time of their release, the longest unused first.
        nbytes: Bytes of the free blocks.
        used: Bytes of the blocks in use.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.blocks: defaultdict[int, deque[tuple[int, mmap.mmap]]] = defaultdict(deque)
        self.nbytes = self.used = 0
        self._peaks = [0, 0]  # of the bytes in use, in the current and the previous period
        self._time = 0

    def release(self, block: mmap.mmap) -> None:
        """Keep a block that is no longer in use."""
        with self._lock:
            self.used -= len(block)
            self.nbytes += len(block)
            self.blocks[len(block)].append((self._time, block))

    def allocate(self, size: int) -> mmap.mmap:
        """Return a block of ``size`` bytes or a little more, kept or new."""
        with self._lock:
            self._time += 1
            if self._time % RECENT == 0:
                self._peaks = [self.used, self._peaks[0]]
            block = self._kept(size)
            if block is None:
                self._peaks[0] = max(self._peaks[0], self.used + size)
                peak = max(self._peaks)
                self._evict(int(SURPLUS * peak) - size, unused_since=self._time - IDLE_AFTER)
                self._evict(int(MOST_SURPLUS * peak) - size, unused_since=self._time)
                block = self._map(size)
            self.used += len(block)
            self._peaks[0] = max(self._peaks[0], self.used)
            return block

    def _kept(self, size: int) -> mmap.mmap | None:
        for _ in range(LARGER + 1):
            if self.blocks.get(size):
                self.nbytes -= size
                return self.blocks[size].pop()[1]  # the last one used is the likeliest to be in a cache
            size = _round_up(size + 1)
        return None

    def _map(self, size: int) -> mmap.mmap:
        # Not an array: NumPy shortens chains of array bases and would skip the owner.
        try:
            return private_memory(size)
        except OSError:  # no memory is left: give back what is free, and try again
            self.clear()
            return private_memory(size)

    def _evict(self, most: int, unused_since: int) -> None:
        """Return free blocks to the system until all blocks have ``most`` bytes, or no block is that old."""
        while self.nbytes and self.used + self.nbytes > most:
            time, size = min((kept[0][0], size) for size, kept in self.blocks.items() if kept)
            if time > unused_since:
                return
            self.blocks[size].popleft()
            self.nbytes -= size

    def clear(self) -> None:
        """Return all free blocks to the system."""
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
