"""Differentiable functions of tensors; each has its backward beside its forward."""

from seqkit.ops.activations import activation, gelu, gelu_tanh, log_softmax, relu, sigmoid, softmax, tanh
from seqkit.ops.attention import additive_attention, attention
from seqkit.ops.convolution import conv2d
from seqkit.ops.crf import crf_log_partition, crf_path_score
from seqkit.ops.dropout import dropout, embedding_dropout, locked_dropout
from seqkit.ops.embedding import embedding, embedding_bag
from seqkit.ops.linear import linear
from seqkit.ops.losses import linear_cross_entropy, softmax_cross_entropy
from seqkit.ops.negative_sampling import negative_sampling
from seqkit.ops.normalization import add_layer_norm, batch_norm, batch_norm_inference, layer_norm
from seqkit.ops.packed_scaled_attention import packed_attention
from seqkit.ops.packing import pack, unpack
from seqkit.ops.pooling import average_pool2d, max_pool2d
from seqkit.ops.recurrent import gru, lstm, rnn
from seqkit.ops.rotary import rotary
from seqkit.ops.sampled_softmax import sampled_cross_entropy
from seqkit.ops.scaled_attention import scaled_dot_product_attention, split_heads

__all__ = [
    "activation",
    "add_layer_norm",
    "additive_attention",
    "attention",
    "average_pool2d",
    "batch_norm",
    "batch_norm_inference",
    "conv2d",
    "crf_log_partition",
    "crf_path_score",
    "dropout",
    "embedding",
    "embedding_bag",
    "embedding_dropout",
    "gelu",
    "gelu_tanh",
    "gru",
    "layer_norm",
    "linear",
    "linear_cross_entropy",
    "locked_dropout",
    "log_softmax",
    "lstm",
    "max_pool2d",
    "negative_sampling",
    "pack",
    "packed_attention",
    "relu",
    "rnn",
    "rotary",
    "sampled_cross_entropy",
    "scaled_dot_product_attention",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "split_heads",
    "tanh",
    "unpack",
]
