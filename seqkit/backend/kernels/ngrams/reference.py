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
    known = np.maximum(contexts, 0)
    low, high = first[known].astype(np.int64), first[known + 1].astype(np.int64)
    high[contexts < 0] = low[contexts < 0]
    end = high.copy()
    while (low < high).any():
        middle = (low + high) // 2
        open_ = low < high
        right = open_ & (words[np.minimum(middle, len(words) - 1)] < wanted)
        low = np.where(right, middle + 1, low)
        high = np.where(open_ & ~right, middle, high)
    hit = low < end
    hit[hit] = words[low[hit]] == wanted[hit]
    found[:] = np.where(hit, low, -1)


def count(numbers: np.ndarray, counts: np.ndarray) -> None:
    """counts (M,) grows by 1 for each of the numbers (N,), 0 to M - 1. Both are int32."""
    np.add.at(counts, numbers, 1)
