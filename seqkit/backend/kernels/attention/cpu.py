"""A few passes over rows of scores while they lie in the cache, where NumPy makes seven over all of them.

Rows are worked on in a buffer whose rows are a multiple of 32 long: a rest below that would run without
vector instructions, which for a row of 26 is all of it. Exponentials below 1e-38 are 0, and so are those of
keys that do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.attention import reference
from seqkit.backend.kernels.compiler import jit, merged, task, wide_vectors
from seqkit.backend.kernels.fast_math import exp32, row_max32
from seqkit.backend.kernels.team import bounds, number, parts_for, plain, real, share
from seqkit.backend.kernels.views import blocks, floats

_OF_PART = 1 << 14
"""Scores of a part at least: to hand it over takes 4 µs."""
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
def _softmax(scores, first, last, N, T, scale, bias, biased, offset, causal, rows, wanted):  # type: ignore[no-untyped-def]
    """Of the heads ``first`` to ``last``, counted over all examples."""
    wide_vectors()
    S = scores.shape[1]
    e = np.empty(-(-S // _WIDTH) * _WIDTH, np.float32)
    r = first * T
    for head in range(first, last):
        b, n = head // N, head % N
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
def _weights_again(scores, first, last, N, T, scale, bias, biased, offset, causal, rows):  # type: ignore[no-untyped-def]
    wide_vectors()
    S = scores.shape[1]
    e = np.empty(-(-S // _WIDTH) * _WIDTH, np.float32)
    r = first * T
    for head in range(first, last):
        b, n = head // N, head % N
        for t in range(T):
            _load(scores, r, e, scale, bias, biased, b, n, t, min(S, t + offset + 1) if causal else S)
            _exponentials(e, rows[0, r])
            share = rows[1, r]
            for j in range(S):
                scores[r, j] = e[j] * share
            r += 1


@jit
def _score_gradient(weights, gradient, scale):  # type: ignore[no-untyped-def]
    wide_vectors()
    R, S = weights.shape
    for r in range(R):
        mean = _ZERO
        for j in range(S):
            mean += weights[r, j] * gradient[r, j]
        for j in range(S):
            gradient[r, j] = scale * weights[r, j] * (gradient[r, j] - mean)


@task
def _softmax_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    B, N, T, S = number(numbers, 0), number(numbers, 1), number(numbers, 2), number(numbers, 3)
    first, last = bounds(B * N, part, parts)
    scores, bias, rows = number(numbers, 4), number(numbers, 6), number(numbers, 13)
    _softmax(
        floats(scores, B * N * T, S),
        first,
        last,
        N,
        T,
        np.float32(real(numbers, 5)),
        blocks(bias if bias else scores, number(numbers, 7), number(numbers, 8), number(numbers, 9), S),
        bias != 0,
        number(numbers, 11),
        number(numbers, 12) != 0,
        floats(rows if rows else scores, 2, B * N * T),
        rows != 0,
    )


@task
def _weights_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    B, N, T, S = number(numbers, 0), number(numbers, 1), number(numbers, 2), number(numbers, 3)
    first, last = bounds(B * N, part, parts)
    scores, bias = number(numbers, 4), number(numbers, 6)
    _weights_again(
        floats(scores, B * N * T, S),
        first,
        last,
        N,
        T,
        np.float32(real(numbers, 5)),
        blocks(bias if bias else scores, number(numbers, 7), number(numbers, 8), number(numbers, 9), S),
        bias != 0,
        number(numbers, 11),
        number(numbers, 12) != 0,
        floats(number(numbers, 13), 2, B * N * T),
    )


@task
def _gradient_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    R, S = number(numbers, 0), number(numbers, 1)
    first, last = bounds(R, part, parts)
    skipped = 4 * first * S
    weights, gradient = number(numbers, 2) + skipped, number(numbers, 3) + skipped
    _score_gradient(
        floats(weights, last - first, S), floats(gradient, last - first, S), np.float32(real(numbers, 4))
    )


def _run(
    task: Any, scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any | None
) -> None:
    """A task of all scores (B, N, T, S), in parts of whole heads."""
    shape = (1, 1, 1, 1) if bias is None else bias.shape
    causal = offset is not None
    settings = float(scale), bias, *shape, offset or 0, int(causal), rows
    share(task, parts_for(scores.size, _OF_PART), *scores.shape, scores, *settings)


def softmax(scores: Any, scale: float, bias: Any | None, offset: int | None, wanted: bool = True) -> Any:
    """See the reference."""
    if not plain(scores, bias):
        return reference.softmax(scores, scale, bias, offset, wanted)
    rows = empty(np, (2, *scores.shape[:-1]), np.float32) if wanted else None
    _run(_softmax_part, scores, scale, bias, offset, rows)
    return rows


def weights_again(scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any) -> None:
    """See the reference."""
    if not plain(scores, bias, rows):
        return reference.weights_again(scores, scale, bias, offset, rows)
    return _run(_weights_part, scores, scale, bias, offset, rows)


def score_gradient(weights: Any, gradient: Any, scale: float) -> None:
    """See the reference."""
    if not plain(weights, gradient):
        return reference.score_gradient(weights, gradient, scale)
    S = weights.shape[-1]
    parts = parts_for(weights.size, _OF_PART)
    return share(_gradient_part, parts, weights.size // max(1, S), S, weights, gradient, float(scale))
