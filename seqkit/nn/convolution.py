"""The convolution layer."""

import math

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import to_numpy
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import require_sizes
from seqkit.nn import initializers
from seqkit.nn.module import Module, Parameter
from seqkit.ops.windows import IntOrPair, pair


class Conv2d(Module):
    """Convolution of images (B, H, W, C); see :func:`seqkit.ops.conv2d`.

    ``weight`` (F, KH, KW, C) and ``bias`` (F,) or None start uniform within ±1/√(KH·KW·C), as PyTorch's do.
    PyTorch's filters are (F, C, KH, KW): ``transpose(0, 2, 3, 1)`` gives ours.

    Args:
        in_channels: C.
        out_channels: F, the number of filters.
        kernel_size: Height and width of the filters, or one number for both.
        stride: Step of the windows, down and across or one number.
        padding: Zeros around the image, likewise.
        bias: Whether to add a bias.
        generator: Source of the initial weights.

    Example:
        >>> images = Tensor(np.zeros((5, 28, 28, 1), np.float32))
        >>> Conv2d(1, 16, 3, padding=1, generator=0)(images, relu=True, pool=2).shape
        (5, 14, 14, 16)
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
        require_sizes(self, "in_channels", "out_channels")
        KH, KW = pair("kernel_size", kernel_size, 1)
        bound = 1 / math.sqrt(KH * KW * in_channels)
        shape = (out_channels, KH, KW, in_channels)
        self.weight = Parameter(initializers.uniform(shape, generator, bound))
        self.bias = Parameter(initializers.uniform((out_channels,), generator, bound)) if bias else None

    def forward(self, x: Tensor, *, relu: bool = False, pool: int = 1) -> Tensor:
        """Return (B, OH, OW, F) of images (B, H, W, C); ReLU and max pooling by ``pool`` in the same pass."""
        return ops.conv2d(
            x, self.weight, self.bias, stride=self.stride, padding=self.padding, relu=relu, pool=pool
        )

    def filters(self) -> np.ndarray:
        """Return the filters as images (F, KH, KW, C) on the host, each scaled to 0 … 1."""
        W = to_numpy(self.weight.data)
        lowest, highest = (f(W, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        return (W - lowest) / np.maximum(highest - lowest, np.finfo(W.dtype).tiny)
