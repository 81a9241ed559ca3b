"""Pack the tokens of a padded batch one after another without the padding, and unpack them."""

from __future__ import annotations

from seqkit.autograd import differentiable
from seqkit.backend import empty, zeros
from seqkit.errors import ShapeError


@differentiable
def pack(xp, x, rows):
    """Return the entries ``rows`` (P,) of x (B, T, E), counted over B·T, each at most once: (P, E)."""
    B, T, E = x.shape
    y = xp.take(x.reshape(B * T, E), rows, axis=0)

    def backward(dy):
        dx = zeros(xp, (B * T, E), dy.dtype)
        dx[rows] = dy
        return dx.reshape(B, T, E), None

    return y, backward


@differentiable
def unpack(xp, x, rows, *, shape):
    """Return x (P, E) at the entries ``rows`` (P,) of (B, T, E), zeros elsewhere; ``shape`` is (B, T)."""
    if x.ndim != 2 or x.shape[0] != rows.shape[0]:
        raise ShapeError(f"unpack: expected x (P, E) and rows (P,), got {x.shape} and {rows.shape}")
    (B, T), E = shape, x.shape[1]
    y = zeros(xp, (B * T, E), x.dtype)
    y[rows] = x

    def backward(dy):
        dx = empty(xp, x.shape, x.dtype)
        xp.take(dy.reshape(B * T, E), rows, axis=0, out=dx)
        return dx, None

    return y.reshape(B, T, E), backward
