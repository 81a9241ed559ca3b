"""Layers: parameters, and the op of :mod:`seqkit.ops` that computes with them.

Parameters carry PyTorch's names: ``weight`` and ``bias`` (None without one), ``weight_ih`` and ``weight_hh``
of recurrent layers. Layers that draw weights take ``generator``: a :class:`seqkit.Generator`, a seed, or None
for fresh entropy. Dropout in training takes its own generator, as an argument of the call.
"""

from seqkit.nn.attention import Attention, AttentionRecord, MultiHeadAttention, record_attention
from seqkit.nn.convolution import Conv2d
from seqkit.nn.crf import CRF
from seqkit.nn.dropout import Dropout, EmbeddingDropout, LockedDropout, WeightDrop
from seqkit.nn.embedding import Embedding
from seqkit.nn.feed_forward import FeedForward
from seqkit.nn.keys_values import KeysValues
from seqkit.nn.linear import Linear
from seqkit.nn.module import Buffer, Module, Parameter
from seqkit.nn.normalization import BatchNorm, LayerNorm
from seqkit.nn.pooling import AveragePool2d, MaxPool2d
from seqkit.nn.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from seqkit.nn.recurrent import GRU, LSTM, RNN
from seqkit.nn.sequential import Sequential
from seqkit.nn.softmax import AdaptiveEmbedding, AdaptiveSoftmax, Softmax
from seqkit.nn.transformer import TransformerDecoderLayer, TransformerEncoderLayer
from seqkit.nn.transformer_stack import TransformerDecoderStack, TransformerEncoderStack

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveEmbedding",
    "AdaptiveSoftmax",
    "Attention",
    "AttentionRecord",
    "AveragePool2d",
    "BatchNorm",
    "Buffer",
    "Conv2d",
    "Dropout",
    "Embedding",
    "EmbeddingDropout",
    "FeedForward",
    "KeysValues",
    "LayerNorm",
    "LearnedPositions",
    "Linear",
    "LockedDropout",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "Parameter",
    "RotaryPositions",
    "Sequential",
    "SinusoidalPositions",
    "Softmax",
    "TransformerDecoderLayer",
    "TransformerDecoderStack",
    "TransformerEncoderLayer",
    "TransformerEncoderStack",
    "WeightDrop",
    "record_attention",
]
