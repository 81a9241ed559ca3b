"""Producing ids from a model, written once against one protocol."""

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
