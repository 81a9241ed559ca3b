"""Paths that are opened: their names and kinds, and the errors of those that cannot be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from seqkit.errors import SeqkitError
from seqkit.explorer.opening import open_items
from tests.explorer.conftest import write_vectors
from tests.models.folders import write_bert


def opened(*paths: Path) -> list[tuple[str, str]]:
    return [(item.name, item.kind) for item in open_items(paths)]


def test_a_folder_of_runs(runs: Path) -> None:
    assert opened(runs) == [
        ("damaged", "unreadable"),
        ("gru", "language_modeling"),
        ("kneser-ney", "language_modeling"),
        ("others.safetensors", "vectors"),
        ("words.safetensors", "vectors"),
    ]


def test_equal_names_are_told_apart(runs: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        shutil.copytree(runs / "gru", tmp_path / folder / "run")
        shutil.copytree(runs / "gru", tmp_path / folder / "gru")
    names = [name for name, _ in opened(tmp_path / "a", tmp_path / "b", tmp_path / "a")]
    assert names == ["gru", "a/run", "b/gru", "b/run", "a/gru", "a/run 2"]


def test_a_checkpoint_folder(tmp_path: Path) -> None:
    write_bert(tmp_path / "bert")
    assert opened(tmp_path / "bert") == [("bert", "encoder")]


def test_models_are_loaded_once_and_on_use(runs: Path) -> None:
    damaged, gru, *_ = open_items([runs])
    with gru.use() as first, gru.use() as second:
        assert first is second
    with pytest.raises(SeqkitError), damaged.use():
        pass
    assert damaged.describe()["error"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"\x80\x04.", "pickle"), (b"%PDF-1.7\n" * 9, "PDF")]
)
def test_a_file_of_no_vectors_is_listed_with_its_error(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "vectors.bin").write_bytes(content)
    (item,) = open_items([tmp_path / "vectors.bin"])
    assert item.kind == "unreadable"
    assert said in str(item.error)


def test_odd_entries_of_a_folder_are_left_out(runs: Path, tmp_path: Path) -> None:
    write_vectors(tmp_path / "a.vec.safetensors", ["a", "b"])
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("a b c")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.bin")
    assert opened(tmp_path) == [("a.vec.safetensors", "vectors")]
