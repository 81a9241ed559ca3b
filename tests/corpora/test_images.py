"""Images from scikit-learn, idx files and folders: what they hold, how they are cut, what is refused."""

import gzip
import random
import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.corpora import ImageCorpus, LabelledImages, open_images, read_images
from seqkit.corpora.readers.idx import read_idx
from seqkit.errors import CorpusNotFoundError, DataError, MissingDependencyError, SeqkitError, UsageError
from tests.corpora.conftest import REAL_DATA


def idx_bytes(array: np.ndarray, *, code: int = 8) -> bytes:
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder: Path, *, packed: bool = False, **changes: np.ndarray) -> Path:
    """Four idx files: 7 training and 3 test images of 5×3; ``train_labels`` and the like replace one."""
    folder.mkdir()
    for split, prefix, count in (("train", "train", 7), ("test", "t10k", 3)):
        images = np.arange(count * 15, dtype=np.uint8).reshape(count, 5, 3)
        labels = np.arange(count, dtype=np.uint8) % 3
        for kind, array, n in (("images", images, 3), ("labels", labels, 1)):
            data = idx_bytes(changes.get(f"{split}_{kind}", array))
            name = f"{prefix}-{kind}-idx{n}-ubyte"
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (folder / name).write_bytes(data)
    return folder


def corpus_of(count: int) -> ImageCorpus:
    part = LabelledImages(np.arange(count * 4, dtype=np.uint8).reshape(count, 2, 2, 1), np.arange(count) % 3)
    return ImageCorpus(
        "c", description="", data={"train": part}, classes=("0", "1", "2"), origin={}, split_rule="none"
    )


# idx files


@pytest.mark.parametrize("packed", [False, True])
def test_idx_folders_plain_and_packed(tmp_path: Path, packed: bool) -> None:
    corpus = open_images(write_idx(tmp_path / "set", packed=packed), validation=0)
    assert (corpus.splits, corpus.shape, corpus.classes) == (("train", "test"), (5, 3, 1), ("0", "1", "2"))
    train = corpus.images("train")
    assert train.images.dtype == np.uint8
    np.testing.assert_array_equal(train.images[1, :, :, 0], np.arange(15, 30).reshape(5, 3))
    np.testing.assert_array_equal(train.labels, [0, 1, 2, 0, 1, 2, 0])
    assert len(corpus.provenance()["files"]) == 4
    assert corpus.provenance()["images"] == {"train": 7, "test": 3}
    with pytest.raises(DataError, match="no valid split"):
        corpus.images("valid")


IMAGES = np.zeros((4, 3, 2), np.uint8)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "begins with nothing"),
        (b"\0\0", "begins with 00 00"),
        (b"GIF89a", "begins with 47 49 46 38"),
        (idx_bytes(IMAGES)[:9], "cut off in its header"),
        (idx_bytes(IMAGES)[:-1], r"claims 4 × 3 × 2 = 24 bytes, but only 23 follow"),
        (idx_bytes(IMAGES) + b"\0", r"4 × 3 × 2 = 24 bytes, but more follow"),
        (idx_bytes(IMAGES, code=0x0D), "expected idx numbers of type uint8, got float32"),
        (idx_bytes(IMAGES[0]), "expected 3 idx dimensions, got 2"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 28, 28), r"1 to 1,073,741,824 can be read"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 1 << 20, 30, 30) + b"\0" * 99, "but only 99 follow"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 0, 28, 28), "= 0 bytes"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_idx_files_are_refused_before_memory_is_taken(
    tmp_path: Path, data: bytes, said: str, packed: bool
) -> None:
    path = tmp_path / ("images.gz" if packed else "images")
    path.write_bytes(gzip.compress(data) if packed else data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=said) as error:
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert str(path) in str(error.value)


