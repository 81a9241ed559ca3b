"""Dropout on the GPU in one launch; the mask never exists in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels import cuda


def masked_scale(
    x: Any, key: tuple[int, int, int, int, int], threshold: int, scale: float, out: Any, first: int = 0
) -> None:
    """See the reference."""
    cuda.require("dropout", np.float32, x=x, out=out)
    cuda.require_shapes("dropout", out=(out, x.shape))
    cuda.launch(
        "dropout",
        "masked_scale",
        cuda.per_item(-(-(first % 4 + x.size) // 4)),
        x,
        out,
        np.int64(x.size),
        np.int64(first),
        *(np.uint32(part) for part in key),
        np.uint64(threshold),
        np.float32(scale),
    )
