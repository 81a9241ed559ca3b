"""Differentiable functions, forward beside backward, one file a family."""

from seqkit.ops.activations import gelu, relu, sigmoid, tanh
from seqkit.ops.attention import additive_attention, attention
from seqkit.ops.dropout import dropout, locked_dropout
from seqkit.ops.embedding import embedding, embedding_bag
from seqkit.ops.linear import linear
from seqkit.ops.losses import linear_cross_entropy, softmax_cross_entropy
from seqkit.ops.negative_sampling import negative_sampling
from seqkit.ops.normalization import layer_norm
from seqkit.ops.recurrent import gru, lstm, rnn
from seqkit.ops.softmax import log_softmax, softmax

__all__ = [
    "additive_attention",
    "attention",
    "dropout",
    "embedding",
    "embedding_bag",
    "gelu",
    "gru",
    "layer_norm",
    "linear",
    "linear_cross_entropy",
    "locked_dropout",
    "log_softmax",
    "lstm",
    "negative_sampling",
    "relu",
    "rnn",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
]
