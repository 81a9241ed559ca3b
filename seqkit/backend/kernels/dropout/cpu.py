"""Dropout in one pass over the array; the mask never exists in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.dropout import reference
from seqkit.backend.kernels.philox.block import LANES, philox_lanes
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32, int64, uint32
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_STEP = 4 * LANES
_CHUNK = 1 << 14
"""Numbers of a chunk at least: handing it over takes 4 µs."""


@jit
def _masked_scale(x, out, first, stream, low, high, seed0, seed1, limit, scale):
    """The word of x[0] is number ``first``, which need not begin a block of four."""
    zero, step = np.float32(0), _STEP
    a, b, c, d = (
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
    )
    place, skipped = first // 4, first % 4
    for start in range(-skipped, x.shape[0], step):
        block = place + (start + skipped) // 4
        philox_lanes(np.uint32(block), stream, low, high, seed0, seed1, a, b, c, d)
        if start >= 0 and start + step <= x.shape[0]:
            source, target = x[start : start + step], out[start : start + step]
            for i in range(LANES):
                target[4 * i] = source[4 * i] * (scale if a[i] <= limit else zero)
                target[4 * i + 1] = source[4 * i + 1] * (scale if b[i] <= limit else zero)
                target[4 * i + 2] = source[4 * i + 2] * (scale if c[i] <= limit else zero)
                target[4 * i + 3] = source[4 * i + 3] * (scale if d[i] <= limit else zero)
            continue
        for k in range(max(0, -start), min(step, x.shape[0] - start)):
            lane, turn = k // 4, k % 4
            early = a[lane] if turn == 0 else b[lane]
            word = early if turn < 2 else (c[lane] if turn == 2 else d[lane])
            out[start + k] = x[start + k] * (scale if word <= limit else zero)


@task(
    x=float32("size").flat(),
    out=float32("size").flat().written("x"),
    first=int64,
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
    _masked_scale(x, out, a.first + start, a.stream, a.low, a.high, a.seed0, a.seed1, a.limit, a.scale)


def masked_scale(
    x: Any, key: tuple[int, int, int, int, int], threshold: int, scale: float, out: Any, first: int = 0
) -> None:
    """See the reference."""
    if threshold == 0:
        out[...] = 0
        return
    seed0, seed1, stream, low, high = key
    if not _masked_scale_chunk.parallel_for(
        chunks_for(x.size, _CHUNK),
        x=x,
        out=out,
        first=first,
        stream=stream,
        low=low,
        high=high,
        seed0=seed0,
        seed1=seed1,
        limit=threshold - 1,
        scale=scale,
    ):
        reference.masked_scale(x, key, threshold, scale, out, first)
