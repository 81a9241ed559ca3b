"""Token ids in flat files: written in blocks, read memory-mapped, published complete or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.paths import make_folder
from seqkit.errors import DataError, RunError
from seqkit.files import read_json
from seqkit.platforms import flush_file, flush_folder, rename_folder

META = "meta.json"
_STALE = 24 * 3600


def id_dtype(size: int) -> np.dtype:
    """Return uint16 or int32, whichever is the smaller that holds the ids of a vocabulary of ``size``."""
    return np.dtype(np.uint16 if size <= 1 << 16 else np.int32)


def map_ids(path: Path, dtype: np.dtype) -> np.ndarray:
    """Return the ids of a file, (N,), memory-mapped and read-only."""
    if path.stat().st_size == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    return np.memmap(path, dtype=dtype, mode="r")


class FileIds:
    """(N,) ids read from their file slice by slice, for passes over all of them.

    The touched pages of a mapping count as memory of the process until the system takes them back: a pass
    over 800 MB of ids would show as 800 MB. Several threads may read slices at once.
    """

    def __init__(self, path: Path, dtype: np.dtype) -> None:
        self.path, self.dtype = path, dtype
        self._length = path.stat().st_size // dtype.itemsize

    @classmethod
    def of(cls, mapped: np.ndarray) -> Any:
        """Return the file behind an array of :func:`map_ids`, or the array itself if it has none."""
        name = getattr(mapped, "filename", None)
        return mapped if name is None else cls(Path(name), mapped.dtype)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, places: slice) -> np.ndarray:
        start, stop, step = places.indices(self._length)
        if step != 1:
            raise ValueError(f"expected a slice of step 1, got step {step}")
        ids = np.fromfile(self.path, self.dtype, max(0, stop - start), offset=start * self.dtype.itemsize)
        if len(ids) < stop - start:
            raise DataError("the file has become shorter while it was read", where=str(self.path))
        return ids


class SummedFile:
    """A new file whose size and sha256 are taken of the data as it is given, not as the disk returns it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file, self._digest = path.open("wb"), hashlib.sha256()

    def write(self, data: bytes | memoryview) -> None:
        """Append data."""
        self._file.write(data)
        self._digest.update(data)

    def close(self) -> dict[str, int | str]:
        """Flush the file to the disk and return the description that :func:`publish` takes."""
        size = self._file.tell()
        flush_file(self._file)
        self._file.close()
        return {"bytes": size, "sha256": self._digest.hexdigest()}

    def __enter__(self) -> SummedFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def _describe(path: Path) -> dict[str, int | str]:
    """Return size and sha256 of a file as stored on disk; 1 GB takes one to three seconds."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": file.tell(), "sha256": digest}


def read_entry(folder: Path) -> dict[str, Any] | None:
    """Return what :func:`publish` was given, or None for an entry that is absent or damaged in any way."""
    try:
        read = read_json(folder / META, dict[str, Any])
        body = json.dumps(read["meta"], sort_keys=True)
        if hashlib.sha256(body.encode()).hexdigest() != read["sha256"]:
            return None
        for name, expected in read["meta"]["files"].items():
            if _describe(folder / name) != expected:
                return None
    except (OSError, RunError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(read["meta"])


@contextmanager
def work_folder(root: Path) -> Iterator[Path]:
    """Make a new folder below ``root``, which is removed afterwards unless it was published.

    Raises:
        DataError: If the cache cannot be written (no permission, disk full).
    """
    try:
        make_folder(root)
        _remove_stale(root)
        folder = Path(tempfile.mkdtemp(prefix=".new-", dir=root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"the cache cannot be written ({error.strerror or error})",
            where=str(error.filename or root),
            remedy="free some space, or set SEQKIT_CACHE to another folder",
        ) from error


def _remove_stale(root: Path) -> None:
    """Remove what killed processes left behind a day ago or earlier."""
    for left in root.glob(".new-*"):
        try:
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue


def publish(
    work: Path, target: Path, files: Mapping[str, dict[str, int | str]], meta: dict[str, object]
) -> None:
    """Describe the files of ``work`` in its meta file and give the folder its name in one rename.

    If another process published a complete entry first, that entry stays and ours is dropped.

    Args:
        work: The folder, whose files are on the disk.
        target: Its future name.
        files: The description of each file, as :meth:`SummedFile.close` gives it.
        meta: Whatever else :func:`read_entry` shall return.
    """
    meta = {**meta, "files": dict(files)}
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
    with SummedFile(work / META) as file:
        file.write(json.dumps({"meta": meta, "sha256": digest}, indent=1).encode())
        file.close()
    flush_folder(work)
    if target.exists() and read_entry(target) is None:
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
        rename_folder(target, aside / "damaged")
        shutil.rmtree(aside, ignore_errors=True)
    try:
        rename_folder(work, target)
        flush_folder(target.parent)
    except OSError:
        if read_entry(target) is None:
            raise
