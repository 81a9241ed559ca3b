"""Producing ids from a model, written once against one protocol."""

from seqkit.decoding.greedy import greedy
from seqkit.decoding.loop import Generated
from seqkit.decoding.protocol import Decodable, UniformSource
from seqkit.decoding.sampling import sample

__all__ = ["Decodable", "Generated", "UniformSource", "greedy", "sample"]
