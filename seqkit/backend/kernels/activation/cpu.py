"""Bias and activation in one pass, the exponentials in vector instructions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seqkit.backend.kernels.activation import reference
from seqkit.backend.kernels.activation.reference import (
    FARTHEST,
    TANH_CUBE,
    TANH_SCALE,
    tail_series,
)
from seqkit.backend.kernels.compiler import inline, jit, task, wide_vectors
from seqkit.backend.kernels.fast_math import exp32, tanh32
from seqkit.backend.kernels.team import bounds, number, parts_for, plain, share
from seqkit.backend.kernels.views import floats, vector

_OF_PART = 1 << 14
"""Numbers of a part at least: to hand it over takes 4 µs."""

_ZERO, _HALF, _ONE, _THREE = np.float32(0), np.float32(0.5), np.float32(1), np.float32(3)
_ROOT_HALF = np.float32(math.sqrt(0.5))
_DENSITY = np.float32(1 / math.sqrt(math.pi))  # |v|·φ(v) = z·exp(-z²)/√π
_FARTHEST = np.float32(FARTHEST)
_SPAN = (FARTHEST - 3) / (FARTHEST + 3) + 1
_STRETCH, _SHIFT = np.float32(2 / _SPAN), np.float32(2 / _SPAN - 1)
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = np.polynomial.chebyshev.cheb2poly(tail_series(9)).astype(
    np.float32
)
_SCALE, _CUBE = np.float32(TANH_SCALE), np.float32(TANH_CUBE)
_THRICE = np.float32(3 * TANH_CUBE)
_RELU, _GELU, _GELU_TANH = 0, 1, 2
_KINDS = {"relu": _RELU, "gelu": _GELU, "gelu-tanh": _GELU_TANH}


@inline
def _cdf(v, e, z):  # type: ignore[no-untyped-def]
    """Φ(v) with z = |v|/√2 and e = exp(-z²)."""
    k = (z - _THREE) / (z + _THREE) * _STRETCH + _SHIFT
    p = _C7 + k * _C8
    p = _C6 + k * p
    p = _C5 + k * p
    p = _C4 + k * p
    p = _C3 + k * p
    p = _C2 + k * p
    p = _C1 + k * p
    p = _C0 + k * p
    tail = e * p
    return tail if v < _ZERO else _ONE - tail


@inline
def _distance(v):  # type: ignore[no-untyped-def]
    z = abs(v) * _ROOT_HALF
    return _FARTHEST if z > _FARTHEST else z


@jit
def _forward(x, bias, biased, kind, out):  # type: ignore[no-untyped-def]
    wide_vectors()
    N, H = x.shape
    v = np.empty(H, np.float32)
    for n in range(N):
        row, y = x[n], out[n]
        if biased:
            for j in range(H):
                v[j] = row[j] + bias[j]
        else:
            for j in range(H):
                v[j] = row[j]
        if kind == _RELU:
            for j in range(H):
                y[j] = _ZERO if v[j] < _ZERO else v[j]
        elif kind == _GELU:
            for j in range(H):
                z = _distance(v[j])
                y[j] = v[j] * _cdf(v[j], exp32(-z * z), z)
        else:
            for j in range(H):
                t = tanh32(_SCALE * (v[j] + _CUBE * v[j] * v[j] * v[j]))
                y[j] = _HALF * v[j] * (_ONE + t)


@jit
def _backward(x, bias, biased, kind, dy, dx):  # type: ignore[no-untyped-def]
    wide_vectors()
    N, H = x.shape
    v = np.empty(H, np.float32)
    for n in range(N):
        row, d, out = x[n], dy[n], dx[n]
        if biased:
            for j in range(H):
                v[j] = row[j] + bias[j]
        else:
            for j in range(H):
                v[j] = row[j]
        if kind == _RELU:
            for j in range(H):
                out[j] = d[j] if v[j] > _ZERO else _ZERO * d[j]
        elif kind == _GELU:
            for j in range(H):
                z = _distance(v[j])
                e = exp32(-z * z)
                density = z * e * _DENSITY  # of the bounded z: v · e would be huge where e ends
                out[j] = d[j] * (_cdf(v[j], e, z) + (-density if v[j] < _ZERO else density))
        else:
            for j in range(H):
                square = v[j] * v[j]
                t = tanh32(_SCALE * (v[j] + _CUBE * v[j] * square))
                inner = _SCALE * (_ONE + _THRICE * square)
                out[j] = d[j] * (_HALF * (_ONE + t) + _HALF * v[j] * (_ONE - t * t) * inner)


@task
def _forward_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    N, H, bias = number(numbers, 0), number(numbers, 1), number(numbers, 3)
    first, last = bounds(N, part, parts)
    n, skipped = last - first, 4 * first * H
    x = number(numbers, 2) + skipped
    _forward(
        floats(x, n, H),
        vector(bias if bias else x, H),
        bias != 0,
        number(numbers, 4),
        floats(number(numbers, 5) + skipped, n, H),
    )


@task
def _backward_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    N, H, bias = number(numbers, 0), number(numbers, 1), number(numbers, 3)
    first, last = bounds(N, part, parts)
    n, skipped = last - first, 4 * first * H
    x = number(numbers, 2) + skipped
    _backward(
        floats(x, n, H),
        vector(bias if bias else x, H),
        bias != 0,
        number(numbers, 4),
        floats(number(numbers, 5) + skipped, n, H),
        floats(number(numbers, 6) + skipped, n, H),
    )


def forward(x: Any, bias: Any | None, kind: str, out: Any) -> None:
    """See the reference."""
    x = np.ascontiguousarray(x)
    if not plain(x, bias, out):
        return reference.forward(x, bias, kind, out)
    return share(_forward_part, parts_for(x.size, _OF_PART), *x.shape, x, bias, _KINDS[kind], out)


def backward(x: Any, bias: Any | None, kind: str, dy: Any, dx: Any) -> None:
    """See the reference."""
    x, dy = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    if not plain(x, bias, dy, dx):
        return reference.backward(x, bias, kind, dy, dx)
    return share(_backward_part, parts_for(x.size, _OF_PART), *x.shape, x, bias, _KINDS[kind], dy, dx)
