"""Layer normalisation."""

from __future__ import annotations

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.nn import initializers
from seqkit.nn.module import Module
from seqkit.nn.parameter import Parameter


class LayerNorm(Module):
    """weight·(x - mean) / √(var + ε) + bias over the last axis (E), both (E,) and learned.

    Ba, Kiros, Hinton (2016), who call them γ and β.
    """

    def __init__(self, size: int, *, epsilon: float = 1e-5) -> None:
        self.size, self.epsilon = size, epsilon
        self.weight = Parameter(initializers.ones((size,)))
        self.bias = Parameter(initializers.zeros((size,)))

    def add(
        self, x: Tensor, branch: Tensor, *, rate: float = 0.0, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """s = x + dropout(branch), and s normalised; all (..., E)."""
        return ops.add_layer_norm(
            x, branch, self.weight, self.bias, epsilon=self.epsilon, rate=rate, generator=generator
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., E) to (..., E)."""
        return ops.layer_norm(x, self.weight, self.bias, epsilon=self.epsilon)
