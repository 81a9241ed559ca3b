"""Inverted dropout with a mask recomputed from its key: nothing is stored between forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import array_module
from seqkit.backend.kernels import kernels


def masked_scale(
    x: Any, key: tuple[int, int, int, int, int], threshold: int, scale: float, out: Any, first: int = 0
) -> None:
    """out = x · scale where the random word of the element is below ``threshold`` (0 … 2³²), else 0.

    ``x`` and ``out`` are C-contiguous and of one shape; they may be the same array. The word of the first
    element is number ``first`` of the draw: that of a part of a larger array.
    """
    xp = array_module(x)
    words = kernels("philox", xp).random_words(xp, x.size, key, first).reshape(x.shape)
    keep = words.astype(np.uint64) < np.uint64(threshold)
    xp.multiply(x, keep.astype(x.dtype) * x.dtype.type(scale), out=out)
