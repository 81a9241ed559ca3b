"""A few passes over rows of scores while they lie in the cache, where NumPy makes seven over all of them.

In vectors, the last of a row with a mask: a loop would do the rest of a row one number at a time, which for a
row of 26 is most of it. Exponentials below 1e-38 are 0, and so are those of keys that do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.attention import reference
from seqkit.backend.kernels.compiler import merged, task
from seqkit.backend.kernels.fast_math import exp32_inside
from seqkit.backend.kernels.team import bounds, number, parts_for, plain, real, share
from seqkit.backend.kernels.vectors import (
    LANES,
    SIZE,
    everywhere,
    first_of,
    larger,
    largest,
    read,
    read_some,
    total,
    where_below,
    write,
    write_some,
)
from seqkit.backend.kernels.views import floats

_OF_PART = 1 << 14
"""Scores of a part at least: to hand it over takes 4 µs."""
_PAGE = 4096
"""Bytes."""
_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)
_LOWEST = np.finfo(np.float32).min
_UNDERFLOW = np.float32(-87.3)  # where exp32 ends; also what is hidden, at -inf


@merged
def _exponents(row, j, seen, S, scale, bias):  # type: ignore[no-untyped-def]
    """Of a row at an address, from column j on: scale · score + bias, and -inf where a key does not count."""
    exponents = read_some(row + SIZE * j, S - j) * scale
    if bias:
        exponents = exponents + read_some(bias + SIZE * j, S - j)
    return first_of(seen - j, exponents, -_INFINITE)


@merged
def _exponentials(exponents, top):  # type: ignore[no-untyped-def]
    x = exponents - top
    return where_below(x, _UNDERFLOW, _ZERO, exp32_inside(x))


@merged
def _seen(numbers, t):  # type: ignore[no-untyped-def]
    """How many keys are not hidden from query t."""
    S = number(numbers, 3)
    return min(S, t + number(numbers, 11) + 1) if number(numbers, 12) else S


@merged
def _bias(numbers, b, n, t):  # type: ignore[no-untyped-def]
    """The address of what is added to a row, in (B or 1, N or 1, T or 1, S), or 0."""
    B, N, T = number(numbers, 7), number(numbers, 8), number(numbers, 9)
    row = (min(b, B - 1) * N + min(n, N - 1)) * T + min(t, T - 1)
    return number(numbers, 6) + SIZE * row * number(numbers, 3) if number(numbers, 6) else 0


@merged
def _scaled(e, factor, row, S):  # type: ignore[no-untyped-def]
    """To a row of S numbers from one of whole vectors.

    The last vector ends with the row: one that reached beyond it, if only in lanes that are not written, would
    keep the next row from being read meanwhile (measured: 200 cycles a row of 26 for 60).
    """
    if S < LANES:
        write_some(read(e) * factor, row, S)
    else:
        for j in range(0, S - LANES + 1, LANES):
            write(read(e + SIZE * j) * factor, row + SIZE * j)
        write(read(e + SIZE * (S - LANES)) * factor, row + SIZE * (S - LANES))


@merged
def _own(room, stride, part):  # type: ignore[no-untyped-def]
    """The address of a part's memory for a row, from what :func:`_room` gave."""
    return -(-room // _PAGE) * _PAGE + part * stride


@task
def _softmax_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Of some heads, counted over all examples."""
    B, N, T, S = number(numbers, 0), number(numbers, 1), number(numbers, 2), number(numbers, 3)
    scores, scale = number(numbers, 4), np.float32(real(numbers, 5))
    wanted, rows = number(numbers, 13) != 0, floats(number(numbers, 13), 2, B * N * T)
    e = _own(number(numbers, 14), number(numbers, 15), part)
    begin, end = bounds(B * N, part, parts)
    for r in range(begin * T, end * T):
        head, t = r // T, r % T
        row, seen, bias = scores + SIZE * r * S, _seen(numbers, t), _bias(numbers, head // N, head % N, t)
        tops, sums = everywhere(-_INFINITE), everywhere(_ZERO)
        for j in range(0, S, LANES):
            exponents = _exponents(row, j, seen, S, scale, bias)
            write(exponents, e + SIZE * j)
            tops = larger(exponents, tops)
        top = largest(tops)
        top = _LOWEST if top == -_INFINITE else top
        for j in range(0, S, LANES):
            weights = _exponentials(read(e + SIZE * j), top)
            write(weights, e + SIZE * j)
            sums = sums + weights
        whole = total(sums)
        inverse = _ONE / (_ONE if whole == _ZERO else whole)
        _scaled(e, inverse, row, S)
        if wanted:
            rows[0, r], rows[1, r] = top, inverse


@task
def _weights_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    B, N, T, S = number(numbers, 0), number(numbers, 1), number(numbers, 2), number(numbers, 3)
    scores, scale = number(numbers, 4), np.float32(real(numbers, 5))
    rows = floats(number(numbers, 13), 2, B * N * T)
    e = _own(number(numbers, 14), number(numbers, 15), part)
    begin, end = bounds(B * N, part, parts)
    for r in range(begin * T, end * T):
        head, t = r // T, r % T
        row, seen, bias = scores + SIZE * r * S, _seen(numbers, t), _bias(numbers, head // N, head % N, t)
        for j in range(0, S, LANES):
            write(_exponentials(_exponents(row, j, seen, S, scale, bias), rows[0, r]), e + SIZE * j)
        _scaled(e, rows[1, r], row, S)


@task
def _gradient_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    R, S, scale = number(numbers, 0), number(numbers, 1), np.float32(real(numbers, 4))
    e = _own(number(numbers, 5), number(numbers, 6), part)
    begin, end = bounds(R, part, parts)
    for r in range(begin, end):
        weights, gradient = number(numbers, 2) + SIZE * r * S, number(numbers, 3) + SIZE * r * S
        sums = everywhere(_ZERO)
        for j in range(0, S, LANES):
            sums = sums + read_some(weights + SIZE * j, S - j) * read_some(gradient + SIZE * j, S - j)
        mean = total(sums)
        for j in range(0, S, LANES):
            centred = read_some(gradient + SIZE * j, S - j) - mean
            write(read_some(weights + SIZE * j, S - j) * centred, e + SIZE * j)
        _scaled(e, scale, gradient, S)


def _room(parts: int, S: int) -> tuple[Any, int]:
    """Memory for whole vectors of S numbers, and the bytes from one part's to the next.

    Each has pages of its own: in a common one the prefetching of one core takes lines from the other
    (measured: two threads as slow as one).
    """
    pages = -(-SIZE * (S + LANES) // _PAGE)
    return empty(np, (1 + parts * pages, _PAGE // SIZE), np.float32), pages * _PAGE


def _run(
    task: Any, scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any | None
) -> None:
    """A task of all scores (B, N, T, S), in parts of whole heads."""
    shape = (1, 1, 1, 1) if bias is None else bias.shape
    causal = offset is not None
    parts = parts_for(scores.size, _OF_PART)
    settings = float(scale), bias, *shape, offset or 0, int(causal), rows
    share(task, parts, *scores.shape, scores, *settings, *_room(parts, scores.shape[3]))


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
    return share(_gradient_part, parts, weights.size // max(1, S), S, weights, gradient, float(scale), *_room(parts, S))
