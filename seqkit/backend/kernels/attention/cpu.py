"""A few passes over rows of scores while they lie in the cache, where NumPy makes seven over all of them.

Attention without a backward pass is one pass a head (measured, 32 × 26 tokens and 12 heads of 32, one thread:
0.69 ms where products, softmax and products take 0.79).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.attention import reference
from seqkit.backend.kernels.attention.reference import IN_CACHE
from seqkit.backend.kernels.attention.rows import (
    exponents_from,
    gradient_row,
    padded,
    powers_of,
    softmax_row,
    write_scaled,
)
from seqkit.backend.kernels.compiler import merged
from seqkit.backend.kernels.intrinsics import address
from seqkit.backend.kernels.matrix_product.cpu import (
    CHUNK,
    multiply,
    products_of_heads,
    scratch_for,
    strides,
)
from seqkit.backend.kernels.processor import LANES, TILES
from seqkit.backend.kernels.simd import SIZE, write
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import Field, boolean, float32, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for, page_aligned_scratch

_SCORES_OF_CHUNK = 1 << 14
"""At least: handing a chunk over takes 4 µs."""
_SCORING: dict[str, Field] = {
    "scale": float32,
    "bias": float32("bias_B, bias_N, bias_T, bias_S").optional(),
    "offset": int64,
    "causal": boolean,
}


@merged
def _seen(a, t, S):
    """How many of S keys are not hidden from query t."""
    return min(S, t + a.offset + 1) if a.causal else S


@merged
def _bias(a, b, n, t):
    """The address of what is added to a row, in (B or 1, N or 1, T or 1, S), or 0."""
    if not a.bias_given:
        return 0
    return address(a.bias[min(b, a.bias_B - 1), min(n, a.bias_N - 1), min(t, a.bias_T - 1)])


@task(
    scores=float32("B, N, T, S").written(),
    rows=float32("2, B, N, T").optional().written(),
    scratch=float32("lines, W").written(),
    **_SCORING,
)
def _softmax_chunk(a, chunk, chunks):
    """Some heads, counted over all examples."""
    scores, e = a.scores.reshape(a.B * a.N * a.T, a.S), address(a.scratch[chunk])
    rows = a.rows.reshape(2, -1 if a.rows_given else 0)
    first, last = chunk_bounds(a.B * a.N, chunk, chunks)
    for r in range(first * a.T, last * a.T):
        head, t = r // a.T, r % a.T
        row, seen, bias = address(scores[r]), _seen(a, t, a.S), _bias(a, head // a.N, head % a.N, t)
        top, inverse = softmax_row(row, seen, a.S, a.scale, bias, e, row)
        if a.rows_given:
            rows[0, r], rows[1, r] = top, inverse


@merged
def _attend_head(a, b, n, first_query, T, first_key, S, e, scratch):
    """The contexts of one head of one sequence, whose scores never leave the cache: whole vectors a row."""
    (row, step), (k_row, k_step) = strides(a.q[b, n]), strides(a.k[b, n])
    (v_row, v_step), (out_row, _) = strides(a.v[b, n]), strides(a.out[b, n])
    q, k = address(a.q[b, n, first_query]), address(a.k[b, n, first_key])
    v, out = address(a.v[b, n, first_key]), address(a.out[b, n, first_query])
    width = padded(S)
    scores = e + SIZE * width
    multiply(q, row, step, T, a.D, k, k_step, k_row, S, 0, scores, width, scratch)
    for t in range(T):
        line = scores + SIZE * t * width
        softmax_row(line, _seen(a, t + S - T, S), S, a.scale, _bias(a, b, n, t), e, line)
    multiply(scores, width, 1, T, S, v, v_row, v_step, a.E, 0, out, out_row, scratch)


@task(
    q=float32("B, N, P, D").strided(),
    k=float32("B, N, R, D").strided(),
    v=float32("B, N, R, E").strided(),
    out=float32("B, N, P, E").strided().written(),
    table=int64("count, 5"),
    scratch=float32("lines, W").written(),
    packed=float32("packed_lines, packed_W").written(),
    **_SCORING,
)
def _attend_chunk(a, chunk, chunks):
    """Some heads of the sequences in a table, as many that each chunk has as many scores."""
    table, e, scratch = a.table, address(a.scratch[chunk]), address(a.packed[chunk])
    scores, done = 0, 0
    for i in range(a.count):
        scores += a.N * table[i, 2] * table[i, 4]
    first, last = chunk_bounds(scores, chunk, chunks)
    for i in range(a.count):
        T, S = table[i, 2], table[i, 4]
        for n in range(a.N):
            if first <= done < last:
                _attend_head(a, table[i, 0], n, table[i, 1], T, table[i, 3], S, e, scratch)
            done += T * S


@task(
    scores=float32("B, N, T, S").written(),
    rows=float32("2, B, N, T"),
    scratch=float32("lines, W").written(),
    **_SCORING,
)
def _weights_chunk(a, chunk, chunks):
    scores, rows = a.scores.reshape(a.B * a.N * a.T, a.S), a.rows.reshape(2, -1)
    e = address(a.scratch[chunk])
    first, last = chunk_bounds(a.B * a.N, chunk, chunks)
    for r in range(first * a.T, last * a.T):
        head, t = r // a.T, r % a.T
        row, seen, bias = address(scores[r]), _seen(a, t, a.S), _bias(a, head // a.N, head % a.N, t)
        for j in range(0, a.S, LANES):
            write(powers_of(exponents_from(row, j, seen, a.S, a.scale, bias), rows[0, r]), e + SIZE * j)
        write_scaled(e, rows[1, r], row, a.S)


@task(
    weights=float32("B, N, T, S"),
    gradient=float32("B, N, T, S").written(),
    scale=float32,
    scratch=float32("lines, W").written(),
)
def _gradient_chunk(a, chunk, chunks):
    R, S, e = a.B * a.N * a.T, a.S, address(a.scratch[chunk])
    all_weights, all_gradients = a.weights.reshape(R, S), a.gradient.reshape(R, S)
    first, last = chunk_bounds(R, chunk, chunks)
    for r in range(first, last):
        weights, gradient = address(all_weights[r]), address(all_gradients[r])
        gradient_row(weights, gradient, S, a.scale, e)


def _scoring(scale: float, bias: Any | None, offset: int | None) -> dict[str, Any]:
    return {"scale": scale, "bias": bias, "offset": offset or 0, "causal": offset is not None}


def _scratch(chunks: int, scores: Any) -> Any:
    return page_aligned_scratch(chunks, scores.shape[-1] + LANES)


def softmax(scores: Any, scale: float, bias: Any | None, offset: int | None, wanted: bool = True) -> Any:
    """See the reference."""
    rows = empty(np, (2, *scores.shape[:-1]), np.float32) if wanted else None
    chunks, scoring = chunks_for(scores.size, _SCORES_OF_CHUNK), _scoring(scale, bias, offset)
    scratch = _scratch(chunks, scores)
    if not _softmax_chunk.parallel_for(chunks, scores=scores, rows=rows, scratch=scratch, **scoring):
        return reference.softmax(scores, scale, bias, offset, wanted)
    return rows


def weights_again(scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any) -> None:
    """See the reference."""
    chunks, scoring = chunks_for(scores.size, _SCORES_OF_CHUNK), _scoring(scale, bias, offset)
    scratch = _scratch(chunks, scores)
    if not _weights_chunk.parallel_for(chunks, scores=scores, rows=rows, scratch=scratch, **scoring):
        reference.weights_again(scores, scale, bias, offset, rows)


def score_gradient(weights: Any, gradient: Any, scale: float) -> None:
    """See the reference."""
    chunks = chunks_for(weights.size, _SCORES_OF_CHUNK)
    if not _gradient_chunk.parallel_for(
        chunks, weights=weights, gradient=gradient, scale=scale, scratch=_scratch(chunks, weights)
    ):
        reference.score_gradient(weights, gradient, scale)


def _attend_in_cache(
    q: Any, k: Any, v: Any, out: Any, table: np.ndarray, scale: float, bias: Any | None, shift: int | None
) -> bool:
    """Make the contexts of the sequences in a table.

    A row of the table is example, first query, T, first key, S. Query t of T sees the keys up to t + S - T +
    ``shift``, or all. Rows of a bias are as long as the first sequence has keys: with one, all have as many.

    Returns:
        False if compiled code cannot read the arrays or a head has too many scores.

    """
    if not len(table):
        return True
    T, S, N, D, E = table[:, 2], table[:, 4], q.shape[1], q.shape[3], v.shape[3]
    negative = min(*q.strides, *k.strides, *v.strides, *out.strides) < 0
    if not TILES or negative or out.strides[3] != SIZE or (T * S).max() > IN_CACHE:
        return False
    chunks = chunks_for(N * int((T * S).sum()) * (D + E), CHUNK)
    return _attend_chunk.parallel_for(
        chunks,
        q=q,
        k=k,
        v=v,
        out=out,
        table=table,
        scratch=page_aligned_scratch(chunks, int(((T + 1) * (S + LANES)).max())),
        packed=scratch_for(chunks),
        **_scoring(scale, bias, shift),
    )


def attend(q: Any, k: Any, v: Any, scale: float, bias: Any | None, offset: int | None, out: Any) -> None:
    """See the reference."""
    B, T, S = q.shape[0], q.shape[2], k.shape[2]
    table = np.zeros((B, 5), np.int64)
    table[:, 0], table[:, 2], table[:, 4] = np.arange(B), T, S
    shift = None if offset is None else offset - (S - T)
    if not _attend_in_cache(q, k, v, out, table, scale, bias, shift):
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
    shift = 0 if causal else None
    if not _attend_in_cache(q[None], k[None], v[None], out[None], table, scale, None, shift):
        reference.attend_packed(q, k, v, lengths, key_lengths, scale, causal, out, attend)
