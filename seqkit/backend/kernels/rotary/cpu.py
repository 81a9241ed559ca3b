"""Pairs turned row by row, where array code makes six passes (measured, 12×4×64×32: 0.09 ms against 0.28)."""

from __future__ import annotations

from typing import Any

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import contiguous
from seqkit.backend.kernels.rotary import reference
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import boolean, float32
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_CHUNK = 1 << 14
"""Numbers of a chunk at least: handing it over takes 4 µs."""


@jit
def _turn(x, cos, sin, interleaved, out):
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


@task(
    cos=float32("T, half"),
    sin=float32("T, half"),
    x=float32("B, N, T, 2*half").strided(),
    interleaved=boolean,
    out=float32("B, N, T, 2*half").strided().written(),
)
def _turn_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.B * a.T, chunk, chunks)
    for place in range(first, last):
        b, t = place // a.T, place % a.T
        cos, sin = a.cos[t], a.sin[t]
        for n in range(a.N):
            _turn(contiguous(a.x[b, n, t]), cos, sin, a.interleaved, contiguous(a.out[b, n, t]))


def turn(x: Any, cos: Any, sin: Any, interleaved: bool, out: Any) -> None:
    """See the reference."""
    rows = 3 <= x.ndim <= 4 and x.strides[-1] == out.strides[-1] == 4
    y, made = (x[None], out[None]) if x.ndim == 3 else (x, out)
    chunks = chunks_for(x.size, _CHUNK)
    if not (
        rows
        and cos.ndim == 2
        and len(cos) == x.shape[-2]
        and _turn_chunk.parallel_for(chunks, x=y, cos=cos, sin=sin, interleaved=interleaved, out=made)
    ):
        reference.turn(x, cos, sin, interleaved, out)
