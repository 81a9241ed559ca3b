"""A few passes over rows of scores while they lie in the cache, where NumPy makes seven over all of them.

In vectors, the last of a row with a mask: a loop would do the rest of a row one number at a time, which for a
row of 26 is most of it. Exponentials below 1e-38 are 0, and so are those of keys that do not count.

Attention without a way back is one pass a head (measured, 32 × 26 tokens and 12 heads of 32, one thread:
0.69 ms where products, softmax and products take 0.79).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.attention import reference
from seqkit.backend.kernels.attention.reference import IN_CACHE
from seqkit.backend.kernels.compiler import merged, task
from seqkit.backend.kernels.fast_math import exp32_inside
from seqkit.backend.kernels.matrix_product.cpu import (
    OF_PART,
    SCRATCH,
    multiply,
    place,
    places,
    products_of_heads,
    scratch_of,
    strides,
)
from seqkit.backend.kernels.processor import FITS, LANES
from seqkit.backend.kernels.simd import (
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
from seqkit.backend.kernels.team import bounds, number, own_pages, parts_for, plain, real, share
from seqkit.backend.kernels.views import floats, integers

_SCORES_OF_PART = 1 << 14
"""At least: to hand a part over takes 4 µs."""
_Q, _K, _V, _OUT = 18, 23, 28, 33
"""Where a task finds the places of queries, keys, values and contexts."""
_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)
_LOWEST = np.finfo(np.float32).min
_UNDERFLOW = np.float32(-87.3)  # where exp32 ends; also what is hidden, at -inf


@merged
def _whole(S):  # type: ignore[no-untyped-def]
    """Numbers of a row of whole vectors."""
    return -(-S // LANES) * LANES


@merged
def _numbers_from(row, j, S):  # type: ignore[no-untyped-def]
    """Of a row of S at an address, from column j on, and zeros."""
    return read(row + SIZE * j) if S - j >= LANES else read_some(row + SIZE * j, S - j)


@merged
def _exponents(row, j, seen, S, scale, bias):  # type: ignore[no-untyped-def]
    """Of a row at an address, from column j on: scale · score + bias, and -inf where a key does not count."""
    exponents = _numbers_from(row, j, S) * scale
    if bias:
        exponents = exponents + _numbers_from(bias, j, S)
    return first_of(seen - j, exponents, -_INFINITE)


@merged
def _powers(exponents, top):  # type: ignore[no-untyped-def]
    """e to the exponents less their top; 0 where that is nothing."""
    x = exponents - top
    return where_below(x, _UNDERFLOW, _ZERO, exp32_inside(x))


@merged
def _seen(numbers, t, S):  # type: ignore[no-untyped-def]
    """How many of S keys are not hidden from query t."""
    return min(S, t + number(numbers, 11) + 1) if number(numbers, 12) else S


@merged
def _bias(numbers, b, n, t):  # type: ignore[no-untyped-def]
    """The address of what is added to a row, in (B or 1, N or 1, T or 1, S), or 0."""
    B, N, T = number(numbers, 7), number(numbers, 8), number(numbers, 9)
    row = (min(b, B - 1) * N + min(n, N - 1)) * T + min(t, T - 1)
    return number(numbers, 6) + SIZE * row * number(numbers, 3) if number(numbers, 6) else 0


@merged
def _write_scaled(e, factor, row, S):  # type: ignore[no-untyped-def]
    """To a row of S numbers from one of whole vectors.

    The last vector ends with the row: one that reached beyond it, if only in lanes that are not written,
    would keep the next row from being read meanwhile (measured: 1.2 ns a number of rows of 26, 0.6 so).
    """
    if S < LANES:
        write_some(read(e) * factor, row, S)
    else:
        for j in range(0, S - LANES + 1, LANES):
            write(read(e + SIZE * j) * factor, row + SIZE * j)
        write(read(e + SIZE * (S - LANES)) * factor, row + SIZE * (S - LANES))


@merged
def _softmax_row(row, seen, S, scale, bias, e, out):  # type: ignore[no-untyped-def]
    """The softmax of one row, to ``out``; its top and 1 / Σ."""
    tops, sums = everywhere(-_INFINITE), everywhere(_ZERO)
    for j in range(0, S, LANES):
        exponents = _exponents(row, j, seen, S, scale, bias)
        write(exponents, e + SIZE * j)
        tops = larger(exponents, tops)
    top = largest(tops)
    top = _LOWEST if top == -_INFINITE else top
    for j in range(0, S, LANES):
        weights = _powers(read(e + SIZE * j), top)
        write(weights, e + SIZE * j)
        sums = sums + weights
    whole = total(sums)
    inverse = _ONE / (_ONE if whole == _ZERO else whole)
    _write_scaled(e, inverse, out, S)
    return top, inverse


@task
def _softmax_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Of some heads, counted over all examples."""
    B, N, T, S = number(numbers, 0), number(numbers, 1), number(numbers, 2), number(numbers, 3)
    scores, scale = number(numbers, 4), np.float32(real(numbers, 5))
    wanted, rows = number(numbers, 13) != 0, floats(number(numbers, 13), 2, B * N * T)
    e = number(numbers, 14) + part * number(numbers, 15)
    begin, end = bounds(B * N, part, parts)
    for r in range(begin * T, end * T):
        head, t = r // T, r % T
        row, seen, bias = scores + SIZE * r * S, _seen(numbers, t, S), _bias(numbers, head // N, head % N, t)
        top, inverse = _softmax_row(row, seen, S, scale, bias, e, row)
        if wanted:
            rows[0, r], rows[1, r] = top, inverse


@merged
def _attend_head(numbers, b, n, first_query, T, first_key, S, e, scratch):  # type: ignore[no-untyped-def]
    """The contexts of one head of one sequence, whose scores never leave the cache: whole vectors a row."""
    scale, D, E = np.float32(real(numbers, 5)), number(numbers, 16), number(numbers, 17)
    (row, step), (k_row, k_step) = strides(numbers, _Q), strides(numbers, _K)
    (v_row, v_step), (out_row, _) = strides(numbers, _V), strides(numbers, _OUT)
    q, k = place(numbers, _Q, b, n, first_query), place(numbers, _K, b, n, first_key)
    v, out = place(numbers, _V, b, n, first_key), place(numbers, _OUT, b, n, first_query)
    width = _whole(S)
    scores = e + SIZE * width
    multiply(q, row, step, T, D, k, k_step, k_row, S, 0, scores, width, scratch)
    for t in range(T):
        line = scores + SIZE * t * width
        _softmax_row(line, _seen(numbers, t + S - T, S), S, scale, _bias(numbers, b, n, t), e, line)
    multiply(scores, width, 1, T, S, v, v_row, v_step, E, 0, out, out_row, scratch)


@task
def _attend_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Some heads of the sequences in a table, as many that each part has as many scores."""
    N, count = number(numbers, 1), number(numbers, 0)
    table = integers(number(numbers, 4), 5 * count)
    e = number(numbers, 14) + part * number(numbers, 15)
    scratch = number(numbers, 38) + SIZE * part * SCRATCH
    scores, done = 0, 0
    for i in range(count):
        scores += N * table[5 * i + 2] * table[5 * i + 4]
    begin, end = bounds(scores, part, parts)
    for i in range(count):
        T, S = table[5 * i + 2], table[5 * i + 4]
        for n in range(N):
            if begin <= done < end:
                _attend_head(numbers, table[5 * i], n, table[5 * i + 1], T, table[5 * i + 3], S, e, scratch)
            done += T * S


@task
def _weights_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    B, N, T, S = number(numbers, 0), number(numbers, 1), number(numbers, 2), number(numbers, 3)
    scores, scale = number(numbers, 4), np.float32(real(numbers, 5))
    rows = floats(number(numbers, 13), 2, B * N * T)
    e = number(numbers, 14) + part * number(numbers, 15)
    begin, end = bounds(B * N, part, parts)
    for r in range(begin * T, end * T):
        head, t = r // T, r % T
        row, seen, bias = scores + SIZE * r * S, _seen(numbers, t, S), _bias(numbers, head // N, head % N, t)
        for j in range(0, S, LANES):
            write(_powers(_exponents(row, j, seen, S, scale, bias), rows[0, r]), e + SIZE * j)
        _write_scaled(e, rows[1, r], row, S)


@task
def _gradient_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    R, S, scale = number(numbers, 0), number(numbers, 1), np.float32(real(numbers, 4))
    e = number(numbers, 5) + part * number(numbers, 6)
    begin, end = bounds(R, part, parts)
    for r in range(begin, end):
        weights, gradient = number(numbers, 2) + SIZE * r * S, number(numbers, 3) + SIZE * r * S
        sums = everywhere(_ZERO)
        for j in range(0, S, LANES):
            sums = sums + _numbers_from(weights, j, S) * _numbers_from(gradient, j, S)
        mean = total(sums)
        for j in range(0, S, LANES):
            centred = _numbers_from(gradient, j, S) - mean
            write(_numbers_from(weights, j, S) * centred, e + SIZE * j)
        _write_scaled(e, scale, gradient, S)


def _scoring(scale: float, bias: Any | None, offset: int | None, rows: Any | None) -> tuple[Any, ...]:
    """What a task of scores reads from index 5 on."""
    shape = (1, 1, 1, 1) if bias is None else bias.shape
    return float(scale), bias, *shape, offset or 0, int(offset is not None), rows


def _run(
    task: Any, scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any | None
) -> None:
    """A task of all scores (B, N, T, S), in parts of whole heads."""
    parts, settings = parts_for(scores.size, _SCORES_OF_PART), _scoring(scale, bias, offset, rows)
    room = own_pages(parts, scores.shape[3] + LANES)
    share(task, parts, *scores.shape, scores, *settings, room, room.strides[0])


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
    R, parts = weights.size // max(1, S), parts_for(weights.size, _SCORES_OF_PART)
    room = own_pages(parts, S + LANES)
    return share(_gradient_part, parts, R, S, weights, gradient, float(scale), room, room.strides[0])


def _share_attention(
    arrays: tuple[Any, ...], table: np.ndarray, scale: float, bias: Any | None, shift: int | None
) -> bool:
    """Contexts of the sequences in a table; False if compiled code cannot read the arrays or scores are many.

    A row of the table is example, first query, T, first key, S. Query t of T sees the keys up to t + S - T +
    ``shift``, or all. Rows of a bias are as long as the first sequence has keys: with one, all have as many.
    """
    if not len(table):
        return True
    q, _, v, out = arrays
    T, S, N, D, E = table[:, 2], table[:, 4], q.shape[1], q.shape[3], v.shape[3]
    given = places(*arrays) if FITS and plain(bias) else None
    if given is None or out.strides[3] != SIZE or (T * S).max() > IN_CACHE:
        return False
    parts = parts_for(N * int((T * S).sum()) * (D + E), OF_PART)
    room = own_pages(parts, int(((T + 1) * (S + LANES)).max()))
    settings = table, *_scoring(scale, bias, shift, None), room, room.strides[0]
    share(_attend_part, parts, len(table), N, 0, int(S[0]), *settings, D, E, *given, scratch_of(parts))
    return True


def attend(q: Any, k: Any, v: Any, scale: float, bias: Any | None, offset: int | None, out: Any) -> None:
    """See the reference."""
    B, T, S = q.shape[0], q.shape[2], k.shape[2]
    table = np.zeros((B, 5), np.int64)
    table[:, 0], table[:, 2], table[:, 4] = np.arange(B), T, S
    shift = None if offset is None else offset - (S - T)
    if not _share_attention((q, k, v, out), table, scale, bias, shift):
        scores = empty(np, (*q.shape[:3], S), q.dtype)
        products_of_heads(q, k.swapaxes(-1, -2), scores)
        softmax(scores, scale, bias, offset, False)
        products_of_heads(scores, v, out)


def attend_packed(
    q: Any,
    k: Any,
    v: Any,
    lengths: Sequence[int],
    key_lengths: Sequence[int],
    scale: float,
    causal: bool,
    out: Any,
) -> None:
    """See the reference."""
    table = np.zeros((len(lengths), 5), np.int64)
    table[:, 2], table[:, 4] = lengths, key_lengths
    table[1:, 1], table[1:, 3] = np.cumsum(lengths[:-1]), np.cumsum(key_lengths[:-1])
    arrays = tuple(x[None] for x in (q, k, v, out))
    if not _share_attention(arrays, table, scale, None, 0 if causal else None):
        reference.attend_packed(q, k, v, lengths, key_lengths, scale, causal, out, attend)
