"""Changes of shape, and indexing."""

import numpy as np

from seqkit.autograd.arithmetic import unbroadcast
from seqkit.autograd.differentiable import differentiable
from seqkit.autograd.sparse_gradient import IndexGradient
from seqkit.backend import copied, empty


@differentiable
def reshape(xp, x, *, shape):
    """Return the values in order in another shape, of which one entry may be -1."""
    before = x.shape
    return x.reshape(shape), lambda dy: dy.reshape(before)


@differentiable
def transpose(xp, x, *, axes):
    """Return x with its axes in another order; None reverses them."""
    inverse = None if axes is None else tuple(int(i) for i in np.argsort([a % x.ndim for a in axes]))
    return x.transpose(axes), lambda dy: dy.transpose(inverse)


@differentiable
def broadcast_to(xp, x, *, shape):
    """Return x repeated to ``shape`` by the rules of NumPy."""
    before = x.shape
    return xp.broadcast_to(x, shape), lambda dy: unbroadcast(dy, before)


@differentiable
def concatenate(xp, *parts, axis=0, needs):
    """Join tensors along an axis."""
    ends = np.cumsum([part.shape[axis] for part in parts])

    def backward(dy):
        where = [slice(None)] * dy.ndim
        gradients = []
        for part, end, needed in zip(parts, ends, needs, strict=True):
            where[axis] = slice(int(end) - part.shape[axis], int(end))
            gradients.append(copied(xp, dy[tuple(where)]) if needed else None)
        return tuple(gradients)

    shape = list(parts[0].shape)
    shape[axis] = int(ends[-1])
    y = empty(xp, tuple(shape), np.result_type(*(part.dtype for part in parts)))
    return xp.concatenate(parts, axis=axis, out=y), backward


@differentiable
def stack(xp, *parts, axis=0, needs):
    """Join tensors along a new axis."""

    def backward(dy):
        return tuple(xp.take(dy, i, axis=axis) if needed else None for i, needed in enumerate(needs))

    return xp.stack(parts, axis=axis), backward


@differentiable
def getitem(xp, x, *, key):
    """Return x[key], copied, so that the result never shares memory with x."""
    shape = x.shape
    y = x[key]
    y = copied(xp, y) if y.base is not None else y
    return y, lambda dy: IndexGradient(key, dy, shape)