def test_a_bomb_is_counted_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    with gzip.open(path, "wb") as file:
        file.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", 10, 28, 28))
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"= 7,840 bytes, but more follow"):
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_cut_or_changed_gzip_file(tmp_path: Path) -> None:
    path, data = (
        tmp_path / "images.gz",
        gzip.compress(idx_bytes(np.arange(240, dtype=np.uint8).reshape(2, 10, 12))),
    )
    for broken in (data[:-9], data[:60] + b"\xff" + data[61:], data[:-6] + b"\0" + data[-5:]):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=r"images\.gz"):
            read_idx(path, 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train_labels": np.zeros(6, np.uint8)}, "expected a label for each of 7 images, got 6"),
        ({"test_labels": np.array([0, 9, 1], np.uint8)}, "expected the labels 0, 1, 2, got 9 of image 1"),
        (
            {"train_labels": np.full(7, 4, np.uint8), "test_labels": np.full(3, 4, np.uint8)},
            "expected two or more classes, got only the label 4",
        ),
        (
            {"test_images": np.zeros((3, 5, 5), np.uint8)},
            "training images of 5 by 3 pixels, test images of 5 by 5",
        ),
    ],
)
def test_idx_files_that_do_not_belong_together(
    tmp_path: Path, changes: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        open_images(write_idx(tmp_path / "set", **changes))


def test_the_classes_of_idx_files_are_the_labels_that_occur(tmp_path: Path) -> None:
    some = {
        "train_labels": np.array([7, 3, 3, 7, 3, 7, 7], np.uint8),
        "test_labels": np.array([3, 7, 3], np.uint8),
    }
    corpus = open_images(write_idx(tmp_path / "set", **some), validation=0)
    assert corpus.classes == ("3", "7")
    assert corpus.images("test").labels.tolist() == [0, 1, 0]


def test_a_missing_idx_file_is_named(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "set")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(CorpusNotFoundError, match="no t10k-labels-idx1-ubyte beside"):
        open_images(folder)


# The cut for validation


def test_validation_is_drawn_by_the_seed_and_in_nobody_elses_part() -> None:
    whole = corpus_of(53)
    cut = whole.with_validation(0.2, seed=3)
    train, valid = cut.images("train"), cut.images("valid")
    assert (len(train), len(valid)) == (42, 11)
    rows = [part.images[:, 0, 0, 0].astype(int) // 4 for part in (train, valid)]
    assert sorted(np.concatenate(rows)) == list(range(53))
    for own in rows:
        np.testing.assert_array_equal(own, np.sort(own))
    again, other = whole.with_validation(0.2, seed=3), whole.with_validation(0.2, seed=4)
    assert cut.content_key() == again.content_key() != other.content_key()
    assert whole.content_key() != cut.content_key()
    assert "11 of train validate, drawn by seed 3" in cut.provenance()["split_rule"]
    assert cut.with_validation(0.5) is cut
    assert whole.with_validation(0) is whole


def test_the_first_images_and_too_few_of_them() -> None:
    first = corpus_of(53).first(5)
    assert len(first.images("train")) == 5
    assert len(first.with_validation(0.2).images("train")) == 4
    with pytest.raises(DataError, match="too few to validate"):
        corpus_of(1).with_validation(0.1)
    with pytest.raises(UsageError, match="at least 0 and below 1"):
        corpus_of(9).with_validation(1.0)


# Names


def test_digits() -> None:
    pytest.importorskip("sklearn")
    corpus = open_images()
    assert corpus.shape == (8, 8, 1)
    assert {split: len(corpus.images(split)) for split in corpus.splits} == {
        "train": 1293, "valid": 144, "test": 360,
    }  # fmt: skip
    every = np.concatenate([part.images for part in corpus.data.values()])
    assert (every.min(), every.max(), len(np.unique(every))) == (0, 255, 17)
    one = open_images(validation=0.5, seed=7)
    np.testing.assert_array_equal(one.images("test").images, corpus.images("test").images)


@pytest.mark.corpus("mnist")
def test_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(REAL_DATA))
    corpus = open_images("mnist", validation=0)
    assert corpus.shape == (28, 28, 1)
    train, test = corpus.images("train"), corpus.images("test")
    # LeCun's page: 60,000 and 10,000; the first labels are 5 0 4 1 9 and 7 2 1 0 4
    assert (train.images.shape, test.images.shape) == ((60000, 28, 28, 1), (10000, 28, 28, 1))
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_absent_sets_say_how_to_get_them(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorpusNotFoundError, match="seqkit corpora fetch fashion-mnist"):
        open_images("fashion-mnist")
    with pytest.raises(CorpusNotFoundError, match="did you mean mnist"):
        open_images("mnits")
    with pytest.raises(UsageError, match="have one size already"):
        open_images("digits", image_size=8)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'seqkit\[images\]'"):
        open_images("digits")


# Folders of images


def write_images(folder: Path, count: int = 12, size: tuple[int, int] = (5, 3), mode: str = "L") -> Path:
    """Two classes of PNG files; those of "dark" are darker."""
    Image: Any = pytest.importorskip("PIL.Image")
    for name, shade in (("dark", 20), ("light", 200)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for n in range(count):
            colour = shade + n if mode == "L" else (shade + n, 0, 255 - shade)
            Image.new(mode, size, colour).save(folder / name / f"{n:02}.png")
    return folder


def test_a_folder_is_split_by_file(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "set", 20)
    (folder / "dark" / "notes.txt").write_text("no image")
    corpus = open_images(folder, validation=0)
    assert (corpus.classes, corpus.shape) == (("dark", "light"), (3, 5, 1))
    assert [len(corpus.images(split)) for split in corpus.splits] == [36, 4]
    np.testing.assert_array_equal(np.bincount(corpus.images("test").labels), [2, 2])
    for part in corpus.data.values():
        np.testing.assert_array_equal(part.images[:, 0, 0, 0] >= 200, part.labels == 1)
    assert set(corpus.first(8).images("train").labels) == {0, 1}  # not the first class alone
    assert open_images(folder, validation=0).content_key() == corpus.content_key()
    write_images(folder, 21)
    assert open_images(folder, validation=0).content_key() != corpus.content_key()


def test_named_splits_of_a_folder_are_kept(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "train", 5)
    write_images(tmp_path / "set" / "test", 3)
    write_images(tmp_path / "set" / "valid", 2)
    corpus = open_images(tmp_path / "set", validation=0.5)
    assert {split: len(part) for split, part in corpus.data.items()} == {"train": 10, "valid": 4, "test": 6}


def test_colours_alpha_and_sizes(tmp_path: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    colour, grey, clear = (tmp_path / f"{name}.png" for name in ("colour", "grey", "clear"))
    Image.new("RGB", (4, 4), (10, 20, 30)).save(colour)
    Image.new("L", (4, 4), 77).save(grey)
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(clear)
    found = read_images([colour, grey, clear])
    assert found.shape == (3, 4, 4, 3)
    assert found[:, 0, 0].tolist() == [[10, 20, 30], [77, 77, 77], [255, 255, 255]]
    assert read_images([grey]).shape == (1, 4, 4, 1)
    assert read_images([colour], channels=1).shape == (1, 4, 4, 1)
    Image.new("L", (6, 2), 77).save(colour)
    with pytest.raises(DataError, match=r"expected 4 by 4 pixels as grey.png has, got 2 by 6.*image_size=N"):
        read_images([grey, colour])
    resized = read_images([grey, colour], size=(3, 5))
    assert resized.shape == (2, 3, 5, 1)
    assert (resized == 77).all()


def test_files_that_are_no_images(tmp_path: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    whole = tmp_path / "whole.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).save(whole)
    data = whole.read_bytes()
    for name, broken in (("cut.png", data[:300]), ("text.png", b"no image"), ("none.png", b"")):
        path = tmp_path / name
        path.write_bytes(broken)
        with pytest.raises(DataError, match=rf"cannot be read as an image.*{name}"):
            read_images([path])
    deep = tmp_path / "deep.png"
    Image.fromarray(rng.integers(0, 60000, (4, 4), np.uint16)).save(deep)
    with pytest.raises(DataError, match=r"expected an image of 8 bits a channel, got mode I"):
        read_images([deep])
    with pytest.raises(DataError, match="none such"):
        read_images([tmp_path / "none such.png"])


def test_a_png_that_claims_too_many_pixels(tmp_path: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    path = tmp_path / "bomb.png"
    Image.new("L", (4, 4)).save(path)
    data = bytearray(path.read_bytes())
    import zlib

    for side in (8_000, 12_000, 60_000):  # Pillow is silent, warns, raises
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"more than 50,000,000 pixels"):
            read_images([path])


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: None, "no sub-folders"),
        (lambda folder: (folder / "dark").mkdir(), "no image in it"),
        (lambda folder: write_images(folder, 1), "expected one image to train and one to test, got one"),
        (lambda folder: write_images(folder / "train", 2), "without a test folder"),
        (
            lambda folder: [write_images(folder / s, 2).joinpath("dark").rename(folder / s / d) for s, d in
                            (("train", "dark"), ("test", "dusk"))],
            "'dusk' of test is not in train",
        ),
    ],
)  # fmt: skip
def test_folders_that_cannot_be_used(tmp_path: Path, prepare: Any, said: str) -> None:
    pytest.importorskip("PIL.Image")
    prepare(tmp_path)
    with pytest.raises(SeqkitError, match=said):
        open_images(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="expected a folder of images, got a file"):
        open_images(tmp_path / "a.png")


def test_without_pillow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'seqkit\[images\]'"):
        read_images([tmp_path / "a.png"])


@pytest.mark.parametrize("suffix", ["png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm"])
def test_damaged_images_of_every_format_are_named(suffix: str, tmp_path: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    draw = random.Random(suffix)
    path = tmp_path / f"x.{suffix}"
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    for _ in range(200):
        damaged = bytearray(whole[: draw.choice((len(whole), draw.randrange(len(whole))))])
        for _ in range(draw.choice((1, 8)) if damaged else 0):
            damaged[draw.randrange(min(len(damaged), 200))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            read_images([path])
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017  # some damages leave an image
