"""A file is the old one or the new one, whatever happens in between."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import RunError
from seqkit.files import atomic
from seqkit.files.atomic import write_atomically


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullFile:
    """A file whose writing fails half way."""

    def __init__(self, path: Path, mode: str) -> None:
        self.file = path.open(mode)

    def __enter__(self) -> FullFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.file.close()

    def write(self, data: bytes) -> None:
        self.file.write(data[: len(data) // 2])
        full()


def test_it_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"first", b"", b"second, longer"):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    if where == "write":
        monkeypatch.setattr(atomic, "open", FullFile, raising=False)
    else:
        monkeypatch.setattr(os, where, full)
    with pytest.raises(RunError, match=r"cannot write .*file \(No space left on device\); free some space"):
        write_atomically(path, b"new and long")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_the_systems_own_full_device(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    (tmp_path / "file.part").symlink_to("/dev/full")
    with pytest.raises(RunError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert os.path.exists("/dev/full")


def test_remains_of_a_killed_write_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert not (tmp_path / "file.part").exists()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file"):
        write_atomically(tmp_path / "nowhere" / "file", b"")
