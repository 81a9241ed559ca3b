"""Atomic replacement of a file: written beside it, flushed to disk, put in its place by one rename.

A reader, and a process that is killed, see the old file or the new one, never a mixture.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from seqkit.errors import RunError, SeqkitError
from seqkit.platforms import flush_file, flush_folder, replace_file

_REMEDY = "free some space or choose another --out; the last good files are untouched"


@contextlib.contextmanager
def atomic_writer(
    path: str | os.PathLike[str],
    *,
    error: type[SeqkitError] = RunError,
    remedy: str = _REMEDY,
    shared: bool = False,
) -> Iterator[IO[bytes]]:
    """Open a new binary file that replaces ``path`` when the block ends without an exception.

    Args:
        path: The file to replace; its folder must exist.
        error: The exception raised when the file cannot be written.
        remedy: The advice in the exception.
        shared: Whether several processes may write this file at once; each then has a temporary file of its
            own, ``NAME.PID.part``, where otherwise it is ``NAME.part``.

    Raises:
        SeqkitError: Of the class ``error``, when the disk is full or there is no permission. The old file
            stays as it was.
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.{os.getpid()}.part" if shared else f"{target.name}.part")
    try:
        with open(part, "wb") as file:
            yield file
            flush_file(file)
        publish(part, target)
    except BaseException as failure:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(failure, OSError):
            what = f"cannot write {target} ({failure.strerror or failure})"
            raise error(what, remedy=remedy) from failure
        raise


def write_atomically(
    path: str | os.PathLike[str],
    data: bytes,
    *,
    error: type[SeqkitError] = RunError,
    remedy: str = _REMEDY,
    shared: bool = False,
) -> None:
    """Replace ``path`` by ``data``; arguments and exceptions as for :func:`atomic_writer`."""
    with atomic_writer(path, error=error, remedy=remedy, shared=shared) as file:
        file.write(data)


def publish(part: Path, target: Path) -> None:
    """Give a complete file its name, and flush the folder, so that the rename survives a power cut."""
    replace_file(part, target)
    flush_folder(target.parent)
