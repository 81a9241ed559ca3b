"""Arrays of logarithms with a few bits each."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.errors import UsageError

MOST_BITS = 16


class QuantizedArray:
    """An array of which each item is a code for one of a few values.

    Args:
        codes: (N,) uint8 or uint16.
        values: The value of each code, float32.
    """

    def __init__(self, codes: np.ndarray, values: np.ndarray) -> None:
        self.codes, self.values = codes, values

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, places: Any) -> np.ndarray:
        return self.values[self.codes[places]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.values[self.codes], dtype)


def quantize(array: np.ndarray, bits: int) -> QuantizedArray:
    """Return the array with ``bits`` bits an item, each item the mean of its bin.

    The bins hold equally many items each, and equal items share one (Federico and Bertoldi 2006, "How many
    bits are needed to store probabilities for phrase-based translation?"). 0 and NaN keep a code of their
    own, so that an n-gram that is no context, or has no probability, stays so.

    Args:
        array: (N,) floating point.
        bits: From 2 to 16.

    Raises:
        UsageError: Bits out of range.
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 2 <= bits <= MOST_BITS:
        raise UsageError(f"expected bits from 2 to {MOST_BITS}, got {bits}")
    own = np.array([0, np.nan], np.float32)
    rest = (array != 0) & ~np.isnan(array)
    bins = (1 << bits) - len(own)
    ordered = np.sort(array[rest])
    # A bin begins where its first item differs from the last item of the bin before.
    codes = np.zeros(len(array), np.uint8 if bits <= 8 else np.uint16)
    codes[np.isnan(array)] = 1
    if not len(ordered):
        return QuantizedArray(codes, own)
    starts = np.unique(np.searchsorted(ordered, ordered[(len(ordered) * np.arange(bins)) // bins]))
    lengths = np.diff(starts, append=len(ordered))
    means = np.add.reduceat(ordered.astype(np.float64), starts) / lengths
    codes[rest] = np.searchsorted(ordered[starts], array[rest], "right") - 1 + len(own)
    return QuantizedArray(codes, np.concatenate((own, means.astype(np.float32))))
