"""Images from files and from folders with a sub-folder for each class, by Pillow, imported on use."""

import importlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.corpora.corpus import SPLITS
from seqkit.corpora.image_corpus import ImageCorpus, LabelledImages
from seqkit.corpora.split import name_hash
from seqkit.errors import DataError, MissingDependencyError, Remedy, UsageError
from seqkit.files.substitutes import refuse_substitute
from seqkit.progress import tracked

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_LAYOUT = "give one sub-folder of images a class, or such folders below train, test and perhaps valid"
_MOST_PIXELS = 50_000_000
"""Of one image. A few kilobytes of PNG can decompress to gigabytes."""
_GREY = ("1", "L", "LA", "La")
_COLOUR = ("CMYK", "HSV", "LAB", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "YCbCr")


def read_images(
    paths: Sequence[Path], *, channels: int | None = None, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Read image files into one array.

    Transparent parts become white, of an animation the first picture counts. Sizes are read from all headers
    before the first image is decoded.

    Args:
        paths: One file or more.
        channels: 1 for shades of grey, 3 for red, green, blue; by default 3 where a file has colours.
        size: (H, W) that each is resized to, bilinear; otherwise all must be of one size.

    Returns:
        (N, H, W, C) uint8.

    Raises:
        DataError: Naming the file that cannot be read, has more than 8 bits a channel, more than 50 million
            pixels or another size.
        MissingDependencyError: Without Pillow.
    """
    if not paths:
        raise UsageError("expected one image file or more, got none")
    colours, shape = False, size
    for path in tracked(paths, "reading images", "files"):
        with _opened(path) as image:
            colours = colours or image.mode in _COLOUR
            own = (image.height, image.width)
        if size is None and own != (shape or own):
            raise DataError(
                "expected {} by {} pixels as {} has, got {} by {}".format(
                    *(shape or own), paths[0].name, *own
                ),
                where=str(path),
                remedy=Remedy(
                    "make all images one size, or resize them: image_size=N",
                    command="make all images one size, or resize them with --image-size N",
                ),
            )
        shape = shape or own
    C = channels or (3 if colours else 1)
    assert shape is not None
    images = np.empty((len(paths), *shape, C), np.uint8)
    for row, path in enumerate(tracked(paths, "reading images", "files")):
        with _opened(path) as image:
            images[row] = _pixels(image, C, size)
    return images


def _pixels(image: Any, C: int, size: tuple[int, int] | None) -> np.ndarray:
    """Decode an image to (H, W, C)."""
    Image = importlib.import_module("PIL.Image")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if C == 1 else "RGB")
    if size is not None and image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(image.height, image.width, C)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file whose header is acceptable; errors of the decoder inside become DataErrors."""
    try:
        Image = importlib.import_module("PIL.Image")
    except ImportError as error:
        raise MissingDependencyError(
            "image files need Pillow, which is not installed", remedy="pip install 'seqkit[images]'"
        ) from error
    too_large = DataError(
        f"more than {_MOST_PIXELS:,} pixels", where=str(path), remedy="make it smaller, or leave it out"
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise too_large
                if image.mode not in (*_GREY, *_COLOUR):
                    raise DataError(
                        f"expected an image of 8 bits a channel, got mode {image.mode}",
                        where=str(path),
                        remedy="convert it to 8 bits of grey or colour",
                    )
                yield image
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever their arithmetic on damaged data raises
        refuse_substitute(path, may_be_empty=True)
        reason = getattr(error, "strerror", None) or "damaged, empty, or no image"
        raise DataError(
            f"cannot be read as an image ({reason})",
            where=str(path),
            remedy="see whether another program opens it, or leave it out",
        ) from error


# Folders


def folder_images(folder: Path, image_size: int | None = None, *, whole: bool = False) -> ImageCorpus:
    """Return the images of ``folder/CLASS/FILE``, or of ``folder/train/CLASS/FILE`` beside "test", "valid".

    The folders of splits may have other usual names, such as "val" and "training", and stand in a single
    folder below the one given.

    Without such folders the files of each class are split by file: in the order of the hashes of their
    names a tenth, at least one, tests, and the others train. Classes are numbered in alphabetical order and
    may hold further folders; hidden files and files of other formats are left out; images stand in the order
    of the hashes of their names.

    Args:
        folder: The folder.
        image_size: Resize all images to this many pixels per side.
        whole: Whether images without such folders are test data, all of them.

    Raises:
        DataError: For images of different sizes, a class without images or with only one, fewer than two
            classes, and a test or validation class that "train" lacks.
    """
    inside = _inner(folder)
    named = _named(inside)
    if named:
        classes_of = {split: _classes(named[split]) for split in SPLITS if split in named}
        rule = f"the folders {', '.join([*classes_of][:-1])} and {[*classes_of][-1]}"
        if len(named) == 1:
            raise DataError("a train folder without a test folder beside it", where=str(inside))
    elif whole:
        classes_of, rule = {"test": _classes(inside)}, "all images test"
    else:
        classes_of, rule = (
            _split(inside, _classes(inside)),
            "a tenth of each class's files, by name's hash, tests",
        )
    classes = tuple(next(iter(classes_of.values())))
    if len(classes) < 2 and not whole:
        raise DataError(
            f"expected two or more classes, got {len(classes)}", where=str(folder), remedy=_LAYOUT
        )
    for split, of_class in classes_of.items():
        unknown = sorted(set(of_class) - set(classes))
        if unknown:
            raise DataError(f"the class {unknown[0]!r} of {split} is not in train", where=str(folder))
    files = [
        (split, classes.index(name), path)
        for split, of_class in classes_of.items()
        for name, paths in of_class.items()
        for path in paths
    ]
    files.sort(key=lambda file: _hash(folder, file[2]))  # so that the first n are of all classes
    size = None if image_size is None else (image_size, image_size)
    images = read_images([path for _, _, path in files], size=size)
    labels = np.array([label for _, label, _ in files], np.int64)
    of_split = np.array([split for split, _, _ in files])
    every = LabelledImages(images, labels)
    return ImageCorpus(
        str(folder),
        description=f"the images of {folder}",
        data={
            split: every.take(np.flatnonzero(of_split == split)) for split in SPLITS if split in classes_of
        },
        classes=classes,
        origin={"folder": str(folder)},
        split_rule=rule,
    )


_SPLIT_NAMES = {
    "train": "train", "training": "train", "valid": "valid", "validation": "valid", "val": "valid",
    "dev": "valid", "test": "test", "testing": "test",
}  # fmt: skip


def _inner(folder: Path) -> Path:
    """Return the folder itself, or the one that it holds and nothing else, as of an unpacked archive."""
    for _ in range(2):
        below = _folders(folder)
        if len(below) != 1 or below[0].name.lower() in _SPLIT_NAMES or not _folders(below[0]):
            break
        folder = below[0]
    return folder


def _named(folder: Path) -> dict[str, Path]:
    """Return split -> folder, if all folders are named after splits and one trains; otherwise nothing."""
    folders = _folders(folder)
    named = {_SPLIT_NAMES.get(path.name.lower(), ""): path for path in folders}
    return named if "train" in named and "" not in named and len(named) == len(folders) else {}


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Return class -> its image files, the classes in alphabetical order."""
    classes = {
        path.name: [
            file
            for file in path.rglob("*")
            if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")
        ]
        for path in _folders(folder)
    }
    for name, files in classes.items():
        if not files:
            raise DataError(
                f"no image in it ({', '.join(IMAGE_SUFFIXES)})", where=str(folder / name), remedy=_LAYOUT
            )
    if not classes:
        raise DataError("no sub-folders", where=str(folder), remedy=_LAYOUT)
    return classes


def _split(folder: Path, classes: dict[str, list[Path]]) -> dict[str, dict[str, list[Path]]]:
    """Put a tenth of each class into "test", at least one image."""
    splits: dict[str, dict[str, list[Path]]] = {"train": {}, "test": {}}
    for name, files in classes.items():
        if len(files) < 2:
            raise DataError(
                "expected one image to train and one to test, got one image",
                where=str(folder / name),
                remedy="add images, or give train and test folders",
            )
        count = max(1, round(len(files) / 10))
        order = sorted(files, key=partial(_hash, folder))
        splits["test"][name], splits["train"][name] = order[:count], order[count:]
    return splits


def _hash(folder: Path, file: Path) -> int:
    return name_hash(file.relative_to(folder).as_posix())
