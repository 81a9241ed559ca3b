"""Standardized images, and mini-batches of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seqkit.data.batches import epoch_generator
from seqkit.errors import DamagedFileError, DataError, ShapeError, UsageError
from seqkit.files import fill_json, parse_json

NORMALIZATIONS = ("none", "unit", "standardize")


class Images(Protocol):
    """Images with their labels."""

    @property
    def images(self) -> np.ndarray:
        """(N, H, W, C) uint8."""

    @property
    def labels(self) -> np.ndarray:
        """(N,) class numbers."""


@dataclass(frozen=True)
class Standardization:
    """(pixel - mean) / deviation by channel, in float32. mean, deviation: one number for each channel.

    Not for each pixel: pixels at the rim of MNIST never change, and would be divided by 0.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, normalize: str, images: np.ndarray) -> Standardization:
        """Measure the training images, and no others.

        Args:
            normalize: "none" leaves 0 to 255, "unit" gives 0 to 1, "standardize" gives mean 0 and deviation 1
                over all images and pixels of a channel; a constant channel is only shifted.
            images: (N, H, W, C) uint8.

        Raises:
            UsageError: For another value of ``normalize``.
        """
        if normalize not in NORMALIZATIONS:
            raise UsageError(f"normalize must be one of {', '.join(NORMALIZATIONS)}, got {normalize!r}")
        C = images.shape[-1]
        if normalize != "standardize":
            return cls((0.0,) * C, ((255.0 if normalize == "unit" else 1.0),) * C)
        shades = np.arange(256, dtype=np.float64)
        counts = [np.bincount(images[..., c].ravel(), minlength=256) for c in range(C)]  # exact, in any order
        means = [float(n @ shades / n.sum()) for n in counts]
        squares = [float(n @ (shades - mean) ** 2 / n.sum()) for n, mean in zip(counts, means, strict=True)]
        return cls(tuple(means), tuple(square**0.5 or 1.0 for square in squares))

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Turn (..., C) uint8 to float32. Raises ShapeError for another dtype or number of channels."""
        if images.dtype != np.uint8 or images.shape[-1:] != (len(self.mean),):
            raise ShapeError(
                f"expected {len(self.mean)} channel(s) of uint8, got {images.dtype} {images.shape}"
            )
        return (images - np.array(self.mean, np.float32)) / np.array(self.deviation, np.float32)

    def to_bytes(self) -> bytes:
        """Return JSON that :meth:`from_bytes` reads, with the same bits of every float."""
        return (json.dumps({"mean": self.mean, "deviation": self.deviation}) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> Standardization:
        """Read what :meth:`to_bytes` wrote. DamagedFileError names ``source``."""

        def fail(problem: str) -> DamagedFileError:
            return DamagedFileError(f"{source} holds no mean and deviation ({problem})")

        read = fill_json(cls, parse_json(data, fail), fail)
        if not 0 < len(read.mean) == len(read.deviation) or not all(d > 0 for d in read.deviation):
            raise DamagedFileError(f"{source} holds impossible means and deviations: {read}")
        return read


@dataclass(frozen=True)
class ImageBatch:
    """B images (B, H, W, C) float32, class numbers (B,) int64 and rows in the split (B,) int64."""

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class ImageBatches:
    """Mini-batches of images, each image once an epoch, the last batch shorter.

    A batch is a function of seed, epoch and index alone, so a resumed run reads what the first one would
    have read. A last batch of one image joins the batch before it: batch normalisation needs two. Pixels are
    bytes until their batch is built.

    Args:
        data: The images of a split with their labels.
        batch_size: B.
        standardization: Applied to each batch.
        shuffle: False for evaluation.
        seed: Draws the order.

    Raises:
        DataError: For no images.
        UsageError: For a batch size below 1.
    """

    def __init__(
        self,
        data: Images,
        batch_size: int,
        *,
        standardization: Standardization,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"expected a batch_size of 1 or more, got {batch_size}")
        if len(data.labels) == 0:
            raise DataError("no images to make batches of", remedy="give a split with images in it")
        self.data, self.batch_size, self.seed = data, batch_size, seed
        self.standardization, self.shuffle = standardization, shuffle
        self._epoch: int | None = None
        self._order = np.arange(len(data.labels))

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.data.labels), self.batch_size)
        return whole + (rest > 1 or (rest == 1 and whole == 0))

    def epoch(self, epoch: int) -> Iterator[ImageBatch]:
        """Iterate over the batches of an epoch."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> ImageBatch:
        """Return batch ``index`` of an epoch."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self.shuffle and epoch != self._epoch:
            N = len(self.data.labels)
            self._order = epoch_generator(self.seed, "images", epoch).permutation(N)
            self._epoch = epoch
        start = index * self.batch_size
        stop = start + self.batch_size if index < len(self) - 1 else None
        rows = self._order[start:stop]
        images = self.standardization.apply(self.data.images[rows])
        return ImageBatch(images, self.data.labels[rows], rows)
