"""Data of the experiments: images of digits, and the embedded text corpus."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from seqkit.corpora import open_corpus, open_images
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.lab.harness.experiment import Setup
from seqkit.text import get_tokenizer


@dataclass(frozen=True)
class Images:
    """Labelled images: ``x`` (N, H, W, 1) float32 from 0 to 1, and ``labels`` (N,) below 10."""

    x: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: np.ndarray) -> Images:
        """Return the images of the given rows."""
        return Images(self.x[rows], self.labels[rows])


def load_images(
    setup: Setup, *, train: int, valid: int = 0, test: int = 500
) -> tuple[Images, Images, Images]:
    """Return disjoint training, validation and test splits of the given sizes, drawn by the seed."""
    images = _all_images(setup.data)
    order = setup.generator("split").permutation(len(images))
    a, b, c = train, train + valid, train + valid + test
    return images.select(order[:a]), images.select(order[a:b]), images.select(order[b:c])


@functools.cache
def _all_images(data: str) -> Images:
    """Return all splits of a data set together, since each seed splits them anew."""
    corpus = open_images(data)
    splits = [corpus.images(split) for split in corpus.splits]
    pixels = np.concatenate([split.images for split in splits])
    return Images(pixels.astype(np.float32) / 255, np.concatenate([split.labels for split in splits]))


@functools.cache
def encode_pydocs(tokenizer: str = "word", vocab_size: int | None = None) -> EncodedCorpus:
    """Return the embedded corpus as ids of lower-case words or of characters; ids are cached on disk."""
    corpus = open_corpus("pydocs")
    encoder = get_tokenizer(tokenizer, lowercase=tokenizer == "word")
    return encode_corpus(
        corpus.sources, encoder, key=corpus.content_key(), vocab_size=vocab_size, min_count=2
    )
