"""The convolution layer."""

from __future__ import annotations

import math

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import to_numpy
from seqkit.backend.random import Generator, as_generator
from seqkit.nn import initializers
from seqkit.nn.module import Module
from seqkit.nn.parameter import Parameter
from seqkit.ops.windows import IntOrPair, pair


class Conv2d(Module):
    """Filters weight (F, KH, KW, C) over images (B, H, W, C), plus bias (F,) or None.

    See :func:`seqkit.ops.conv2d`. Both start uniform within ±1/√(KH·KW·C), as PyTorch's do. PyTorch's filters
    are (F, C, KH, KW): they become ours by ``transpose(0, 2, 3, 1)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        *,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        bias: bool = True,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size
        self.stride, self.padding = stride, padding
        KH, KW = pair("kernel_size", kernel_size, 1)
        bound = 1 / math.sqrt(KH * KW * in_channels)
        shape = (out_channels, KH, KW, in_channels)
        self.weight = Parameter(initializers.uniform(shape, generator, bound))
        self.bias = Parameter(initializers.uniform((out_channels,), generator, bound)) if bias else None

    def forward(self, x: Tensor, *, relu: bool = False, pool: int = 1) -> Tensor:
        """(B, H, W, C) to (B, OH, OW, F), with ReLU and max pooling, pool by pool, in the same pass."""
        return ops.conv2d(
            x, self.weight, self.bias, stride=self.stride, padding=self.padding, relu=relu, pool=pool
        )

    def filters(self) -> np.ndarray:
        """The filters as images (F, KH, KW, C), each scaled to 0 … 1, on the host: to look at."""
        W = to_numpy(self.weight.data)
        lowest, highest = (f(W, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        return (W - lowest) / np.maximum(highest - lowest, np.finfo(W.dtype).tiny)
