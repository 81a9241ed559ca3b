"""The settings of word2vec training, from the user's keywords down to the kernels."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from seqkit.errors import UsageError

_WHOLE = {
    "vector_size": (1, 1 << 16),
    "window": (1, 10_000),
    "negative": (1, 10_000),
    "workers": (1, 1024),
    "epochs": (1, 1_000_000),
    "seed": (0, (1 << 64) - 1),
}
"""Limits of whole numbers, so that a slip of the keyboard does not ask for more than a machine has."""
_SWITCHES = ("sg", "cbow_mean", "shrink_windows", "true_gradient")
_REAL = {"alpha": (0, 1e38), "min_alpha": (0, 1e38), "sample": (0, 1e6), "ns_exponent": (-10, 10)}


@dataclass(frozen=True)
class Word2VecSettings:
    """The settings of word2vec training, with gensim's names and defaults.

    The kernels read ``sg``, ``window``, ``shrink_windows``, ``negative``, ``cbow_mean`` and
    ``true_gradient``; the rest is the trainer's.

    Args:
        vector_size: The width of the vectors.
        alpha: The learning rate at the start; it falls linearly to ``min_alpha`` over all epochs.
        window: The most words of context on each side.
        sample: The threshold of subsampling; 0 keeps every word.
        seed: The seed of the first vectors and of all draws.
        workers: The threads that train at once.
        min_alpha: The learning rate at the end.
        sg: Skip-gram instead of CBOW.
        negative: The words drawn for each example.
        ns_exponent: The power of the counts by which they are drawn.
        cbow_mean: The context of CBOW is a mean, else a sum.
        epochs: The passes over the text.
        shrink_windows: Each window's size is drawn from 1 to ``window``.
        true_gradient: Divide CBOW's update by the number of context words, as the loss's gradient does and
            word2vec does not; it wants an ``alpha`` about twice as large.

    Raises:
        UsageError: For values that no training can have.

    """

    vector_size: int = 100
    alpha: float = 0.025
    window: int = 5
    sample: float = 1e-3
    seed: int = 1
    workers: int = 3
    min_alpha: float = 1e-4
    sg: bool = False
    negative: int = 5
    ns_exponent: float = 0.75
    cbow_mean: bool = True
    epochs: int = 5
    shrink_windows: bool = True
    true_gradient: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        for name, (least, most) in _WHOLE.items():
            try:
                value = int(operator.index(getattr(self, name)))
            except TypeError:
                raise UsageError(f"expected a whole number as {name}, got {getattr(self, name)!r}") from None
            object.__setattr__(self, name, value)
            if not least <= value <= most:
                raise UsageError(f"expected {name} from {least} to {most:,}, got {value:,}")
        for name, (lowest, highest) in _REAL.items():
            number = getattr(self, name)
            if not isinstance(number, float | int) or not lowest <= number <= highest:
                raise UsageError(f"expected {name} from {lowest} to {highest:g}, got {number!r}")
        for name in _SWITCHES:
            if getattr(self, name) not in (False, True):
                raise UsageError(f"expected {name} to be 0 or 1, got {getattr(self, name)!r}")
            object.__setattr__(self, name, bool(getattr(self, name)))
        if self.alpha == 0:
            raise UsageError("expected alpha above 0, got 0")
