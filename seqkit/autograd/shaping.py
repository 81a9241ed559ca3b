"""Changes of shape."""

from __future__ import annotations

import numpy as np

from seqkit.autograd.arithmetic import unbroadcast
from seqkit.autograd.differentiable import differentiable


@differentiable
def reshape(xp, x, *, shape):  # type: ignore[no-untyped-def]
    """The same values in order, in another shape; one entry may be -1."""
    before = x.shape
    return x.reshape(shape), lambda dy: dy.reshape(before)


@differentiable
def transpose(xp, x, *, axes):  # type: ignore[no-untyped-def]
    """The axes in another order; None reverses them."""
    inverse = None if axes is None else tuple(int(i) for i in np.argsort([a % x.ndim for a in axes]))
    return x.transpose(axes), lambda dy: dy.transpose(inverse)


@differentiable
def broadcast_to(xp, x, *, shape):  # type: ignore[no-untyped-def]
    """x repeated to ``shape`` by the rules of NumPy."""
    before = x.shape
    return xp.broadcast_to(x, shape), lambda dy: unbroadcast(dy, before)


@differentiable
def concatenate(xp, *parts, axis=0, needs):  # type: ignore[no-untyped-def]
    """The parts one after another along an axis."""
    ends = np.cumsum([part.shape[axis] for part in parts])

    def backward(dy):  # type: ignore[no-untyped-def]
        where = [slice(None)] * dy.ndim
        gradients = []
        for part, end, needed in zip(parts, ends, needs, strict=True):
            where[axis] = slice(int(end) - part.shape[axis], int(end))
            gradients.append(dy[tuple(where)].copy() if needed else None)
        return tuple(gradients)

    return xp.concatenate(parts, axis=axis), backward


@differentiable
def stack(xp, *parts, axis=0, needs):  # type: ignore[no-untyped-def]
    """The parts along a new axis."""

    def backward(dy):  # type: ignore[no-untyped-def]
        return tuple(xp.take(dy, i, axis=axis) if needed else None for i, needed in enumerate(needs))

    return xp.stack(parts, axis=axis), backward
