"""The settings of word2vec training, from the user's keywords down to the kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqkit.errors import UsageError


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
        for name in ("vector_size", "window", "workers", "negative", "epochs", "alpha"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"expected {name} above 0, got {getattr(self, name)}")
        for name in ("sample", "min_alpha", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"expected {name} of at least 0, got {getattr(self, name)}")
        if not math.isfinite(self.ns_exponent):
            raise UsageError(f"expected a finite ns_exponent, got {self.ns_exponent}")
