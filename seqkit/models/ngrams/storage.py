"""Large arrays in memory or, above a limit, in files of a temporary folder."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.errors import DataError
from seqkit.platforms import release_pages


class Storage:
    """Makes arrays that are kept in memory while they are small beside a limit, and on disk otherwise.

    Arrays on disk are mapped; a file goes with its array.

    Args:
        memory: Bytes that a computation may take; an array of more than 1/64 of it goes to disk.
        folder: Where the temporary files lie; None for the system's folder.
    """

    def __init__(self, memory: int, folder: Path | None = None) -> None:
        self.memory = memory
        self.block = max(1024, memory // 512)
        """Items of 8 bytes to work on at once; a step keeps up to thirty such arrays."""
        self._folder = folder

    def empty(self, size: int, dtype: Any) -> np.ndarray:
        """Return an array (size,) whose content is undefined in memory, and zero on disk.

        Raises:
            DataError: The disk is full, or the folder cannot be written.
        """
        nbytes = size * np.dtype(dtype).itemsize
        if nbytes <= self.memory // 64:
            return np.empty(size, dtype)
        try:
            free = shutil.disk_usage(self._folder or tempfile.gettempdir()).free
            if free < nbytes:  # a write through the mapping would end the process
                raise OSError(f"{nbytes:,} bytes are needed, {free:,} are free")
            with tempfile.TemporaryFile(dir=self._folder) as file:  # the mapping keeps it open
                file.truncate(nbytes)
                return np.frombuffer(mmap.mmap(file.fileno(), nbytes), dtype)
        except OSError as error:
            raise DataError(
                f"cannot write temporary files for counting ({error})",
                where=str(self._folder or tempfile.gettempdir()),
                remedy="free some space, or allow more memory",
            ) from error

    def windows(self, array: np.ndarray) -> list[tuple[int, int]]:
        """Return ranges that cover an array, each small enough to be read and written at random in memory."""
        return blocks(len(array), max(1024, self.memory // 8 // array.itemsize))

    def store(self, array: np.ndarray) -> np.ndarray:
        """Return the array, on disk if it is large."""
        stored = self.empty(len(array), array.dtype)
        stored[:] = array
        return release(stored)


def blocks(size: int, block: int) -> list[tuple[int, int]]:
    """Return the ranges [begin, end) of ``block`` items each, the last one of the rest, that cover ``size``."""
    return [(begin, min(begin + block, size)) for begin in range(0, size, block)]


def release(array: np.ndarray) -> np.ndarray:
    """Take an array's pages out of this process's memory if it is mapped; return the array.

    The system keeps what was written, in its cache of files, and writes it to disk when it needs the memory.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap):
        release_pages(base, 0, len(base))
    return array
