"""Philox on the GPU in one launch, with no array but the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels import cuda


def random_words(xp: Any, count: int, key: tuple[int, int, int, int, int], first: int = 0) -> Any:
    """See the reference."""
    words = empty(xp, count, np.uint32)
    cuda.launch(
        "philox",
        "random_words",
        cuda.per_item(-(-(first % 4 + count) // 4)),
        words,
        np.int64(count),
        np.int64(first),
        *(np.uint32(part) for part in key),
    )
    return words
