"""The affine layer."""

import math

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import require_sizes
from seqkit.nn import initializers
from seqkit.nn.module import Module, Parameter


class Linear(Module):
    """y = x·weightᵀ + bias.

    ``weight`` (O, I) and ``bias`` (O,) start uniform within ±1/√I, as PyTorch's do; ``bias`` is None without
    one.

    Args:
        in_features: I, the size of the input's last axis.
        out_features: O, the size of the result's last axis.
        bias: Whether to add a bias.
        generator: Source of the initial weights.

    Example:
        >>> layer = Linear(4, 2, generator=0)
        >>> layer(Tensor([[1.0, 2.0, 3.0, 4.0]])).shape
        (1, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        self.in_features, self.out_features = in_features, out_features
        require_sizes(self, "in_features", "out_features")
        bound = 1 / math.sqrt(in_features)
        self.weight = Parameter(initializers.uniform((out_features, in_features), generator, bound))
        self.bias = Parameter(initializers.uniform((out_features,), generator, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (…, O) of x (…, I)."""
        return ops.linear(x, self.weight, self.bias)
