"""Rows of attention scores, at their addresses: softmax and its gradient, for kernels that have all of a row.

In vectors, the last of a row with a mask: a loop would do the rest of a row one number at a time, which for a
row of 26 is most of it. Exponentials below 1e-38 are 0, and so are those of keys that do not count.
"""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.compiler import merged
from seqkit.backend.kernels.fast_math import exp32_inside
from seqkit.backend.kernels.processor import LANES
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

_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)
_LOWEST = np.finfo(np.float32).min
_UNDERFLOW = np.float32(-87.3)  # where exp32 ends; also what is hidden, at -inf


@merged
def padded(S):
    """Numbers of a row of whole vectors."""
    return -(-S // LANES) * LANES


@merged
def numbers_from(row, j, S):
    """Of a row of S at an address, from column j on, and zeros."""
    return read(row + SIZE * j) if S - j >= LANES else read_some(row + SIZE * j, S - j)


@merged
def exponents_from(row, j, seen, S, scale, bias):
    """Of a row at an address, from column j on: scale · score + bias, and -inf where a key does not count."""
    exponents = numbers_from(row, j, S) * scale
    if bias:
        exponents = exponents + numbers_from(bias, j, S)
    return first_of(seen - j, exponents, -_INFINITE)


@merged
def powers_of(exponents, top):
    """e to the exponents less their top; 0 where that is nothing."""
    x = exponents - top
    return where_below(x, _UNDERFLOW, _ZERO, exp32_inside(x))


@merged
def write_scaled(e, factor, row, S):
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
def softmax_row(row, seen, S, scale, bias, e, out):
    """The softmax of one row, to ``out``; its top and 1 / Σ."""
    tops, sums = everywhere(-_INFINITE), everywhere(_ZERO)
    for j in range(0, S, LANES):
        exponents = exponents_from(row, j, seen, S, scale, bias)
        write(exponents, e + SIZE * j)
        tops = larger(exponents, tops)
    top = largest(tops)
    top = _LOWEST if top == -_INFINITE else top
    for j in range(0, S, LANES):
        weights = powers_of(read(e + SIZE * j), top)
        write(weights, e + SIZE * j)
        sums = sums + weights
    whole = total(sums)
    inverse = _ONE / (_ONE if whole == _ZERO else whole)
    write_scaled(e, inverse, out, S)
    return top, inverse


@merged
def gradient_row(weights, gradient, S, scale, e):
    """The gradient of a row's scores, in the place of that of its weights; ``e`` is memory for a row."""
    sums = everywhere(_ZERO)
    for j in range(0, S, LANES):
        sums = sums + numbers_from(weights, j, S) * numbers_from(gradient, j, S)
    mean = total(sums)
    for j in range(0, S, LANES):
        centred = numbers_from(gradient, j, S) - mean
        write(numbers_from(weights, j, S) * centred, e + SIZE * j)
    write_scaled(e, scale, gradient, S)
