"""Rows of a matrix by their ids."""

from __future__ import annotations

import numpy as np

from seqkit.autograd import RowGradient, differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, UsageError


@differentiable
def embedding(xp, W, ids):  # type: ignore[no-untyped-def]
    """W[ids] for W (V, E) and integer ids of any shape; the result is (*ids.shape, E).

    The gradient is a RowGradient over the rows that the ids touched. Ids outside 0 … V-1 are a UsageError on
    the CPU; on a GPU the check would wait for it, so models check them at their boundary.
    """
    if ids.dtype.kind not in "iu":
        raise ShapeError(f"embedding needs integer ids, got {ids.dtype}")
    flat = ids.reshape(-1)
    if xp is np and flat.size and not 0 <= flat.min() <= flat.max() < len(W):
        raise UsageError(f"embedding got ids from {flat.min()} to {flat.max()} for {len(W)} rows")
    y = empty(xp, (len(flat), W.shape[1]), W.dtype)
    xp.take(W, flat, axis=0, out=y)

    def backward(dy):  # type: ignore[no-untyped-def]
        family = kernels("row_sums", xp, W.dtype)
        rows, values = family.sum_by_id(flat, dy.reshape(-1, dy.shape[-1]))
        return RowGradient(rows, values, W.shape), None

    return y.reshape(*ids.shape, W.shape[1]), backward
