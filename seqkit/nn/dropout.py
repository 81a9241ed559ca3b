"""Dropout layers, active in training only; their generator is an argument of the call."""

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array
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


class WeightDrop(Dropout):
    """Dropout of weights instead of activations (DropConnect; Wan et al. 2013).

    On the recurrent weights of an LSTM it regularises them without a change of the step itself: one mask for
    all time steps and rows of a batch (Merity et al. 2018, section 2).
    """

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the weights x (…) with dropout; x itself in evaluation. Raises as :class:`Dropout`."""
        if not self.training or self.rate == 0:
            return x
        return ops.dropout(x, rate=self.rate, generator=generator, weights=True)


class EmbeddingDropout(Module):
    """Dropout of whole tokens: all occurrences of an id in a batch are zero, or none.

    Gal and Ghahramani (2016), section 4.2.
    """

    def __init__(self, rate: float) -> None:
        self.rate = check_rate(rate)

    def forward(self, x: Tensor, ids: Array, vocab_size: int, generator: Generator | None = None) -> Tensor:
        """Return the vectors x (B, T, E) of ids (B, T) with dropout; x itself in evaluation.

        Args:
            x: (B, T, E).
            ids: (B, T), below ``vocab_size``.
            vocab_size: V.
            generator: Source of the mask, of which a draw of V numbers is taken.

        Raises:
            UsageError: In training without a generator, unless ``rate`` is 0.
        """
        if not self.training or self.rate == 0:
            return x
        return ops.embedding_dropout(x, ids, vocab_size=vocab_size, rate=self.rate, generator=generator)
