"""Losses. Sums run in float64; the result is a float64 mean over the targets that count."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, UsageError

IGNORE = -1
"""Targets with this id do not count."""


def _check(logits_shape: tuple[int, ...], targets: Any, smoothing: float) -> None:
    if targets.dtype.kind not in "iu":
        raise ShapeError(f"targets must be integer ids, got {targets.dtype}")
    if tuple(logits_shape[:-1]) != tuple(targets.shape):
        raise ShapeError(f"targets {targets.shape} must have the shape of logits {logits_shape} less V")
    if not 0 <= smoothing < 1:
        raise UsageError(f"label smoothing must be at least 0 and below 1, got {smoothing}")


@differentiable
def softmax_cross_entropy(xp, logits, targets, *, ignore_index=IGNORE, label_smoothing=0.0, needs):  # type: ignore[no-untyped-def]
    """Mean of -log softmax(logits)[target] over targets other than ``ignore_index``; 0 if there are none.

    logits (..., V), targets (...) integer ids below V. With label smoothing s (Szegedy et al. 2016,
    section 7) the target distribution is (1 - s)·onehot + s/V.
    """
    _check(logits.shape, targets, label_smoothing)
    V = logits.shape[-1]
    rows, flat = xp.ascontiguousarray(logits).reshape(-1, V), targets.reshape(-1)
    d_rows = empty(xp, rows.shape, rows.dtype) if needs[0] else None
    family = kernels("softmax_cross_entropy", xp, rows.dtype)
    losses = family.loss_and_gradient(rows, flat, ignore_index, label_smoothing, d_rows)
    count = xp.maximum((flat != ignore_index).sum(), 1)

    def backward(dloss):  # type: ignore[no-untyped-def]
        xp.multiply(d_rows, (dloss / count).astype(d_rows.dtype), out=d_rows)
        return d_rows.reshape(logits.shape), None

    return xp.asarray(losses.sum() / count, dtype=np.float64), backward


@differentiable
def linear_cross_entropy(xp, x, W, b, targets, *, ignore_index=IGNORE, label_smoothing=0.0, needs):  # type: ignore[no-untyped-def]
    """:func:`softmax_cross_entropy` of x·Wᵀ + b in one op, which holds one (N, V) array and not three.

    x (..., E), W (V, E), b (V,) or None, targets (...). The scores are overwritten with their gradient in
    the forward pass, while a row of them lies in the cache.
    """
    V, E = W.shape
    _check((*x.shape[:-1], V), targets, label_smoothing)
    if x.shape[-1] != E:
        raise ShapeError(f"linear_cross_entropy got x {x.shape} for W {W.shape}")
    rows, flat = x.reshape(-1, E), targets.reshape(-1)
    scores = xp.matmul(rows, W.T, out=empty(xp, (len(rows), V), x.dtype))
    if b is not None:
        scores += b
    family = kernels("softmax_cross_entropy", xp, x.dtype)
    losses = family.loss_and_gradient(
        scores, flat, ignore_index, label_smoothing, scores if any(needs) else None
    )
    count = xp.maximum((flat != ignore_index).sum(), 1)

    def backward(dloss):  # type: ignore[no-untyped-def]
        scale = (dloss / count).astype(x.dtype)
        dx = dW = db = None
        if needs[0]:
            dx = xp.matmul(scores, W, out=empty(xp, rows.shape, x.dtype))
            dx *= scale
            dx = dx.reshape(x.shape)
        if needs[1]:
            dW = xp.matmul(scores.T, rows * scale, out=empty(xp, W.shape, W.dtype))
        if b is not None and needs[2]:
            db = xp.matmul(xp.broadcast_to(scale, (1, len(rows))), scores).reshape(V)
        return dx, dW, db, None

    return xp.asarray(losses.sum() / count, dtype=np.float64), backward
