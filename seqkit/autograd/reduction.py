"""Sums, means and maxima over axes."""

from seqkit.autograd.differentiable import differentiable


def _restored(xp, reduced, shape, axis, keepdims):
    """A reduced array with its axes back as length 1, ready to broadcast against ``shape``."""
    if axis is None:
        return reduced.reshape((1,) * len(shape))
    if keepdims:
        return reduced
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return reduced.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


@differentiable
def sum_(xp, x, *, axis=None, keepdims=False):
    """The sum over ``axis`` (all axes by default)."""
    shape = x.shape

    def backward(dy):
        return xp.array(xp.broadcast_to(_restored(xp, dy, shape, axis, keepdims), shape))

    return xp.asarray(x.sum(axis=axis, keepdims=keepdims)), backward


@differentiable
def mean(xp, x, *, axis=None, keepdims=False):
    """The mean over ``axis`` (all axes by default)."""
    shape = x.shape
    y = xp.asarray(x.mean(axis=axis, keepdims=keepdims))
    share = y.size / max(x.size, 1)

    def backward(dy):
        return xp.array(xp.broadcast_to(_restored(xp, dy * share, shape, axis, keepdims), shape))

    return y, backward


@differentiable
def max_(xp, x, *, axis=None, keepdims=False):
    """The maximum over ``axis``; among equal maxima the gradient is shared evenly."""
    y = xp.asarray(x.max(axis=axis, keepdims=keepdims))

    def backward(dy):
        winners = (x == _restored(xp, y, x.shape, axis, keepdims)).astype(x.dtype)
        return winners * (_restored(xp, dy, x.shape, axis, keepdims) / winners.sum(axis=axis, keepdims=True))

    return y, backward
