"""Arrays that are mapped files, and taking their pages out of memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from seqkit.platforms import release_pages


class SharedMap(mmap.mmap):
    """A mapped file that keeps all that is written: its pages can leave this process's memory at any time."""


def release(*arrays: np.ndarray) -> np.ndarray:
    """Take the pages of arrays out of this process's memory where a file has them; return the first array.

    Those are arrays in a :class:`SharedMap` and read-only memory maps. The system keeps what was written
    in its cache of files, and writes it to disk when it needs the memory.
    """
    mapped = {}
    for array in arrays:
        base: Any = array
        only_read = False
        while isinstance(base, np.ndarray | memoryview):
            only_read = only_read or getattr(base, "mode", "") == "r"  # of a np.memmap
            base = base.base if isinstance(base, np.ndarray) else base.obj
        if isinstance(base, SharedMap) or (only_read and isinstance(base, mmap.mmap)):
            mapped[id(base)] = base
    for base in mapped.values():
        release_pages(base, 0, len(base))
    return arrays[0]
