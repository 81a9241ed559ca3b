"""The three discounts of modified Kneser-Ney smoothing."""

from __future__ import annotations

import numpy as np


def discounts(counts: np.ndarray) -> np.ndarray:
    """What to subtract from a count of 0, 1, 2, and 3 or more: (4,) float64, the first 0.

    With n_j the number of n-grams counted j times and Y = n_1 / (n_1 + 2 n_2),
    D_j = j - (j + 1) Y n_{j+1} / n_j for j = 1, 2, 3 (Chen & Goodman 1999, modified
    Kneser-Ney smoothing). Where one of the
    numbers it needs is zero, or the result is not strictly between 0 and j, the estimate has no ground
    (small corpora; characters, of which none is rare) and D_j = j / 2: some probability goes to the lower
    order, some stays. Every D_j is thus positive and below the counts it is taken from.
    """
    n = [int(np.count_nonzero(counts == j)) if j else 0 for j in range(5)]
    result = np.array([0.0, 0.5, 1.0, 1.5])
    if n[1] == 0 or n[2] == 0:
        return result
    y = n[1] / (n[1] + 2 * n[2])
    for j in (1, 2, 3):
        if n[j] > 0 and n[j + 1] > 0:
            estimate = j - (j + 1) * y * n[j + 1] / n[j]
            if 0 < estimate < j:
                result[j] = estimate
    return result
