"""The best of many scores, ties broken by the lower index, so that an answer never depends on chance."""

from __future__ import annotations

import numpy as np


def top_indices(scores: np.ndarray, count: int) -> np.ndarray:
    """Indices of the ``count`` highest of ``scores`` (V,), the highest first.

    Linear in V: a partition, then a sort of the few. NaN must not be among the scores.
    """
    V = len(scores)
    if count <= 0 or V == 0:
        return np.empty(0, np.int64)
    if count < V:
        least = np.partition(scores, V - count)[V - count]
        above = np.flatnonzero(scores > least)
        level = np.flatnonzero(scores == least)[: count - len(above)]
        chosen = np.concatenate([above, level])
    else:
        chosen = np.arange(V)
    return chosen[np.lexsort((chosen, -scores[chosen]))]
