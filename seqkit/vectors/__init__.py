"""Word vectors: query, evaluate, read and write."""

from seqkit.vectors.formats import FORMATS, detect_format, load_vectors, save_vectors
from seqkit.vectors.keyed_vectors import KeyedVectors

__all__ = ["FORMATS", "KeyedVectors", "detect_format", "load_vectors", "save_vectors"]
