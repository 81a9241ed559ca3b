"""Pairs turned row by row, where array code makes six passes (measured, 12×4×64×32: 0.09 ms against 0.28)."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit, task
from seqkit.backend.kernels.rotary import reference
from seqkit.backend.kernels.team import bounds, number, parts_for, plain, share
from seqkit.backend.kernels.views import vector

_OF_PART = 1 << 14
"""Numbers of a part at least: to hand it over takes 4 µs."""


@jit
def _turn(x, cos, sin, interleaved, out):  # type: ignore[no-untyped-def]
    half = cos.shape[0]
    if interleaved:
        for i in range(half):
            out[2 * i] = x[2 * i] * cos[i] - x[2 * i + 1] * sin[i]
            out[2 * i + 1] = x[2 * i] * sin[i] + x[2 * i + 1] * cos[i]
        return
    a, b, first, second = x[:half], x[half:], out[:half], out[half:]
    for i in range(half):
        first[i] = a[i] * cos[i] - b[i] * sin[i]
    for i in range(half):
        second[i] = a[i] * sin[i] + b[i] * cos[i]


@task
def _part(numbers, part, parts):  # type: ignore[no-untyped-def]
    N, T, D = number(numbers, 1), number(numbers, 2), number(numbers, 3)
    first, last = bounds(number(numbers, 0) * T, part, parts)
    for place in range(first, last):
        b, t = place // T, place % T
        x = number(numbers, 4) + b * number(numbers, 5) + t * number(numbers, 7)
        out = number(numbers, 8) + b * number(numbers, 9) + t * number(numbers, 11)
        cos, sin = number(numbers, 12) + 2 * D * t, number(numbers, 13) + 2 * D * t
        for n in range(N):
            _turn(
                vector(x + n * number(numbers, 6), D),
                vector(cos, D // 2),
                vector(sin, D // 2),
                number(numbers, 14) != 0,
                vector(out + n * number(numbers, 10), D),
            )


def turn(x: Any, cos: Any, sin: Any, interleaved: bool, out: Any) -> None:
    """See the reference."""
    each = cos.ndim == 2 and plain(cos, sin) and 3 <= x.ndim <= 4
    if not each or x.dtype != np.float32 or not x.strides[-1] == out.strides[-1] == 4:
        return reference.turn(x, cos, sin, interleaved, out)
    if x.ndim == 3:
        x, out = x[None], out[None]
    places = (*x.shape, x, *x.strides[:3], out, *out.strides[:3])
    return share(_part, parts_for(x.size, _OF_PART), *places, cos, sin, int(interleaved))
