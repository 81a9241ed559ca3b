"""Dropout in one pass over the array; the mask never exists in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit, task
from seqkit.backend.kernels.dropout import reference
from seqkit.backend.kernels.philox.block import LANES, philox_lanes
from seqkit.backend.kernels.team import bounds, number, parts_for, plain, real, share
from seqkit.backend.kernels.views import vector

_STEP = 4 * LANES
_OF_PART = 1 << 14
"""Numbers of a part at least: to hand it over takes 4 µs."""


@jit
def _masked_scale(x, out, place, stream, low, high, seed0, seed1, limit, scale):  # type: ignore[no-untyped-def]
    """``place`` is the counter of the first block of four words."""
    zero, step = np.float32(0), _STEP
    a, b, c, d = (
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
    )
    whole = x.shape[0] - x.shape[0] % step
    for start in range(0, whole, step):
        philox_lanes(np.uint32(place + start // 4), stream, low, high, seed0, seed1, a, b, c, d)
        source, target = x[start : start + step], out[start : start + step]
        for i in range(LANES):
            target[4 * i] = source[4 * i] * (scale if a[i] <= limit else zero)
            target[4 * i + 1] = source[4 * i + 1] * (scale if b[i] <= limit else zero)
            target[4 * i + 2] = source[4 * i + 2] * (scale if c[i] <= limit else zero)
            target[4 * i + 3] = source[4 * i + 3] * (scale if d[i] <= limit else zero)
    philox_lanes(np.uint32(place + whole // 4), stream, low, high, seed0, seed1, a, b, c, d)
    for i in range(x.shape[0] - whole):
        block, turn = i // 4, i % 4
        early = a[block] if turn == 0 else b[block]
        word = early if turn < 2 else (c[block] if turn == 2 else d[block])
        out[whole + i] = x[whole + i] * (scale if word <= limit else zero)


@task
def _part(numbers, part, parts):  # type: ignore[no-untyped-def]
    size = number(numbers, 0)
    first, last = bounds(-(-size // _STEP), part, parts)
    start, end = first * _STEP, min(size, last * _STEP)
    _masked_scale(
        vector(number(numbers, 1) + 4 * start, end - start),
        vector(number(numbers, 2) + 4 * start, end - start),
        start // 4,
        np.uint32(number(numbers, 3)),
        np.uint32(number(numbers, 4)),
        np.uint32(number(numbers, 5)),
        np.uint32(number(numbers, 6)),
        np.uint32(number(numbers, 7)),
        np.uint32(number(numbers, 8)),
        np.float32(real(numbers, 9)),
    )


def masked_scale(x: Any, key: tuple[int, int, int, int, int], threshold: int, scale: float, out: Any) -> None:
    """See the reference."""
    if threshold == 0:
        out[...] = 0
        return None
    x = np.ascontiguousarray(x)
    if not plain(x, out):
        return reference.masked_scale(x, key, threshold, scale, out)
    seed0, seed1, stream, low, high = (int(part) for part in key)
    words = stream, low, high, seed0, seed1, threshold - 1
    return share(_part, parts_for(x.size, _OF_PART), x.size, x, out, *words, float(scale))
