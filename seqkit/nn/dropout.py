"""Dropout layers: on in training, off in evaluation. The generator is an argument of the call."""

from __future__ import annotations

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.nn.module import Module
from seqkit.ops.dropout import check_rate


class Dropout(Module):
    """Zero elements with probability ``rate``, scale the others by 1 / (1 - rate)."""

    def __init__(self, rate: float) -> None:
        self.rate = check_rate(rate)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """x of any shape. UsageError in training without a generator, unless rate is 0."""
        if not self.training or self.rate == 0:
            return x
        return ops.dropout(x, rate=self.rate, generator=generator)


class LockedDropout(Dropout):
    """Variational dropout: one mask for all time steps of x (B, T, E) (Gal and Ghahramani 2016)."""

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """x (B, T, E). UsageError in training without a generator, unless rate is 0."""
        if not self.training or self.rate == 0:
            return x
        return ops.locked_dropout(x, rate=self.rate, generator=generator)
