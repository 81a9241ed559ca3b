"""idx files under every name that MNIST and its kin have, and the usual folders of images by class."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.corpora import open_images
from seqkit.errors import CorpusNotFoundError, DataError
from tests.corpora.test_images import idx_bytes, write_images

PARTS = {("train", "images"): 9, ("train", "labels"): 9, ("test", "images"): 4, ("test", "labels"): 4}
NAMES = {
    "MNIST": "{mnist}-{content}-idx{n}-ubyte",
    "with a dot": "{mnist}-{content}.idx{n}-ubyte",
    "compressed": "{mnist}-{content}-idx{n}-ubyte.gz",
    "torchvision": "MNIST/raw/{mnist}-{content}-idx{n}-ubyte",
    "Kaggle's folders": "{mnist}-{content}-idx{n}-ubyte/{mnist}-{content}-idx{n}-ubyte",
    "a folder in a folder": "archive/{mnist}-{content}-idx{n}-ubyte/{mnist}-{content}-idx{n}-ubyte",
    "EMNIST": "gzip/emnist-letters-{split}-{content}-idx{n}-ubyte.gz",
    "EMNIST of torchvision": "EMNIST/raw/emnist-letters-{split}-{content}-idx{n}-ubyte",
    "QMNIST": "qmnist-{split}-{content}-idx{n}-ubyte.gz",
}


def write_set(folder: Path, name: str, *, shift: int = 0) -> None:
    """Images of 2×3 whose numbers count on, and labels from 1 as EMNIST's letters have."""
    for (split, content), count in PARTS.items():
        array = np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3) + shift
        labels = np.arange(count, dtype=np.uint8) % 3 + 1
        data = idx_bytes(array if content == "images" else labels)
        mnist, n = "train" if split == "train" else "t10k", 3 if content == "images" else 1
        path = folder / name.format(split=split, mnist=mnist, content=content, n=n)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_is_found_under_each_name(name: str, tmp_path: Path) -> None:
    write_set(tmp_path, NAMES[name])
    corpus = open_images(tmp_path, validation=0)
    assert corpus.classes == ("1", "2", "3")
    assert corpus.provenance()["images"] == {"train": 9, "test": 4}
    np.testing.assert_array_equal(corpus.images("train").labels, [0, 1, 2] * 3)
    np.testing.assert_array_equal(corpus.images("test").images[1, :, :, 0], [[6, 7, 8], [9, 10, 11]])


def test_plain_and_compressed_files_beside_each_other_are_one_set(tmp_path: Path) -> None:
    for name in ("torchvision", "compressed"):
        write_set(tmp_path / "MNIST" / "raw", NAMES["MNIST"])
        write_set(tmp_path / "MNIST" / "raw", NAMES["compressed"], shift=1)
        assert open_images(tmp_path, validation=0).images("train").images[0, 0, 0, 0] == 0, name


def test_one_of_several_sets_is_named(tmp_path: Path) -> None:
    for shift, which in enumerate(("digits", "letters")):
        write_set(tmp_path, NAMES["EMNIST"].replace("letters", which).removeprefix("gzip/"), shift=shift)
    with pytest.raises(DataError, match=r"idx files of one set, got those of emnist-digits, emnist-letters"):
        open_images(tmp_path)
    assert open_images(tmp_path / "emnist-letters", validation=0).images("train").images[0, 0, 0, 0] == 1
    with pytest.raises(CorpusNotFoundError, match="no corpus"):
        open_images(tmp_path / "emnist-balanced")
    (tmp_path / "emnist-letters-test-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(CorpusNotFoundError, match="no t10k-labels-idx1-ubyte beside"):
        open_images(tmp_path / "emnist-letters")


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "test"), ("train", "test")),
        (("training", "testing"), ("train", "test")),
        (("Train", "val", "Test"), ("train", "valid", "test")),
        (("train", "val"), ("train", "valid")),
    ],
)
@pytest.mark.parametrize("inner", ["", "dataset/images"])
def test_folders_of_splits(names: Any, splits: Any, inner: str, tmp_path: Path) -> None:
    for name in names:
        write_images(tmp_path / "set" / inner / name, 3)
    corpus = open_images(tmp_path / "set", validation=0)
    assert corpus.splits == splits
    assert [len(corpus.images(split)) for split in splits] == [6] * len(splits)


def test_a_folder_as_a_whole_is_test_data(tmp_path: Path) -> None:
    corpus = open_images(write_images(tmp_path / "set", 5), whole=True)
    assert corpus.splits == ("test",)
    assert len(corpus.images("test")) == 10
