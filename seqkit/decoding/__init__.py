"""Decoding: greedy search, sampling and beam search of any model with ``start``, ``step`` and ``reorder``."""

from seqkit.decoding.beam import beam_search
from seqkit.decoding.greedy import greedy
from seqkit.decoding.protocol import Attentive, Decodable, UniformSource
from seqkit.decoding.results import Generated, Hypothesis
from seqkit.decoding.sampling import sample

__all__ = [
    "Attentive",
    "Decodable",
    "Generated",
    "Hypothesis",
    "UniformSource",
    "beam_search",
    "greedy",
    "sample",
]
