"""The affine layer."""

from __future__ import annotations

import math

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.nn import initializers
from seqkit.nn.module import Module
from seqkit.nn.parameter import Parameter


class Linear(Module):
    """y = x·Wᵀ + b: (..., I) to (..., O), W (O, I).

    W and b start uniform within ±1/√I, as PyTorch's do.
    """

    def __init__(self, input_size: int, output_size: int, *, bias: bool = True, generator: Generator) -> None:
        self.input_size, self.output_size, self.bias = input_size, output_size, bias
        bound = 1 / math.sqrt(input_size)
        self.W = Parameter(initializers.uniform((output_size, input_size), generator, bound))
        self.b = Parameter(initializers.uniform((output_size,), generator, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) to (..., O)."""
        return ops.linear(x, self.W, self.b)
