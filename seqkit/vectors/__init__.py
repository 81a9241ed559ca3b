"""Word vectors: query, evaluate, read and write."""

from seqkit.vectors.formats import FORMATS, detect_format, load_vectors, save_vectors
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.subwords import SubwordVectors

__all__ = ["FORMATS", "KeyedVectors", "SubwordVectors", "detect_format", "load_vectors", "save_vectors"]
