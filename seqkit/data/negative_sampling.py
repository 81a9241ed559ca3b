"""Negative samples for word vectors: draws of words by frequency."""

import numpy as np

from seqkit.data.batches import epoch_generator
from seqkit.errors import UsageError

_TOP = 2**32 - 1


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the table that draws from V words in constant time by Walker's alias method (Vose 1991).

    Draw a word uniformly; keep it if 32 random bits are below its threshold, else take its alias.

    Args:
        weights: (V,) the words' weights, not negative.

    Returns:
        threshold (V,) uint32 and alias (V,) int32.

    Raises:
        UsageError: If no weight is positive.
    """
    V, total = len(weights), float(weights.sum())
    if not total > 0:
        raise UsageError("expected a word with a positive weight, got none")
    scaled = weights * (V / total)
    threshold, alias = np.full(V, _TOP, np.uint32), np.arange(V, dtype=np.int32)
    small, large = list(np.flatnonzero(scaled < 1)), list(np.flatnonzero(scaled >= 1))
    while small and large:
        low, high = small.pop(), large.pop()
        threshold[low], alias[low] = int(scaled[low] * _TOP), high
        scaled[high] -= 1 - scaled[low]
        (small if scaled[high] < 1 else large).append(high)
    for place in small:  # only rounding leaves any; a word without weight must not be drawn
        if weights[place] == 0:
            threshold[place], alias[place] = 0, int(np.argmax(weights))
    return threshold, alias


class NegativeSampler:
    """Draws words by their frequency to a power (Mikolov, Sutskever et al. 2013, section 2.2).

    Like a batch, a draw is a function of seed, epoch and index alone.

    Args:
        counts: (V,) the occurrences of each word; words of count 0 are never drawn.
        exponent: The power.
        seed: Draws the words.
    """

    def __init__(self, counts: np.ndarray, *, exponent: float = 0.75, seed: int = 0) -> None:
        if counts.ndim != 1 or (counts < 0).any():
            raise UsageError(f"expected counts (V,) that are not negative, got shape {counts.shape}")
        self.exponent, self.seed, self.vocab_size = exponent, seed, len(counts)
        weights = np.zeros(len(counts))
        np.power(counts, exponent, out=weights, where=counts > 0, dtype=np.float64)
        self._threshold, self._alias = alias_table(weights)

    def draw(self, shape: tuple[int, ...], *, epoch: int, index: int) -> np.ndarray:
        """Draw independent words of the given shape, int32."""
        words = (
            epoch_generator(self.seed, "negatives", epoch, index)
            .words(2 * int(np.prod(shape)))
            .reshape(2, *shape)
        )
        places = (words[0].astype(np.uint64) * np.uint64(self.vocab_size)) >> np.uint64(32)
        places = places.astype(np.int32)
        return np.where(words[1] < self._threshold[places], places, self._alias[places])
