"""Walker's alias method: draws from any distribution over V words in constant time."""

from __future__ import annotations

import numpy as np

from seqkit.errors import UsageError

_TOP = 2**32 - 1


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draws from (V,) weights in constant time: (threshold uint32, alias int32) (Vose 1991).

    Take a place uniformly; keep it when 32 random bits are below its threshold, else take its alias.
    """
    V, total = len(weights), float(weights.sum())
    if not total > 0:
        raise UsageError("a distribution of negatives needs a word with a positive weight")
    share = weights * (V / total)
    threshold, alias = np.full(V, _TOP, np.uint32), np.arange(V, dtype=np.int32)
    small, large = list(np.flatnonzero(share < 1)), list(np.flatnonzero(share >= 1))
    while small and large:
        low, high = small.pop(), large.pop()
        threshold[low], alias[low] = int(share[low] * _TOP), high
        share[high] -= 1 - share[low]
        (small if share[high] < 1 else large).append(high)
    for place in small:  # only rounding leaves any; a word without weight must not be drawn
        if weights[place] == 0:
            threshold[place], alias[place] = 0, int(np.argmax(weights))
    return threshold, alias
