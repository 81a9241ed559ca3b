"""Losses of classes. Sums run in float64; the result is float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError, require_number
from seqkit.ops.arguments import arguments, as_rows, require_features

_check_logits = arguments("softmax_cross_entropy", logits="…, V", targets="integer …")
_check_linear = arguments("linear_cross_entropy", x="…, E", W="V, E", b="V or None", targets="integer …")


def _check(xp: Any, V: int, targets: Any, ignore_index: int, smoothing: float) -> None:
    require_number("label smoothing", smoothing, least=0, below=1)
    if xp is np:  # a compiled kernel would write out of bounds; on a GPU the check would wait for it
        wrong = targets[((targets < 0) | (targets >= V)) & (targets != ignore_index)]
        if wrong.size:
            raise UsageError(
                f"target {wrong.flat[0]} is neither an id below V = {V} nor ignored ({ignore_index})"
            )


def _reduced(xp: Any, losses: Any, counted: Any, shape: tuple[int, ...], reduction: str) -> tuple[Any, Any]:
    """Return a reduction of losses (N,), and a function that gives each row's factor (N or 1, 1) of its
    gradient.
    """
    if reduction == "mean":
        share = 1.0 / xp.maximum(counted.sum(), 1)
        return xp.asarray(losses.sum() * share, dtype=np.float64), lambda d: (d * share).reshape(1, 1)
    if reduction == "sum":
        return xp.asarray(losses.sum(), dtype=np.float64), lambda d: d.reshape(1, 1)
    if reduction == "none":
        return losses.reshape(shape), lambda d: d.reshape(-1, 1)
    raise UsageError(f"expected reduction to be mean, sum or none, got {reduction!r}")


@differentiable
def softmax_cross_entropy(
    xp, logits, targets, *, ignore_index=IGNORE_INDEX, label_smoothing=0.0, reduction="mean", needs
):
    """Return the cross entropy -log softmax(logits)[target], in nats and float64.

    Args:
        logits: (…, V).
        targets: (…) integer ids below V.
        ignore_index: Targets of this value do not count.
        label_smoothing: s, which makes the target distribution (1 - s)·onehot + s/V (Szegedy et al. 2016,
            section 7).
        reduction: "mean" over the targets that count, 0 when none does; "sum"; or "none" for losses (…).

    Raises:
        ShapeError: Targets of another shape, or no integers; no classes.
        UsageError: A target out of range (on the CPU), or a setting out of range.

    Example:
        >>> logits = Tensor(np.zeros((2, 4)))
        >>> loss = ops.softmax_cross_entropy(logits, np.array([3, -1]))
        >>> round(loss.item(), 4)
        1.3863
    """
    _check_logits(logits, targets)
    require_features("softmax_cross_entropy", logits)
    _check(xp, logits.shape[-1], targets, ignore_index, label_smoothing)
    rows, flat = as_rows(xp.ascontiguousarray(logits)), targets.reshape(-1)
    d_rows: Any = empty(xp, rows.shape, rows.dtype) if needs[0] else None
    family = kernels("softmax_cross_entropy", xp, rows.dtype)
    losses = family.loss_and_gradient(rows, flat, ignore_index, label_smoothing, d_rows)
    value, factor = _reduced(xp, losses, flat != ignore_index, targets.shape, reduction)

    def backward(dy):
        xp.multiply(d_rows, factor(dy).astype(d_rows.dtype), out=d_rows)
        return d_rows.reshape(logits.shape), None

    return value, backward


@differentiable
def linear_cross_entropy(
    xp, x, W, b, targets, *, ignore_index=IGNORE_INDEX, label_smoothing=0.0, reduction="mean", needs
):
    """Return :func:`softmax_cross_entropy` of x·Wᵀ + b, holding one (N, V) array instead of three.

    The scores are overwritten with their gradient in the forward pass, while a row of them lies in the cache.

    Args:
        x: (…, E).
        W: (V, E).
        b: (V,) or None.
        targets: (…) integer ids below V.
        ignore_index: See :func:`softmax_cross_entropy`, as the other settings and errors.
        label_smoothing: s.
        reduction: "mean", "sum" or "none".
    """
    _check_linear(x, W, b, targets)
    require_features("linear_cross_entropy", W.T)
    V = len(W)
    _check(xp, V, targets, ignore_index, label_smoothing)
    rows, flat = as_rows(x), targets.reshape(-1)
    product = kernels("matrix_product", xp, x.dtype).product
    scores = empty(xp, (len(rows), V), x.dtype)
    product(rows, W.T, scores, b)
    family = kernels("softmax_cross_entropy", xp, x.dtype)
    losses = family.loss_and_gradient(
        scores, flat, ignore_index, label_smoothing, scores if any(needs) else None
    )
    value, factor = _reduced(xp, losses, flat != ignore_index, targets.shape, reduction)

    def backward(dy):
        scale = factor(dy).astype(x.dtype)  # goes onto the narrow (N, E) arrays, not onto (N, V)
        dx = dW = db = None
        if needs[0]:
            dx = empty(xp, rows.shape, x.dtype)
            product(scores, W, dx)
            dx *= scale
            dx = dx.reshape(x.shape)
        if needs[1]:
            dW = empty(xp, W.shape, W.dtype)
            product(scores.T, rows * scale, dW)
        if b is not None and needs[2]:
            weights = xp.ones(len(rows), x.dtype) * scale.reshape(-1)
            db = kernels("column_sums", xp, x.dtype).column_sums(scores, weights)
        return dx, dW, db, None

    return value, backward
