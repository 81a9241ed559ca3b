"""Images in the idx format of MNIST: a header of big-endian sizes, then the numbers."""

import math
import os
import re
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np

from seqkit.corpora.corpus import describe_files, hash_files
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.image_corpus import ImageCorpus, LabelledImages
from seqkit.corpora.readers.lines import BadLines
from seqkit.errors import CorpusNotFoundError, DataError
from seqkit.files.compressed import COMPRESSED, plain_name
from seqkit.files.lines import open_bytes

_LARGEST = 1 << 30
"""Bytes. The largest set in this format (EMNIST) has 547 MB; more is a damaged header, or a trap."""
_MOST_COMPRESSED, _ALWAYS = 200, 64 << 20
"""Images compress by less than this factor; small files, which cost no memory, may by more."""
_BLOCK = 1 << 20
_UINT8 = 0x08
_OTHER_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
_CONTENTS = {"images": 3, "labels": 1}
"""The number of dimensions of the files of images and of labels."""
_NAME = re.compile(
    r"(?:(?P<set>.+?)[-_.])?(?P<split>train|t10k|test)[-_.](?P<content>images|labels)"
    r"[-_.]idx[13](?:[-_.]ubyte)?",
    re.IGNORECASE,
)
_DEEPEST, _MOST_ENTRIES = 3, 2000
"""Folders below the one given, and files in one folder, that are searched."""


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Return the uint8 array of an idx file, compressed or not.

    The format: two zero bytes, a code of the type, the number of dimensions; each size in 4 bytes; then the
    numbers, the last index fastest (Y. LeCun's description of MNIST). Nothing is allocated before the
    decompressed length was counted and agrees with the header, so a wrong header costs no memory, nor does a
    small file that decompresses to a large one.

    Args:
        path: The file.
        dimensions: The number of dimensions that it must have.

    Raises:
        DataError: For any other content, naming the file.
    """
    with open_bytes(path) as file:
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or not (head[2] == _UINT8 or head[2] in _OTHER_TYPES):
            raise _bad(
                path,
                f"expected an idx file, got one that begins with {head.hex(' ') or 'nothing: it is empty'}",
            )
        if head[2] != _UINT8:
            raise _bad(path, f"expected idx numbers of type uint8, got {_OTHER_TYPES[head[2]]}")
        if head[3] != dimensions:
            raise _bad(path, f"expected {dimensions} idx dimensions, got {head[3]}")
        sizes = file.read(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise _bad(path, "cut off in its header")
        shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    size, header = math.prod(shape), 4 + 4 * dimensions
    claim = f"its header claims {' × '.join(map(str, shape))} = {size:,} bytes"
    if not 0 < size <= _LARGEST:
        raise _bad(path, f"{claim}; 1 to {_LARGEST:,} can be read")
    present = _length(path, header + size) - header
    if present != size:
        raise _bad(path, f"{claim}, but {'more' if present > size else f'only {present:,}'} follow it")
    if path.stat().st_size * _MOST_COMPRESSED < size - _ALWAYS:
        raise _bad(path, f"{claim}, which {path.stat().st_size:,} compressed bytes of images do not hold")
    array = np.empty(size, np.uint8)
    with open_bytes(path) as file:
        file.read(header)
        rest = array.data
        while len(rest) and (block := file.read(min(len(rest), _BLOCK))):
            rest[: len(block)] = block
            rest = rest[len(block) :]
    return array.reshape(shape)


def _length(path: Path, enough: int) -> int:
    """Count the bytes of the decompressed content, up to the first beyond ``enough``."""
    if path.suffix not in COMPRESSED:
        return path.stat().st_size
    length = 0
    with open_bytes(path) as file:
        while length <= enough and (block := file.read(min(_BLOCK, enough + 1 - length))):
            length += len(block)
    return length


def _bad(path: Path, problem: str) -> DataError:
    return DataError(
        problem, where=str(path), remedy="the file is damaged or of another format: fetch it again"
    )


def read_idx_set(classes: tuple[str, ...]) -> Callable[[CorpusEntry, BadLines], ImageCorpus]:
    """Return the reader of a registered set of four idx files, compressed, whose labels name ``classes``."""

    def read(entry: CorpusEntry, _: BadLines) -> ImageCorpus:
        files = entry.local_files()
        paths = {
            (split, content): files[f"{prefix}-{content}-idx{dimensions}-ubyte.gz"]
            for split, prefix in (("train", "train"), ("test", "t10k"))
            for content, dimensions in _CONTENTS.items()
        }
        remedy = f"delete its files and {entry.fetch_again}"
        return idx_images(entry.name, entry.description, paths, classes, remedy)

    return read


def idx_paths(folder: Path, chosen: str = "") -> dict[tuple[str, str], Path] | None:
    """Return the four idx files below a folder by split and content, or None for a folder without any.

    Their names are those of MNIST and its kin: ``train-images-idx3-ubyte`` or ``train-images.idx3-ubyte``,
    ``t10k`` or ``test``, with the name of a set before them (``emnist-letters-train-images-idx3-ubyte``),
    compressed or not, each perhaps in a folder of its own name; in ``MNIST/raw`` and the like, too.

    Args:
        folder: The folder.
        chosen: The name of a set, where there may be several.

    Raises:
        CorpusNotFoundError: If only some of the four are there.
        DataError: For the files of several sets.
    """
    sets: dict[tuple[Path, str], dict[tuple[str, str], Path]] = {}
    for path in _idx_files(folder):
        match = _NAME.fullmatch(plain_name(path))
        assert match is not None
        own = path.parent != folder and _NAME.fullmatch(path.parent.name) is not None
        place = path.parent.parent if own else path.parent
        split = "train" if match["split"].lower() == "train" else "test"
        of_set = sets.setdefault((place, (match["set"] or "").lower()), {})
        of_set.setdefault((split, match["content"].lower()), path)  # the plain file before the compressed
    if chosen:
        sets = {key: files for key, files in sets.items() if key[1] == chosen.lower()}
    if not sets:
        return None
    if len(sets) > 1:
        names = sorted(str((place / name).relative_to(folder)) for place, name in sets)
        raise DataError(
            f"expected the idx files of one set, got those of {', '.join(names[:6])}",
            where=str(folder),
            remedy=f"name one of them: {folder / names[0]}",
        )
    ((place, _), files), *_ = sets.items()
    missing = [
        f"{'train' if split == 'train' else 't10k'}-{content}-idx{dimensions}-ubyte"
        for split in ("train", "test")
        for content, dimensions in _CONTENTS.items()
        if (split, content) not in files
    ]
    if missing:
        raise CorpusNotFoundError(
            f"no {', '.join(missing)} beside the other idx files",
            where=str(place),
            remedy="add them, as they are or as .gz",
        )
    return files


def _idx_files(folder: Path) -> list[Path]:
    """Return the idx files below a folder, those nearest to it first."""
    found, level = [], [folder]
    for _ in range(_DEEPEST + 1):
        below = []
        for parent in level:
            try:
                with os.scandir(parent) as entries:
                    listed = sorted(islice(entries, _MOST_ENTRIES), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in listed:
                if entry.is_dir() and not entry.name.startswith("."):
                    below.append(Path(entry.path))
                elif _NAME.fullmatch(plain_name(Path(entry.path))) and entry.is_file():
                    found.append(Path(entry.path))
        level = below
    return found


def idx_images(
    name: str,
    description: str,
    paths: Mapping[tuple[str, str], Path],
    classes: tuple[str, ...] | None,
    remedy: str,
) -> ImageCorpus:
    """Return the images of four idx files; without known ``classes``, those of the training labels."""
    data: dict[str, LabelledImages] = {}
    labels_of = {split: read_idx(paths[split, "labels"], 1) for split in ("train", "test")}
    numbers = np.unique(labels_of["train"]) if classes is None else np.arange(len(classes))
    for split, labels in labels_of.items():
        images, where = read_idx(paths[split, "images"], 3), str(paths[split, "labels"])
        if len(images) != len(labels):
            raise DataError(
                f"expected a label for each of {len(images):,} images, got {len(labels):,} labels",
                where=where,
                remedy=remedy,
            )
        unknown = np.flatnonzero(~np.isin(labels, numbers))
        if len(unknown):
            expected = ", ".join(map(str, numbers.tolist()))
            raise DataError(
                f"expected the labels {expected}, got {labels[unknown[0]]} of image {unknown[0]}",
                where=where,
                remedy=remedy,
            )
        data[split] = LabelledImages(images[..., None], np.searchsorted(numbers, labels).astype(np.int64))
    if len(numbers) < 2:
        raise DataError(
            f"expected two or more classes, got only the label {numbers[0]}", where=name, remedy=remedy
        )
    if data["train"].images.shape[1:] != data["test"].images.shape[1:]:
        sizes = [" by ".join(map(str, of_split.images.shape[1:3])) for of_split in data.values()]
        raise DataError(
            f"training images of {sizes[0]} pixels, test images of {sizes[1]}", where=name, remedy=remedy
        )
    return ImageCorpus(
        name,
        description=description,
        data=data,
        classes=classes or tuple(map(str, numbers.tolist())),
        origin={"files": describe_files(hash_files(paths.values()))},
        split_rule="the published files train and test",
    )
