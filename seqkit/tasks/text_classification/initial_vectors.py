"""Word vectors that were trained elsewhere as the start of a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import DataError, UsageError
from seqkit.nn import Embedding
from seqkit.tasks.embeddings import open_vectors
from seqkit.text import Vocabulary


def vector_size(source: str, asked: int | None) -> int:
    """How wide the vectors of a file or run are. UsageError when another ``asked`` size was given."""
    size = int(open_vectors(source).vector_size)
    if asked not in (None, size):
        raise UsageError(
            f"vectors of {size} dimensions for an embedding_size of {asked}",
            remedy="leave out embedding_size",
        )
    return size


def start_from_vectors(embedding: Embedding, vocabulary: Vocabulary, source: str, seed: int) -> int:
    """Write the vectors of a file or run over those of the words that it knows; how many they are.

    The other words, ``<unk>`` among them, start normal with the deviation of the known ones, from ``seed``:
    so the mean of a text is not that of its rare words. A word is looked up as it stands, then in lower case.
    Raises DataError where no word is known, and for a damaged file.
    """
    table: Any = open_vectors(source)
    places, vectors = [], []
    for place, token in enumerate(vocabulary):
        for key in (token, token.lower()):
            if key in table.key_to_index:
                places.append(place)
                vectors.append(table[key])
                break
    if not places:
        raise DataError(f"none of the {len(vocabulary)} words has a vector", where=source)
    known = np.array(vectors, np.float32)
    W = embedding.weight.data
    W[...] = Generator(seed, "unknown words").normal(W.shape) * known.std()
    W[places] = known
    return len(places)
