"""Large arrays in memory or, above a limit, in files of a temporary folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.errors import DataError
from seqkit.files.mapped import SharedMap, release


class Storage:
    """Makes arrays that are kept in memory while they are small beside a limit, and on disk otherwise.

    Arrays on disk are mapped; a file goes with its array.

    Args:
        memory: Bytes that a computation may take; an array of more than 1/256 of it goes to disk.
        folder: Where the temporary files lie; None for the system's folder.
    """

    def __init__(self, memory: int, folder: Path | None = None) -> None:
        self.memory = memory
        self.block = max(1024, memory // 512)
        """Items of 8 bytes to work on at once; a step keeps up to thirty such arrays."""
        self._folder = folder

    def zeros(self, size: int, dtype: Any) -> np.ndarray:
        """Return an array (size,) of zeros.

        Raises:
            DataError: The disk is full, or the folder cannot be written.
        """
        nbytes = size * np.dtype(dtype).itemsize
        if nbytes <= self.memory // 256:
            return np.zeros(size, dtype)
        try:
            free = shutil.disk_usage(self._folder or tempfile.gettempdir()).free
            if free < nbytes:  # a write through the mapping would end the process
                raise OSError(f"{nbytes:,} bytes are needed, {free:,} are free")
            with tempfile.TemporaryFile(dir=self._folder) as file:  # the mapping keeps it open
                file.truncate(nbytes)
                return np.frombuffer(SharedMap(file.fileno(), nbytes), dtype)
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
        stored = self.zeros(len(array), array.dtype)
        for begin, end in blocks(len(array), self.block):
            stored[begin:end] = array[begin:end]
            release(stored, array)
        return stored


class Pile:
    """Many arrays of one type, side by side in few files, on disk unless all of them are small.

    Args:
        storage: Where they lie.
        size: Items expected in all; more fit.
        dtype: Their type.
    """

    def __init__(self, storage: Storage, size: int, dtype: Any) -> None:
        self._storage, self._size, self._dtype = storage, min(size, 32 * storage.block), dtype
        self._file, self._used = np.empty(0, dtype), 0

    def store(self, array: np.ndarray) -> np.ndarray:
        """Return a copy of the array."""
        if self._used + len(array) > len(self._file):
            self._file, self._used = self._storage.zeros(max(self._size, len(array)), self._dtype), 0
        stored = self._file[self._used : self._used + len(array)]
        stored[:] = array
        self._used += len(array)
        return release(stored)


def blocks(size: int, block: int) -> list[tuple[int, int]]:
    """Return the ranges [begin, end) of at most ``block`` items that cover ``size`` items."""
    return [(begin, min(begin + block, size)) for begin in range(0, size, block)]
