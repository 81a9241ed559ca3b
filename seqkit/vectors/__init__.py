"""Word vectors: query, evaluate, read and write; ``Word2Vec``, imported on use, trains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqkit.vectors.fasttext import SubwordVectors
from seqkit.vectors.formats import FORMATS, detect_format, load_vectors, save_vectors
from seqkit.vectors.keyed_vectors import KeyedVectors

if TYPE_CHECKING:
    from seqkit.vectors.word2vec import Word2Vec

__all__ = [
    "FORMATS",
    "KeyedVectors",
    "SubwordVectors",
    "Word2Vec",
    "detect_format",
    "load_vectors",
    "save_vectors",
]


def __getattr__(name: str) -> Any:
    if name != "Word2Vec":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seqkit.vectors.word2vec import Word2Vec

    return Word2Vec
