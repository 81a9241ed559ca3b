"""Word vectors: train into a run directory, load it, find the vectors that a command means."""

from seqkit.tasks.word_vectors.find import default_vectors, find_vectors, open_vectors
from seqkit.tasks.word_vectors.settings import WordVectorSettings
from seqkit.tasks.word_vectors.train import train
from seqkit.tasks.word_vectors.trained import TrainedWordVectors, load

__all__ = [
    "TrainedWordVectors",
    "WordVectorSettings",
    "default_vectors",
    "find_vectors",
    "load",
    "open_vectors",
    "train",
]
