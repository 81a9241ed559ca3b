"""A few passes over rows of scores while they lie in the cache, where NumPy makes seven over all of them.

Rows are worked on in a buffer whose rows are a multiple of 32 long: a rest below that would run without
vector instructions, which for a row of 26 is all of it. Exponentials below 1e-38 are 0, and so are those of
keys that do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit, merged
from seqkit.backend.kernels.fast_math import exp32, row_max32

_NOTHING = np.zeros((1, 1, 1, 1), np.float32)
_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)
_LOWEST = np.finfo(np.float32).min
_UNDERFLOW = np.float32(-87.3)  # where exp32 ends; also what is hidden, at -inf
_WIDTH = 32


@merged
def _load(scores, r, e, scale, bias, biased, b, n, t, seen):  # type: ignore[no-untyped-def]
    """e = scale · scores[r], and -inf where a key does not count and behind the row's end."""
    for j in range(seen):
        e[j] = scores[r, j] * scale
    for j in range(seen, e.shape[0]):
        e[j] = -_INFINITE
    if biased:
        b, n, t = min(b, bias.shape[0] - 1), min(n, bias.shape[1] - 1), min(t, bias.shape[2] - 1)
        for j in range(scores.shape[1]):
            e[j] = e[j] + bias[b, n, t, j]


@merged
def _exponentials(e, top):  # type: ignore[no-untyped-def]
    for j in range(e.shape[0]):
        x = e[j] - top
        e[j] = _ZERO if x < _UNDERFLOW else exp32(x)


@jit
def _softmax(scores, shape, scale, bias, biased, offset, causal, rows, wanted):  # type: ignore[no-untyped-def]
    B, N, T = shape
    S = scores.shape[1]
    e = np.empty(-(-S // _WIDTH) * _WIDTH, np.float32)
    r = 0
    for b in range(B):
        for n in range(N):
            for t in range(T):
                _load(scores, r, e, scale, bias, biased, b, n, t, min(S, t + offset + 1) if causal else S)
                top = row_max32(e)
                top = _LOWEST if top == -_INFINITE else top
                _exponentials(e, top)
                total = _ZERO
                for j in range(e.shape[0]):  # apart: see the rule for sums in compiler.py
                    total += e[j]
                share = _ONE / (_ONE if total == _ZERO else total)
                for j in range(S):
                    scores[r, j] = e[j] * share
                if wanted:
                    rows[0, r], rows[1, r] = top, share
                r += 1


@jit
def _weights_again(scores, shape, scale, bias, biased, offset, causal, rows):  # type: ignore[no-untyped-def]
    B, N, T = shape
    S = scores.shape[1]
    e = np.empty(-(-S // _WIDTH) * _WIDTH, np.float32)
    r = 0
    for b in range(B):
        for n in range(N):
            for t in range(T):
                _load(scores, r, e, scale, bias, biased, b, n, t, min(S, t + offset + 1) if causal else S)
                _exponentials(e, rows[0, r])
                share = rows[1, r]
                for j in range(S):
                    scores[r, j] = e[j] * share
                r += 1


@jit
def _score_gradient(weights, gradient, scale):  # type: ignore[no-untyped-def]
    R, S = weights.shape
    for r in range(R):
        mean = _ZERO
        for j in range(S):
            mean += weights[r, j] * gradient[r, j]
        for j in range(S):
            gradient[r, j] = scale * weights[r, j] * (gradient[r, j] - mean)


def softmax(scores: Any, scale: float, bias: Any | None, offset: int | None, wanted: bool = True) -> Any:
    """See the reference."""
    S, shape = scores.shape[-1], scores.shape[:-1]
    rows = empty(np, (2, *shape) if wanted else (2, 1), np.float32)
    has, causal = bias is not None, offset is not None
    bias, scores, flat = bias if has else _NOTHING, scores.reshape(-1, S), rows.reshape(2, -1)
    _softmax(scores, shape, np.float32(scale), bias, has, offset or 0, causal, flat, wanted)
    return rows if wanted else None


def weights_again(scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any) -> None:
    """See the reference."""
    S, shape = scores.shape[-1], scores.shape[:-1]
    has, causal = bias is not None, offset is not None
    bias, scores, flat = bias if has else _NOTHING, scores.reshape(-1, S), rows.reshape(2, -1)
    _weights_again(scores, shape, np.float32(scale), bias, has, offset or 0, causal, flat)


def score_gradient(weights: Any, gradient: Any, scale: float) -> None:
    """See the reference."""
    S = weights.shape[-1]
    _score_gradient(weights.reshape(-1, S), gradient.reshape(-1, S), np.float32(scale))
