"""Word vectors: query, evaluate, read and write."""

from seqkit.vectors.formats import FORMATS, detect_format, load_vectors, save_vectors
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.subwords import SubwordVectors
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
