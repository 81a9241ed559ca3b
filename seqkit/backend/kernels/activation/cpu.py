"""Bias and activation in one pass, the exponentials in vector instructions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seqkit.backend.kernels.activation import reference
from seqkit.backend.kernels.activation.reference import TANH_CUBE, TANH_SCALE
from seqkit.backend.kernels.compiler import inline, jit, wide_vectors
from seqkit.backend.kernels.fast_math import exp32_inside, reciprocal32, tanh32
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_CHUNK = 1 << 14
"""Numbers of a chunk at least: handing it over takes 4 µs."""

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_DENSITY = np.float32(1 / math.sqrt(2 * math.pi))
_FAR = np.float32(5.5)
"""Φ(-5.5) is 2e-8, a third of what a float32 can tell below 1."""
_FARTHEST = np.float32(13)
"""exp(-13²/2) is in the range of exp32_inside, and nothing beside 1."""
# Fitted to Φ on [0, _FAR] by least squares with weights that grow where the error is: 7e-9 at most before
# rounding, 2e-7 after. That is absolute, as in other libraries: of Φ(-5) = 3e-7 no digit is sure. The tail of
# the reference has all digits there, for an exponential and half as many instructions again.
_P0, _P1, _P2, _P3, _P4, _P5 = np.array(
    [0.398942235, 0.0338526922, 0.00467726236, 0.000168825971, 6.35210575e-06, 2.27492872e-08], np.float32
)
_Q1, _Q2, _Q3, _Q4, _Q5 = np.array(
    [0.251522034, 0.0286458949, 0.00188444663, 7.36475208e-05, 1.19750071e-06], np.float32
)
_SCALE, _CUBE = np.float32(TANH_SCALE), np.float32(TANH_CUBE)
_THRICE = np.float32(3 * TANH_CUBE)
_RELU, _GELU, _GELU_TANH = 0, 1, 2
_KINDS = {"relu": _RELU, "gelu": _GELU, "gelu-tanh": _GELU_TANH}


@inline
def _cdf(v):
    """Φ(v) = ½ + v·P(v²)/Q(v²) for |v| up to _FAR."""
    u = v * v
    p = _P4 + u * _P5
    p = _P3 + u * p
    p = _P2 + u * p
    p = _P1 + u * p
    p = _P0 + u * p
    q = _Q4 + u * _Q5
    q = _Q3 + u * q
    q = _Q2 + u * q
    q = _Q1 + u * q
    q = _ONE + u * q
    return _HALF + v * p * reciprocal32(q)


@inline
def _within(v, bound):
    v = -bound if v < -bound else v
    return bound if v > bound else v


@jit
def _forward(x, bias, biased, kind, out):
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
                y[j] = _ZERO if v[j] < -_FAR else v[j] * _cdf(_within(v[j], _FAR))
        else:
            for j in range(H):
                t = tanh32(_SCALE * (v[j] + _CUBE * v[j] * v[j] * v[j]))
                y[j] = _HALF * v[j] * (_ONE + t)


@jit
def _backward(x, bias, biased, kind, dy, dx):
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
                w = _within(v[j], _FARTHEST)
                slope = _cdf(_within(v[j], _FAR)) + w * exp32_inside(-_HALF * w * w) * _DENSITY
                out[j] = d[j] * slope
        else:
            for j in range(H):
                square = v[j] * v[j]
                t = tanh32(_SCALE * (v[j] + _CUBE * v[j] * square))
                inner = _SCALE * (_ONE + _THRICE * square)
                out[j] = d[j] * (_HALF * (_ONE + t) + _HALF * v[j] * (_ONE - t * t) * inner)


@task(x=float32("N, H"), bias=float32("H").optional(), kind=int64, y=float32("N, H").written())
def _forward_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.N, chunk, chunks)
    _forward(a.x[first:last], a.bias, a.bias_given, a.kind, a.y[first:last])


@task(
    x=float32("N, H"),
    bias=float32("H").optional(),
    kind=int64,
    dy=float32("N, H"),
    dx=float32("N, H").written("dy"),
)
def _backward_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.N, chunk, chunks)
    _backward(a.x[first:last], a.bias, a.bias_given, a.kind, a.dy[first:last], a.dx[first:last])


def forward(x: Any, bias: Any | None, kind: str, out: Any) -> None:
    """See the reference."""
    chunks = chunks_for(x.size, _CHUNK)
    if not _forward_chunk.parallel_for(chunks, x=x, bias=bias, kind=_KINDS[kind], y=out):
        reference.forward(x, bias, kind, out)


def backward(x: Any, bias: Any | None, kind: str, dy: Any, dx: Any) -> None:
    """See the reference."""
    chunks = chunks_for(x.size, _CHUNK)
    if not _backward_chunk.parallel_for(chunks, x=x, bias=bias, kind=_KINDS[kind], dy=dy, dx=dx):
        reference.backward(x, bias, kind, dy, dx)
