"""Attention of packed sequences in training, one call for a whole batch instead of several per sequence.

A sentence of 15 tokens has products of a microsecond, and calling them one by one from Python takes as long
as these (a training step of an encoder and a decoder of four layers of 128, 128 sentences, one thread: 365 ms
one by one, 303 together).
"""

from __future__ import annotations

from typing import Any

from seqkit.backend.kernels.attention.rows import gradient_row, softmax_row
from seqkit.backend.kernels.compiler import merged
from seqkit.backend.kernels.intrinsics import address
from seqkit.backend.kernels.matrix_product.cpu import CHUNK, multiply, scratch_for, strides
from seqkit.backend.kernels.packed_attention import reference
from seqkit.backend.kernels.processor import LANES, TILES
from seqkit.backend.kernels.simd import SIZE
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import boolean, float32, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for, page_aligned_scratch

_SCORES_OF_CHUNK = 1 << 14
"""At least: handing a chunk over takes 4 µs."""


@merged
def _share(table, count, heads, chunk, chunks):
    """The scores of a chunk, counted over all: it has the heads whose first score is among them."""
    scores = 0
    for i in range(count):
        scores += heads * table[i, 1] * table[i, 3]
    return chunk_bounds(scores, chunk, chunks)


@task(
    a=float32("N, P, D").strided(),
    b=float32("N, R, D").strided(),
    out=float32("size").written(),
    table=int64("count, 5"),
    scratch=float32("lines, W").written(),
)
def _scores_chunk(a, chunk, chunks):
    table, scratch, done = a.table, address(a.scratch[chunk]), 0
    first, last = _share(table, a.count, a.N, chunk, chunks)
    (row, step), (b_row, b_step) = strides(a.a[0]), strides(a.b[0])
    for i in range(a.count):
        T, S = table[i, 1], table[i, 3]
        for n in range(a.N):
            if first <= done < last:
                left, right = address(a.a[n, table[i, 0]]), address(a.b[n, table[i, 2]])
                out = address(a.out) + SIZE * (table[i, 4] + n * T * S)
                multiply(left, row, step, T, a.D, right, b_step, b_row, S, 0, out, S, scratch)
            done += T * S


@task(
    weights=float32("size"),
    x=float32("N, R, E").strided(),
    out=float32("N, P, E").strided().written(),
    table=int64("count, 5"),
    by_key=boolean,
    scratch=float32("lines, W").written(),
)
def _sums_chunk(a, chunk, chunks):
    """Weighted sums of the keys' rows for each query, or of the queries' for each key."""
    table, scratch, done = a.table, address(a.scratch[chunk]), 0
    first, last = _share(table, a.count, a.N, chunk, chunks)
    (x_row, x_step), (out_row, _) = strides(a.x[0]), strides(a.out[0])
    for i in range(a.count):
        T, S = table[i, 1], table[i, 3]
        for n in range(a.N):
            if first <= done < last:
                weights = address(a.weights) + SIZE * (table[i, 4] + n * T * S)
                if a.by_key:
                    x, out = address(a.x[n, table[i, 0]]), address(a.out[n, table[i, 2]])
                    multiply(weights, 1, S, S, T, x, x_row, x_step, a.E, 0, out, out_row, scratch)
                else:
                    x, out = address(a.x[n, table[i, 2]]), address(a.out[n, table[i, 0]])
                    multiply(weights, S, 1, T, S, x, x_row, x_step, a.E, 0, out, out_row, scratch)
            done += T * S


@task(
    scores=float32("size").written(),
    table=int64("count, 5"),
    heads=int64,
    scale=float32,
    causal=boolean,
    scratch=float32("lines, W").written(),
)
def _softmax_chunk(a, chunk, chunks):
    table, e, done = a.table, address(a.scratch[chunk]), 0
    first, last = _share(table, a.count, a.heads, chunk, chunks)
    for i in range(a.count):
        T, S = table[i, 1], table[i, 3]
        for n in range(a.heads):
            if first <= done < last:
                scores = address(a.scores) + SIZE * (table[i, 4] + n * T * S)
                for t in range(T):
                    row = scores + SIZE * t * S
                    softmax_row(row, min(S, t + S - T + 1) if a.causal else S, S, a.scale, 0, e, row)
            done += T * S


@task(
    weights=float32("size"),
    gradient=float32("size").written(),
    table=int64("count, 5"),
    heads=int64,
    scale=float32,
    scratch=float32("lines, W").written(),
)
def _gradient_chunk(a, chunk, chunks):
    table, e, done = a.table, address(a.scratch[chunk]), 0
    first, last = _share(table, a.count, a.heads, chunk, chunks)
    for i in range(a.count):
        T, S = table[i, 1], table[i, 3]
        for n in range(a.heads):
            if first <= done < last:
                for t in range(T):
                    place = SIZE * (table[i, 4] + (n * T + t) * S)
                    gradient_row(address(a.weights) + place, address(a.gradient) + place, S, a.scale, e)
            done += T * S


def _readable(*arrays: Any) -> bool:
    """Whether tiles can read views by their strides."""
    return TILES and min(min(x.strides) for x in arrays) >= 0 and min(x.size for x in arrays) > 0


def _rows_scratch(chunks: int, table: Any) -> Any:
    return page_aligned_scratch(chunks, int(table[:, 3].max(initial=0)) + LANES)


def scores(a: Any, b: Any, table: Any, out: Any) -> None:
    """See the reference."""
    chunks = chunks_for(out.size * a.shape[2], CHUNK)
    if not _readable(a, b) or not _scores_chunk.parallel_for(
        chunks, a=a, b=b, out=out, table=table, scratch=scratch_for(chunks)
    ):
        reference.scores(a, b, table, out)


def softmax(scores: Any, table: Any, heads: int, scale: float, causal: bool) -> None:
    """See the reference."""
    chunks = chunks_for(scores.size, _SCORES_OF_CHUNK)
    scratch = _rows_scratch(chunks, table)
    if not _softmax_chunk.parallel_for(
        chunks, scores=scores, table=table, heads=heads, scale=scale, causal=causal, scratch=scratch
    ):
        reference.softmax(scores, table, heads, scale, causal)


def score_gradient(weights: Any, gradient: Any, table: Any, heads: int, scale: float) -> None:
    """See the reference."""
    chunks = chunks_for(weights.size, _SCORES_OF_CHUNK)
    scratch = _rows_scratch(chunks, table)
    if not _gradient_chunk.parallel_for(
        chunks, weights=weights, gradient=gradient, table=table, heads=heads, scale=scale, scratch=scratch
    ):
        reference.score_gradient(weights, gradient, table, heads, scale)


def _sums(weights: Any, x: Any, table: Any, out: Any, by_key: bool) -> bool:
    chunks = chunks_for(weights.size * x.shape[2], CHUNK)
    return (
        _readable(x, out)
        and out.strides[2] == SIZE
        and _sums_chunk.parallel_for(
            chunks,
            weights=weights,
            x=x,
            out=out,
            table=table,
            by_key=by_key,
            scratch=scratch_for(chunks),
        )
    )


def by_query(weights: Any, x: Any, table: Any, out: Any) -> None:
    """See the reference."""
    if not _sums(weights, x, table, out, False):
        reference.by_query(weights, x, table, out)


def by_key(weights: Any, x: Any, table: Any, out: Any) -> None:
    """See the reference."""
    if not _sums(weights, x, table, out, True):
        reference.by_key(weights, x, table, out)
