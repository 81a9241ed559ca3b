"""Files that are whole or not there: written beside, flushed to disk, published by one rename."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from seqkit.errors import RunError


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``. RunError (a full disk, no permission) leaves the old file as it was."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise RunError(
            f"cannot write {path} ({error.strerror or error})",
            remedy="free some space or choose another --out; the last good files are untouched",
        ) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, where the system has such a call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
