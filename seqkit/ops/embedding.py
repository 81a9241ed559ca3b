"""Rows of a matrix by their ids, alone or summed in bags."""

from __future__ import annotations

import numpy as np

from seqkit.autograd import RowGradient, differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.ops.arguments import arguments, as_rows, require_ids

_check = arguments("embedding", W="V, E", ids="integer …")
_check_bag = arguments("embedding_bag", W="V, E", ids="integer B, C")


@differentiable
def embedding(xp, W, ids):
    """Return the rows W[ids], of shape (*ids.shape, E).

    The gradient of W is a RowGradient over the rows that occur among the ids.

    Args:
        W: (V, E).
        ids: Integers of any shape.

    Raises:
        ShapeError: Another shape, or ids that are no integers.
        UsageError: On the CPU, ids outside 0 … V-1. On a GPU the check would wait for it, so models check ids
            at their boundary.

    Example:
        >>> ops.embedding(Tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1])).numpy().tolist()
        [[3.0, 4.0], [3.0, 4.0]]
    """
    _check(W, ids)
    flat = ids.reshape(-1)
    require_ids("embedding", "ids", flat, len(W))
    y = empty(xp, (len(flat), W.shape[1]), W.dtype)
    if (
        xp is np
    ):  # checked above; with the default mode NumPy makes the result twice (measured: 0.27 ms for 0.11)
        np.take(W, flat, axis=0, out=y, mode="clip")
    else:
        xp.take(W, flat, axis=0, out=y)

    def backward(dy):
        family = kernels("row_sums", xp, W.dtype)
        rows, values = family.sum_by_id(flat, as_rows(dy))
        return RowGradient(rows, values, W.shape), None

    return y.reshape(*ids.shape, W.shape[1]), backward


@differentiable
def embedding_bag(xp, W, ids, *, mean=True):
    """Return the mean, or sum, of the rows W[ids[b]] for each bag b, of shape (B, E): the input of CBOW.

    Ids of -1 are padding and do not count; a bag of padding alone is 0. The rows are added by a small matrix
    product, without a tape node for each. The gradient of W is a RowGradient over the rows that were read.

    Args:
        W: (V, E).
        ids: (B, C) integers.
        mean: The mean instead of the sum.

    Raises:
        ShapeError: Ids that are no integers (B, C).
        UsageError: On the CPU, other ids outside 0 … V-1.
    """
    _check_bag(W, ids)
    require_ids("embedding_bag", "ids", ids, len(W), lowest=-1)
    (B, C), E = ids.shape, W.shape[1]
    real = ids >= 0
    padded = xp is not np or not real.all()  # on a GPU the answer would have to be waited for
    count = xp.maximum(real.sum(axis=1, keepdims=True), 1)
    shares = (real / count if mean else real).astype(W.dtype)
    flat = xp.maximum(ids, 0).reshape(-1)
    rows = xp.take(W, flat, axis=0).reshape(B, C, E)
    y = xp.matmul(shares[:, None, :], rows)[:, 0]

    def backward(dy):
        values = (dy / count).astype(dy.dtype) if mean else dy
        values = xp.repeat(values, C, axis=0)
        chosen = flat
        if padded:
            kept = xp.flatnonzero(real.reshape(-1))
            chosen, values = flat[kept], values[kept]
        read, sums = kernels("row_sums", xp, W.dtype).sum_by_id(chosen, values)
        return RowGradient(read, sums, W.shape), None

    return y, backward
