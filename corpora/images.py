"""From what a user types as DATASET to images: scikit-learn's digits, MNIST and its kin, or a folder."""

from __future__ import annotations

import difflib
import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.corpora.corpus import hash_file
from seqkit.corpora.idx_files import read_idx
from seqkit.corpora.image_corpus import ImageCorpus, LabelledImages
from seqkit.corpora.image_folders import folder_images
from seqkit.corpora.registry import REGISTRY
from seqkit.errors import CorpusNotFoundError, DataError, MissingDependencyError, UsageError

DIGITS = "digits"
_TEST_DIGITS = 360
_NUMERALS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_CLASSES = {"mnist": _NUMERALS, "fashion-mnist": _CLOTHES}
_IDX_FILES = {"train": "train-{}-idx{}-ubyte", "test": "t10k-{}-idx{}-ubyte"}


def image_corpora() -> list[str]:
    """The names that :func:`open_images` knows, the default first."""
    return [DIGITS, *_CLASSES]


def open_images(
    spec: str | os.PathLike[str] = DIGITS,
    *,
    validation: float = 0.1,
    seed: int = 0,
    image_size: int | None = None,
) -> ImageCorpus:
    """The images of a name of :func:`image_corpora`, or of a folder.

    spec: ``digits`` (scikit-learn's, 8×8; it has no test part, so a fixed fifth is set aside), ``mnist``,
        ``fashion-mnist``, a folder that holds the four idx files of such a set, or a folder of images with
        one sub-folder a class (:func:`seqkit.corpora.image_folders.folder_images` says how it is split).
    validation, seed: where the set has no validation part of its own, this share of its training images,
        drawn by the seed, becomes one; 0 leaves them all in training (``ImageCorpus.with_validation``).
    image_size: resize the images of a folder to so many pixels a side; otherwise all must be of one size.

    A name wins over a folder of that name; write ``./NAME`` for the folder. Raises CorpusNotFoundError when
    the files are absent, DataError when they cannot be used, MissingDependencyError without scikit-learn or
    Pillow.
    """
    name = os.fspath(spec)
    if image_size is not None and image_size < 1:
        raise UsageError(f"image_size must be at least 1, got {image_size}")
    if name in image_corpora():
        if image_size is not None:
            raise UsageError(f"the images of {name} have one size already", remedy="leave --image-size out")
        found = _digits() if name == DIGITS else _registered(name)
    else:
        found = _folder(name, image_size)
    return found.with_validation(validation, seed)


def _digits() -> ImageCorpus:
    try:
        datasets: Any = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise MissingDependencyError(
            "the digits come with scikit-learn, which is not installed", remedy="pip install 'seqkit[images]'"
        ) from error
    bunch = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]  # 17 shades
    every = LabelledImages(images, bunch.target.astype(np.int64))
    order = Generator(0, "digits").permutation(len(every))
    return ImageCorpus(
        DIGITS,
        description="scikit-learn's 1,797 handwritten digits of 8×8, shades of 0 to 16 spread over 0 to 255",
        parts={
            "train": every.take(np.sort(order[_TEST_DIGITS:])),
            "test": every.take(np.sort(order[:_TEST_DIGITS])),
        },
        classes=_NUMERALS,
        origin={"source": "sklearn.datasets.load_digits"},
        split_rule=f"{_TEST_DIGITS} fixed ones test, the rest trains",
    )


def _registered(name: str) -> ImageCorpus:
    entry = REGISTRY[name]
    files = entry.local_files()
    remedy = f"delete its files and fetch it again: seqkit corpora fetch {name}"
    paths = {key: files[file + ".gz"] for key, file in _idx_names().items()}
    return _idx_images(name, entry.description, paths, _CLASSES[name], remedy)


