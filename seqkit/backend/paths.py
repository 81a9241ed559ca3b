"""The folders that seqkit reads and writes, from environment variables or the platform's conventions."""

import os
import tempfile
from pathlib import Path

from seqkit.platforms import MAC, WINDOWS, user_id
from seqkit.platforms import is_private as is_private


def private_folder() -> Path:
    """Return a folder for this user among the temporary ones; it need not exist."""
    user = user_id()
    return Path(tempfile.gettempdir()) / ("seqkit" if user is None else f"seqkit-{user}")


def _home() -> Path:
    """Return the home folder; one among the temporary files for a user who has none, as in containers."""
    try:
        return Path.home()
    except RuntimeError:
        return private_folder() / "home"


def _platform_folder(xdg: str, linux: str, mac: str, windows: str) -> Path:
    if MAC:
        return _home() / "Library" / mac / "seqkit"
    if WINDOWS:
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else _home() / "AppData" / "Local") / "seqkit" / windows
    base = os.environ.get(xdg)
    return (Path(base) if base else _home() / linux) / "seqkit"


def data_dir() -> Path:
    """Return the folder of corpora: $SEQKIT_DATA, else the platform's. Only `corpora fetch` writes to it."""
    given = os.environ.get("SEQKIT_DATA")
    return (
        Path(given)
        if given
        else _platform_folder("XDG_DATA_HOME", ".local/share", "Application Support", "Data")
    )


def cache_dir() -> Path:
    """Return the folder of derived files: $SEQKIT_CACHE, else the platform's. It may be deleted."""
    given = os.environ.get("SEQKIT_CACHE")
    return Path(given) if given else _platform_folder("XDG_CACHE_HOME", ".cache", "Caches", "Cache")


def make_folder(path: Path) -> None:
    """Make a folder of the cache and its missing parents, which only this user can enter.

    Raises:
        OSError: It cannot be made.

    """
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in (*reversed(missing), path):
        folder.mkdir(mode=0o700, exist_ok=True)
