"""Images for experiments: scikit-learn's bundled digits, or MNIST."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.corpora import open_images
from seqkit.lab.harness.experiment import Setup


@dataclass(frozen=True)
class Images:
    """x (N, H, W, 1) float32 from 0 to 1, and labels (N,) below 10."""

    x: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, rows: Any) -> Images:
        """Some of them."""
        return Images(self.x[rows], self.labels[rows])


def load_images(
    setup: Setup, *, train: int, valid: int = 0, test: int = 500
) -> tuple[Images, Images, Images]:
    """Disjoint parts for training, validation and test, drawn by the seed."""
    everything = _everything(setup.data)
    order = setup.generator("split").permutation(len(everything))
    a, b, c = train, train + valid, train + valid + test
    return everything.part(order[:a]), everything.part(order[a:b]), everything.part(order[b:c])


@functools.cache
def _everything(data: str) -> Images:
    """All parts of a set together: each seed splits them anew."""
    corpus = open_images(data)
    parts = [corpus.part(split) for split in corpus.splits]
    pixels = np.concatenate([part.images for part in parts])
    return Images(pixels.astype(np.float32) / 255, np.concatenate([part.labels for part in parts]))
