"""Element-wise non-linearities, forward beside backward."""

from __future__ import annotations

import math

from seqkit.autograd import differentiable


@differentiable
def sigmoid(xp, x):  # type: ignore[no-untyped-def]
    """1 / (1 + exp(-x)), through tanh so that nothing overflows."""
    y = 0.5 * xp.tanh(0.5 * x) + 0.5

    def backward(dy):  # type: ignore[no-untyped-def]
        return dy * (y * (1 - y))

    return y, backward


@differentiable
def tanh(xp, x):  # type: ignore[no-untyped-def]
    """The hyperbolic tangent."""
    y = xp.tanh(x)

    def backward(dy):  # type: ignore[no-untyped-def]
        return dy * (1 - y * y)

    return y, backward


@differentiable
def relu(xp, x):  # type: ignore[no-untyped-def]
    """max(x, 0); the gradient at 0 is 0."""
    y = xp.maximum(x, 0)

    def backward(dy):  # type: ignore[no-untyped-def]
        return dy * (y > 0)

    return y, backward


@differentiable
def gelu(xp, x):  # type: ignore[no-untyped-def]
    """x·Φ(x) in the tanh form of Hendrycks and Gimpel (2016): within 5e-4 of the exact function.

    0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
    """
    a = math.sqrt(2 / math.pi)
    t = xp.tanh(a * (x + 0.044715 * x * x * x))

    def backward(dy):  # type: ignore[no-untyped-def]
        slope = (1 - t * t) * (a * (1 + 3 * 0.044715 * x * x))
        return dy * (0.5 * (1 + t) + 0.5 * x * slope)

    return 0.5 * x * (1 + t), backward
