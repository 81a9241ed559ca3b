"""Decoding: greedy search, sampling and beam search of any model with ``start``, ``step`` and ``reorder``."""

from seqkit.decoding.beam import BeamStep, Hypothesis, beam_search
from seqkit.decoding.beam_tree import BeamNode, BeamTree, beam_tree
from seqkit.decoding.greedy import greedy
from seqkit.decoding.loop import Generated
from seqkit.decoding.protocol import Attentive, Decodable, UniformSource
from seqkit.decoding.sampling import sample

__all__ = [
    "Attentive",
    "BeamNode",
    "BeamStep",
    "BeamTree",
    "Decodable",
    "Generated",
    "Hypothesis",
    "UniformSource",
    "beam_search",
    "beam_tree",
    "greedy",
    "sample",
]
