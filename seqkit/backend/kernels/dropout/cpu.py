"""Dropout in one pass over the array; the mask never exists in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.dropout import reference
from seqkit.backend.kernels.philox.block import LANES, philox_lanes
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32, uint32
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_STEP = 4 * LANES
_CHUNK = 1 << 14
"""Numbers of a chunk at least: handing it over takes 4 µs."""


@jit
def _masked_scale(x, out, place, stream, low, high, seed0, seed1, limit, scale):
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


@task(
    x=float32("size").flat(),
    out=float32("size").flat().written("x"),
    stream=uint32,
    low=uint32,
    high=uint32,
    seed0=uint32,
    seed1=uint32,
    limit=uint32,
    scale=float32,
)
def _masked_scale_chunk(a, chunk, chunks):
    first, last = chunk_bounds(-(-a.size // _STEP), chunk, chunks)
    start, end = first * _STEP, min(a.size, last * _STEP)
    x, out = a.x[start:end], a.out[start:end]
    _masked_scale(x, out, start // 4, a.stream, a.low, a.high, a.seed0, a.seed1, a.limit, a.scale)


def masked_scale(x: Any, key: tuple[int, int, int, int, int], threshold: int, scale: float, out: Any) -> None:
    """See the reference."""
    if threshold == 0:
        out[...] = 0
        return
    seed0, seed1, stream, low, high = key
    if not _masked_scale_chunk.parallel_for(
        chunks_for(x.size, _CHUNK),
        x=x,
        out=out,
        stream=stream,
        low=low,
        high=high,
        seed0=seed0,
        seed1=seed1,
        limit=threshold - 1,
        scale=scale,
    ):
        reference.masked_scale(x, key, threshold, scale, out)
