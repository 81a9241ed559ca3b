"""ReLU and both forms of GELU, after adding a bias, and the backward pass.

The exact GELU is x·Φ(x). Φ comes from its tail, Φ(-|x|) = ½·exp(-z²)·f(z) with z = |x|/√2, where f, the
scaled complementary error function, is a Chebyshev series in t = (z - 3)/(z + 3). Its coefficients are
computed from ``math.erfc`` on first use: 18 terms are right to 1e-15, 9 to 1e-8.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from seqkit.backend.device import array_module

TANH_SCALE, TANH_CUBE = math.sqrt(2 / math.pi), 0.044715
FARTHEST = 6.5
"""The tail beyond this z is below 1e-19 and counts as 0, or it would show beside x of 1e30."""


def place(z: Any) -> Any:
    """Where z in [0, FARTHEST] stands in the series, in [-1, 1]."""
    span = (FARTHEST - 3) / (FARTHEST + 3) + 1
    return ((z - 3) / (z + 3) + 1) * (2 / span) - 1


@functools.cache
def tail_series(terms: int) -> tuple[float, ...]:
    """Chebyshev coefficients of ½·exp(z²)·erfc(z), by interpolation at the roots of the next polynomial."""
    angles = np.pi * (np.arange(terms) + 0.5) / terms
    t = (np.cos(angles) + 1) / 2 * ((FARTHEST - 3) / (FARTHEST + 3) + 1) - 1
    z = 3 * (1 + t) / (1 - t)
    values = np.array([0.5 * math.exp(a * a) * math.erfc(a) for a in z])
    series = np.cos(np.outer(np.arange(terms), angles)) @ values * (2 / terms)
    series[0] /= 2
    return tuple(series.tolist())


def normal_cdf(x: Any) -> Any:
    """Φ(x), the share of a standard normal distribution below x."""
    xp = array_module(x)
    z = xp.minimum(xp.absolute(x) * math.sqrt(0.5), FARTHEST)
    k = place(z)
    before, last = 0.0 * k, 0.0 * k
    for c in reversed(tail_series(9 if x.dtype == np.float32 else 18)[1:]):  # Clenshaw's recurrence
        before, last = last, 2 * k * last - before + c
    tail = xp.exp(-z * z) * (k * last - before + tail_series(9 if x.dtype == np.float32 else 18)[0])
    tail = xp.where(z < FARTHEST, tail, 0 * z)  # NaN is not below: 0 · NaN shows it
    return xp.where(x < 0, tail, 1 - tail)


def _with(x: Any, bias: Any | None) -> Any:
    return x if bias is None else x + bias


def forward(x: Any, bias: Any | None, kind: str, out: Any) -> None:
    """out = φ(x + bias) for x and out (N, H), C-contiguous, bias (H,) or None; out is not x."""
    xp = array_module(x)
    x = _with(x, bias)
    if kind == "relu":
        out[...] = xp.maximum(x, 0)
    elif kind == "gelu":
        out[...] = x * normal_cdf(x)
    else:
        out[...] = 0.5 * x * (1 + xp.tanh(TANH_SCALE * (x + TANH_CUBE * x * x * x)))


def backward(x: Any, bias: Any | None, kind: str, dy: Any, dx: Any) -> None:
    """dx = dy·φ'(x + bias), all (N, H), C-contiguous; dx may be dy. The slope of ReLU at 0 is 0."""
    xp = array_module(x)
    x = _with(x, bias)
    if kind == "relu":
        slope = (x > 0).astype(x.dtype)
    elif kind == "gelu":
        slope = normal_cdf(x) + x * xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    else:
        t = xp.tanh(TANH_SCALE * (x + TANH_CUBE * x * x * x))
        slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (TANH_SCALE * (1 + 3 * TANH_CUBE * x * x))
    xp.multiply(dy, slope, out=dx)
