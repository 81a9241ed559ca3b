"""Rows of a matrix by their ids."""

from __future__ import annotations

from seqkit.autograd import RowGradient, differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError


@differentiable
def embedding(xp, W, ids):  # type: ignore[no-untyped-def]
    """W[ids] for W (V, E) and integer ids of any shape; the result is (*ids.shape, E).

    The gradient is a RowGradient over the rows that the ids touched. Ids are not checked against V here,
    which on a GPU would wait for it; models check them at their boundary.
    """
    if ids.dtype.kind not in "iu":
        raise ShapeError(f"embedding needs integer ids, got {ids.dtype}")
    flat = ids.reshape(-1)
    y = empty(xp, (len(flat), W.shape[1]), W.dtype)
    xp.take(W, flat, axis=0, out=y)

    def backward(dy):  # type: ignore[no-untyped-def]
        family = kernels("row_sums", xp, W.dtype)
        rows, values = family.sum_by_id(flat, dy.reshape(-1, dy.shape[-1]))
        return RowGradient(rows, values, W.shape), None

    return y.reshape(*ids.shape, W.shape[1]), backward
