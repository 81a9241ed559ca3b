"""One update of one parameter, in place, and the sum of squares that clipping needs.

Every function takes the parameter ``p``, its gradient ``g`` of the same shape (never written to) and the
state arrays of that shape, and ends with the three penalties::

    g ← g + l2·p + l1·sign(p)        p ← shrink·p

``g`` may be None: a gradient of zeros that is not in memory. So an embedding matrix of which few rows have
a gradient costs one pass over its own state.
"""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module


def _penalised(p: Any, g: Any, l2: float, l1: float, shrink: float) -> Any:
    """The gradient with its penalties; shrinks ``p``."""
    if g is None:
        g = 0.0
    if l2:
        g = g + l2 * p
    if l1:
        g = g + l1 * array_module(p).sign(p)
    if shrink != 1:
        p *= shrink
    return g


def sgd(p: Any, g: Any, lr: float, l2: float, l1: float, shrink: float) -> None:
    """Plain: p ← p - lr·g."""
    g = _penalised(p, g, l2, l1, shrink)
    p -= lr * g


def momentum(
    p: Any, g: Any, b: Any, lr: float, mu: float, nesterov: bool, l2: float, l1: float, shrink: float
) -> None:
    """With b ← mu·b + g: p ← p - lr·b, or with Nesterov p ← p - lr·(g + mu·b)."""
    g = _penalised(p, g, l2, l1, shrink)
    b *= mu
    b += g
    p -= lr * (g + mu * b if nesterov else b)


def adagrad(p: Any, g: Any, s: Any, lr: float, eps: float, l2: float, l1: float, shrink: float) -> None:
    """With s ← s + g²: p ← p - lr·g / (√s + eps)."""
    g = _penalised(p, g, l2, l1, shrink)
    s += g * g
    p -= lr * g / (array_module(s).sqrt(s) + eps)


def rmsprop(
    p: Any,
    g: Any,
    s: Any,
    a: Any,
    b: Any,
    lr: float,
    alpha: float,
    eps: float,
    mu: float,
    l2: float,
    l1: float,
    shrink: float,
) -> None:
    """With s ← alpha·s + (1-alpha)·g² and d = g / (√s + eps): p ← p - lr·d.

    With ``a`` (else None): a ← alpha·a + (1-alpha)·g, and √(s - a²) in place of √s.
    With ``b`` (else None): b ← mu·b + d, and p ← p - lr·b.
    """
    xp = array_module(p)
    g = _penalised(p, g, l2, l1, shrink)
    s *= alpha
    s += (1 - alpha) * (g * g)
    if a is None:
        root = xp.sqrt(s)
    else:
        a *= alpha
        a += (1 - alpha) * g
        root = xp.sqrt(xp.maximum(s - a * a, 0))  # rounding can leave a variance just below 0
    d = g / (root + eps)
    if b is not None:
        b *= mu
        b += d
        d = b
    p -= lr * d


def adam(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    step_size: float,
    beta1: float,
    beta2: float,
    correction: float,
    eps: float,
    l2: float,
    l1: float,
    shrink: float,
) -> None:
    """With m ← beta1·m + (1-beta1)·g and v ← beta2·v + (1-beta2)·g²::

        p ← p - step_size·m / (√v / correction + eps)

    The caller folds the bias corrections in: step_size = lr / (1-beta1ᵗ), correction = √(1-beta2ᵗ).
    """
    g = _penalised(p, g, l2, l1, shrink)
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * (g * g)
    root = array_module(v).sqrt(v)
    root /= correction
    root += eps
    p -= step_size * m / root


def sum_of_squares(g: Any) -> Any:
    """The sum of g² in float64, an array without axes on the device of ``g``."""
    xp = array_module(g)
    return xp.asarray(xp.square(g, dtype=xp.float64).sum())


def scale(g: Any, factor: Any) -> None:
    """Multiply a gradient, in place, by a number: an array without axes, on the gradient's device."""
    g *= factor.astype(g.dtype)
