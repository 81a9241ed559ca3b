"""The folders that seqkit reads and writes, from environment variables or the platform's conventions."""

import os
import sys
from pathlib import Path


def _platform_folder(xdg: str, linux: str, mac: str, windows: str) -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / mac / "seqkit"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "seqkit" / windows
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / linux) / "seqkit"


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
