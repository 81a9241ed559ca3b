"""Dropout layers, active in training only; their generator is an argument of the call."""

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.nn.module import Module
from seqkit.ops.dropout import check_rate


class Dropout(Module):
    """Zero elements with probability ``rate`` and multiply the others by 1 / (1 - rate), in training.

    Example:
        >>> layer = Dropout(0.5)
        >>> layer(Tensor([1.0, 1.0, 1.0, 1.0]), Generator(7)).numpy().tolist()
        [0.0, 0.0, 2.0, 2.0]
    """

    def __init__(self, rate: float) -> None:
        self.rate = check_rate(rate)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Return x (…) with dropout; x itself in evaluation.

        Raises:
            UsageError: In training without a generator, unless ``rate`` is 0.
        """
        if not self.training or self.rate == 0:
            return x
        return ops.dropout(x, rate=self.rate, generator=generator)


class LockedDropout(Dropout):
    """Dropout with one mask for all time steps of x (B, T, E) (Gal and Ghahramani 2016)."""

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Return x (B, T, E) with dropout; x itself in evaluation.

        Raises:
            UsageError: In training without a generator, unless ``rate`` is 0.
        """
        if not self.training or self.rate == 0:
            return x
        return ops.locked_dropout(x, rate=self.rate, generator=generator)
