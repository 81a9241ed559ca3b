"""Vectors of sentences by an encoder from a checkpoint folder: BERT, DistilBERT, RoBERTa, MiniLM."""

from seqkit.tasks.sentence_encoding.encoder import Neighbour, SentenceEncoder, load
from seqkit.tasks.sentence_encoding.modules import Modules, read_modules

__all__ = ["Modules", "Neighbour", "SentenceEncoder", "load", "read_modules"]
