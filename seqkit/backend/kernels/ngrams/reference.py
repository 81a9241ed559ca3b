"""Search n-grams among the continuations of their contexts, and count."""

from __future__ import annotations

import numpy as np


def find(
    words: np.ndarray, first: np.ndarray, contexts: np.ndarray, wanted: np.ndarray, found: np.ndarray
) -> None:
    """found (N,) gets the place of each wanted word among the continuations of its context, or -1.

    Those of context c are words[first[c]:first[c + 1]], which increase. words (M,), first (C + 1,),
    contexts (N,), from -1 for none to C - 1, and wanted (N,) are int32.
    """
    found[:] = -1
    rows = np.flatnonzero(contexts >= 0)
    low, end = (first[contexts[rows] + i].astype(np.int64) for i in (0, 1))
    high, word = end.copy(), wanted[rows]
    while (low < high).any():
        middle = (low + high) // 2
        is_open = low < high
        right = is_open & (words[np.minimum(middle, len(words) - 1)] < word)
        low = np.where(right, middle + 1, low)
        high = np.where(is_open & ~right, middle, high)
    inside = np.flatnonzero(low < end)
    hit = inside[words[low[inside]] == word[inside]]
    found[rows[hit]] = low[hit]


def count(numbers: np.ndarray, counts: np.ndarray) -> None:
    """counts (M,) grows by 1 for each of the numbers (N,), 0 to M - 1. Both are int32."""
    np.add.at(counts, numbers, 1)
