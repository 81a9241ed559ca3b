"""A corpus of images: pixels and labels by split, and what identifies them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.corpora.corpus import SPLITS, check_split
from seqkit.errors import DataError, UsageError


@dataclass(frozen=True)
class LabelledImages:
    """N images (N, H, W, C) uint8, and the class number of each (N,) int64."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> LabelledImages:
        """Return the images of the given rows, in that order."""
        return LabelledImages(self.images[rows], self.labels[rows])


class ImageCorpus:
    """Images by split, all of one size and in memory.

    Args:
        name: For messages and reports.
        description: One line for people.
        data: The images of each split, "train" first.
        classes: The name of each class number.
        origin: Values for :meth:`provenance` besides sizes and split rule, as JSON.
        split_rule: Where the splits come from.
    """

    def __init__(
        self,
        name: str,
        *,
        description: str,
        data: Mapping[str, LabelledImages],
        classes: tuple[str, ...],
        origin: Mapping[str, object],
        split_rule: str,
    ) -> None:
        self.name, self.description = name, description
        self.data, self.classes = dict(data), classes
        self.origin, self.split_rule = dict(origin), split_rule
        self._key: str | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, train first."""
        return tuple(self.data)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image."""
        H, W, C = next(iter(self.data.values())).images.shape[1:]
        return H, W, C

    def images(self, split: str) -> LabelledImages:
        """Return the images of a split, with their labels.

        Raises:
            UsageError: For a name other than train, valid and test.
            DataError: For a split that the corpus lacks.
        """
        check_split(self.name, split, self.splits)
        return self.data[split]

    def first(self, count: int) -> ImageCorpus:
        """Return the corpus with only the first ``count`` training images, or all where there are fewer."""
        train = self.data["train"]
        rule = f"{self.split_rule}; the first {count:,} of train"
        return self._with({"train": train.take(np.arange(min(count, len(train))))}, rule)

    def with_validation(self, fraction: float, seed: int = 0) -> ImageCorpus:
        """Return the corpus with a "valid" split: its own, or else one drawn from "train".

        Args:
            fraction: The fraction of "train" that validates, at least one image; 0 leaves all in "train".
            seed: Draws the images, given their number; both splits keep the order of "train".

        Raises:
            UsageError: For a fraction that is not at least 0 and below 1, and for a seed that draws nothing.
            DataError: If no image would be left to train.
        """
        if not 0 <= fraction < 1:
            raise UsageError(f"expected a validation fraction of at least 0 and below 1, got {fraction}")
        if "valid" in self.data or fraction == 0:
            if seed:
                raise UsageError("seed has no effect here: it is for a validation split that is drawn")
            return self
        train = self.data["train"]
        count = max(1, round(len(train) * fraction))
        if count >= len(train):
            raise DataError(f"{len(train)} training images of {self.name} are too few to validate on some")
        order = Generator(seed, "validation").permutation(len(train))
        data = {"train": train.take(np.sort(order[count:])), "valid": train.take(np.sort(order[:count]))}
        return self._with(data, f"{self.split_rule}; {count:,} of train validate, drawn by seed {seed}")

    def with_classes(self, classes: tuple[str, ...]) -> ImageCorpus:
        """Return the corpus with the class numbers of another one.

        Raises:
            DataError: For an image of a class that is not among these.
        """
        table = np.array([classes.index(name) if name in classes else -1 for name in self.classes])
        for split, images in self.data.items():
            unknown = np.flatnonzero(table[images.labels] < 0)
            if len(unknown):
                name = self.classes[images.labels[unknown[0]]]
                raise DataError(
                    f"the class {name!r} of the {split} split is not among the {len(classes)} of training",
                    where=self.name,
                )
        data = {s: LabelledImages(images.images, table[images.labels]) for s, images in self.data.items()}
        return ImageCorpus(
            self.name,
            description=self.description,
            data=data,
            classes=classes,
            origin=self.origin,
            split_rule=self.split_rule,
        )

    def _with(self, data: Mapping[str, LabelledImages], split_rule: str) -> ImageCorpus:
        every = {**self.data, **data}
        return ImageCorpus(
            self.name,
            description=self.description,
            data={split: every[split] for split in SPLITS if split in every},
            classes=self.classes,
            origin=self.origin,
            split_rule=split_rule,
        )

    def provenance(self) -> dict[str, Any]:
        """Return where the images come from, as JSON values: files, hashes, numbers, how they were split."""
        return {
            "corpus": self.name,
            "description": self.description,
            **self.origin,
            "split_rule": self.split_rule,
            "images": {split: len(images) for split, images in self.data.items()},
            "shape": list(self.shape),
            "classes": list(self.classes),
        }

    def content_key(self) -> str:
        """Return the sha256 of all pixels, labels and class names by split, hexadecimal."""
        if self._key is None:
            digest = hashlib.sha256(repr((self.classes, self.shape)).encode())
            for split, images in self.data.items():
                digest.update(f"{split} {len(images)}".encode())
                digest.update(np.ascontiguousarray(images.images).data)
                digest.update(np.ascontiguousarray(images.labels, "<i8").data)
            self._key = digest.hexdigest()
        return self._key

    def require_unchanged(self) -> None:
        """Do nothing: the images of :meth:`content_key` are in memory."""

    def __repr__(self) -> str:
        return f"ImageCorpus({self.name!r}, splits={self.splits}, shape={self.shape})"
