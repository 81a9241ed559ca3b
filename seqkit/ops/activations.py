"""Element-wise activations, and softmax."""

from __future__ import annotations

from typing import Any

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.ops.arguments import arguments, as_rows, require_features

KINDS = ("relu", "gelu", "gelu-tanh")
"""The activations that have a kernel."""

_check_sigmoid, _check_tanh, _check_relu = (arguments(op, x="…") for op in ("sigmoid", "tanh", "relu"))
_check_softmax, _check_log_softmax = (arguments(op, x="…, V") for op in ("softmax", "log_softmax"))
_check_activation, _check_biased = arguments("activation", x="…"), arguments("activation", x="…, H", b="H")


@differentiable
def sigmoid(xp, x):
    """Return 1 / (1 + exp(-x)), computed by tanh so that nothing overflows."""
    _check_sigmoid(x)
    y = 0.5 * xp.tanh(0.5 * x) + 0.5

    def backward(dy):
        return dy * (y * (1 - y))

    return y, backward


@differentiable
def tanh(xp, x):
    """Return the hyperbolic tangent of x."""
    _check_tanh(x)
    y = xp.tanh(x)

    def backward(dy):
        return dy * (1 - y * y)

    return y, backward


@differentiable
def relu(xp, x):
    """Return max(x, 0); the gradient at 0 is 0."""
    _check_relu(x)
    y = xp.maximum(x, 0)

    def backward(dy):
        return dy * (y > 0)

    return y, backward


def gelu(x: Any) -> Any:
    """Return x·Φ(x), with Φ(x) = ½·(1 + erf(x/√2)) (Hendrycks and Gimpel 2016), as in BERT."""
    return activation(x, kind="gelu")


def gelu_tanh(x: Any) -> Any:
    """Return 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the approximation of :func:`gelu` in GPT-2.

    It is of the same paper, and within 5e-4 of :func:`gelu`.
    """
    return activation(x, kind="gelu-tanh")


@differentiable
def activation(xp, x, b=None, *, kind, needs):
    """Return φ(x + b) in one pass.

    Args:
        x: (…, H).
        b: (H,) or None.
        kind: φ: "relu", "gelu" or "gelu-tanh".

    Raises:
        ShapeError: Other shapes, or dtypes that differ.
        UsageError: Another name.
    """
    if kind not in KINDS:
        raise UsageError(f"expected activation to be one of {', '.join(KINDS)}, got {kind!r}")
    _check_activation(x) if b is None else _check_biased(x, b)
    family = kernels("activation", xp, x.dtype)
    rows = as_rows(xp.ascontiguousarray(x) if x.ndim else x.reshape(1, 1))
    bias = None if b is None else xp.ascontiguousarray(b)
    y = empty(xp, rows.shape, x.dtype)
    family.forward(rows, bias, kind, y)

    def backward(dy):
        dx = empty(xp, rows.shape, x.dtype)
        family.backward(rows, bias, kind, xp.ascontiguousarray(dy).reshape(rows.shape), dx)
        db = kernels("column_sums", xp, x.dtype).column_sums(dx) if b is not None and needs[1] else None
        dx = dx.reshape(x.shape)
        return dx if len(needs) == 1 else (dx, db)

    return y.reshape(x.shape), backward


@differentiable
def softmax(xp, x):
    """Return exp(x) / Σ exp(x) over the last axis, shifted by the maximum.

    Example:
        >>> ops.softmax(Tensor([[0.0, 0.0]])).numpy().tolist()
        [[0.5, 0.5]]
    """
    _check_softmax(x)
    require_features("softmax", x)
    y = xp.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)

    def backward(dy):
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))

    return y, backward


@differentiable
def log_softmax(xp, x):
    """Return x - log Σ exp(x) over the last axis, shifted by the maximum."""
    _check_log_softmax(x)
    require_features("log_softmax", x)
    y = kernels("log_softmax", xp, x.dtype).log_softmax(x.reshape(-1, x.shape[-1])).reshape(x.shape)

    def backward(dy):
        return dy - xp.exp(y) * dy.sum(axis=-1, keepdims=True)

    return y, backward
