"""Exclusive locks on files: held by a living process, released by its death."""

import os
from pathlib import Path
from typing import BinaryIO

from seqkit.platforms import lock_file


class FileLock:
    """An exclusive lock on an existing file, whose content it leaves alone.

    On Linux also between the hosts of a network file system. Where the file system has no locks,
    :meth:`acquire` succeeds: a training that could not run there at all would be no better.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def acquire(self, *, create: bool = False) -> bool:
        """Take the lock, and return whether it was free. OSError if the file cannot be opened.

        Args:
            create: Create an empty file if there is none.

        """
        if self._file is not None:
            return True
        if create:
            self.path.touch()
        file = open(self.path, "r+b" if os.access(self.path, os.W_OK) else "rb")  # noqa: SIM115  # kept open
        try:
            if not lock_file(file):
                file.close()
                return False
        except OSError:
            file.close()  # the file system has no locks
            return True
        self._file = file
        return True

    def is_of(self, path: Path) -> bool:
        """Return whether the file that is locked is the one at ``path``."""
        try:
            return self._file is not None and os.path.samestat(os.fstat(self._file.fileno()), path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
