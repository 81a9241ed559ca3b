"""Pretrained word vectors from which a classifier starts."""

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import DataError, UsageError
from seqkit.nn import Embedding
from seqkit.tasks.embeddings import open_vectors
from seqkit.text import Vocabulary


def vector_size(source: str, embedding_size: int | None) -> int:
    """Return the size of the vectors of a file or run. Raise UsageError unless ``embedding_size`` agrees."""
    size = int(open_vectors(source).vector_size)
    if embedding_size not in (None, size):
        raise UsageError(
            f"expected embedding_size (--emsize) to be {size}, as in {source}, got {embedding_size}",
            remedy="leave it out",
        )
    return size


def start_from_vectors(embedding: Embedding, vocabulary: Vocabulary, source: str, seed: int) -> int:
    """Initialise an embedding from pretrained vectors.

    Words without a vector, ``<unk>`` among them, get random vectors with the standard deviation of the
    others, so that rare words do not dominate the mean of a text.

    Args:
        embedding: The embedding; its weights are overwritten.
        vocabulary: Its vocabulary; a word is looked up as it is, then in lower case.
        source: A vector file or a run of train-embeddings.
        seed: Seed of the random vectors.

    Returns:
        The number of words with a pretrained vector.

    Raises:
        DataError: No word has a vector, or the file is damaged.
    """
    table = open_vectors(source)
    rows, vectors = [], []
    for row, token in enumerate(vocabulary):
        for key in (token, token.lower()):
            if key in table.key_to_index:
                rows.append(row)
                vectors.append(table[key])
                break
    if not rows:
        raise DataError(f"expected vectors of some of the {len(vocabulary)} words, got none", where=source)
    known = np.array(vectors, np.float32)
    W = embedding.weight.data
    W[...] = Generator(seed, "unknown words").normal(W.shape) * known.std()
    W[rows] = known
    return len(rows)