def _folder(name: str, image_size: int | None) -> ImageCorpus:
    folder = Path(name).expanduser()
    try:
        kind = "folder" if folder.is_dir() else "file" if folder.exists() else "nothing"
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        raise DataError(f"cannot be read ({getattr(error, 'strerror', error)})", where=repr(name)) from error
    if kind == "file":
        raise DataError("a file, where a folder of images is due", where=name, remedy="give its folder")
    if kind == "folder":
        idx = _idx_paths(folder)
        if idx is None:
            return folder_images(folder, image_size)
        if image_size is not None:
            raise UsageError(f"the images of {name} have one size already", remedy="leave --image-size out")
        return _idx_images(name, f"the idx files of {folder}", idx, None, "see to its files")
    close = difflib.get_close_matches(name, image_corpora(), n=2)
    meant = f"did you mean {' or '.join(close)}?" if close else f"names: {', '.join(image_corpora())}"
    raise CorpusNotFoundError(
        f"no images {name!r}: neither a name nor a folder",
        where=f"looked in {folder.absolute().parent}",
        remedy=f"{meant}; or give a folder with one sub-folder of images a class",
    )


def _idx_names() -> dict[tuple[str, str], str]:
    """(split, "images" or "labels") -> file name, uncompressed."""
    kinds = {"images": 3, "labels": 1}
    return {(s, kind): name.format(kind, n) for s, name in _IDX_FILES.items() for kind, n in kinds.items()}


def _idx_paths(folder: Path) -> dict[tuple[str, str], Path] | None:
    """The idx files of a folder, or None where it holds none. Raises CorpusNotFoundError for some of them."""
    found = {
        key: next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
        for key, name in _idx_names().items()
    }
    if not any(found.values()):
        return None
    missing = [name for key, name in _idx_names().items() if found[key] is None]
    if missing:
        raise CorpusNotFoundError(
            f"no {', '.join(missing)} beside the other idx files",
            where=str(folder),
            remedy="add them, as they are or as .gz",
        )
    return {key: path for key, path in found.items() if path is not None}


def _idx_images(
    name: str,
    description: str,
    paths: dict[tuple[str, str], Path],
    classes: tuple[str, ...] | None,
    remedy: str,
) -> ImageCorpus:
    """The images of four idx files. Without known ``classes`` they are the training labels that occur."""
    parts: dict[str, LabelledImages] = {}
    labels_of = {split: read_idx(paths[split, "labels"], 1) for split in _IDX_FILES}
    numbers = np.unique(labels_of["train"]) if classes is None else np.arange(len(classes))
    for split, labels in labels_of.items():
        images, where = read_idx(paths[split, "images"], 3), str(paths[split, "labels"])
        if len(images) != len(labels):
            raise DataError(f"{len(labels):,} labels for {len(images):,} images", where=where, remedy=remedy)
        unknown = np.flatnonzero(~np.isin(labels, numbers))
        if len(unknown):
            due = ", ".join(map(str, numbers.tolist()))
            raise DataError(
                f"label {labels[unknown[0]]} of image {unknown[0]}, where one of {due} is due",
                where=where,
                remedy=remedy,
            )
        parts[split] = LabelledImages(images[..., None], np.searchsorted(numbers, labels).astype(np.int64))
    if len(numbers) < 2:
        raise DataError(f"all labels are {numbers[0]}, where two classes are due", where=name, remedy=remedy)
    if parts["train"].images.shape[1:] != parts["test"].images.shape[1:]:
        sizes = [" by ".join(map(str, part.images.shape[1:3])) for part in parts.values()]
        raise DataError(
            f"training images of {sizes[0]} pixels, test images of {sizes[1]}", where=name, remedy=remedy
        )
    hashes = {path: hash_file(path) for path in paths.values()}
    return ImageCorpus(
        name,
        description=description,
        parts=parts,
        classes=classes or tuple(map(str, numbers.tolist())),
        origin={
            "files": [
                {"path": str(path), "bytes": size, "sha256": digest}
                for path, (size, digest) in hashes.items()
            ]
        },
        split_rule="the published files train and test",
    )
