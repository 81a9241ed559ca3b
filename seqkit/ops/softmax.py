"""Softmax and its logarithm along the last axis."""

from __future__ import annotations

from seqkit.autograd import differentiable


@differentiable
def softmax(xp, x):  # type: ignore[no-untyped-def]
    """exp(x) / Σ exp(x) over the last axis, shifted by the maximum."""
    y = xp.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)

    def backward(dy):  # type: ignore[no-untyped-def]
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))

    return y, backward


@differentiable
def log_softmax(xp, x):  # type: ignore[no-untyped-def]
    """x - log Σ exp(x) over the last axis, shifted by the maximum."""
    y = x - x.max(axis=-1, keepdims=True)
    y -= xp.log(xp.exp(y).sum(axis=-1, keepdims=True))

    def backward(dy):  # type: ignore[no-untyped-def]
        return dy - xp.exp(y) * dy.sum(axis=-1, keepdims=True)

    return y, backward
