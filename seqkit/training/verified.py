"""Files whose bytes were verified once: remembered in the cache by place, size, time and checksum."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

import seqkit
from seqkit.backend.paths import cache_dir, make_folder
from seqkit.errors import RunError
from seqkit.files import write_atomically
from seqkit.platforms import is_private


def is_remembered(path: Path, digest: str) -> bool:
    """Return whether this file was verified and has not changed since.

    Args:
        path: The file.
        digest: The checksum that it states.
    """
    try:
        place = _place(path)
        if not is_private(place.stat()):
            return False
        stated = json.loads(place.read_bytes())
        return bool(stated == _identity(path, digest))
    except (OSError, ValueError):
        return False


def remember(path: Path, digest: str) -> None:
    """Remember that the file was verified; without a cache that can be written it is verified again."""
    with contextlib.suppress(OSError, RunError):
        place = _place(path)
        make_folder(place.parent)
        write_atomically(place, json.dumps(_identity(path, digest)).encode(), shared=True)


def _identity(path: Path, digest: str) -> list[object]:
    status = os.stat(path)
    return [seqkit.__version__, status.st_size, status.st_mtime_ns, status.st_ino, digest]


def _place(path: Path) -> Path:
    return cache_dir() / "verified" / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
