"""Layers: parameters and the op of the same name."""

from seqkit.nn.attention import Attention
from seqkit.nn.dropout import Dropout, LockedDropout
from seqkit.nn.embedding import Embedding
from seqkit.nn.linear import Linear
from seqkit.nn.module import Module
from seqkit.nn.normalization import LayerNorm
from seqkit.nn.parameter import Parameter
from seqkit.nn.recurrent import GRU, LSTM, RNN
from seqkit.nn.sequential import Sequential

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Attention",
    "Dropout",
    "Embedding",
    "LayerNorm",
    "Linear",
    "LockedDropout",
    "Module",
    "Parameter",
    "Sequential",
]
