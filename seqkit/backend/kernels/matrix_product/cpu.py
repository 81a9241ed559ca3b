"""Matrix products in tiles, on all cores.

Written because products through BLAS leave time on the table where a language model has its products: with
few rows the library packs the whole right factor slowly (20×200 by 200×800 on one core: 52 GFLOP/s with the
factor transposed, here 74, and 170 packed once), and its threads hand over slowly (416×384 by 384×384 on two
cores: 245, here 290). Besides, its threads and those of our own kernels would be in each other's way.

The blocking is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008),
with the panels in the second cache and the rows of a tile in the first. The sum over K runs in the same order
however the work is cut, so results do not depend on the number of threads.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit, merged
from seqkit.backend.kernels.intrinsics import address
from seqkit.backend.kernels.matrix_product import reference
from seqkit.backend.kernels.matrix_product.dots import FEW, multiply_few
from seqkit.backend.kernels.matrix_product.tiles import DEEPEST, pack, pack_left, tile
from seqkit.backend.kernels.processor import LANES, PACKED, PANEL, TALLEST, TILES
from seqkit.backend.kernels.simd import SIZE
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_STRIPE = 16
"""Tiles of the left factor packed at a time, where that is needed."""
SCRATCH = PANEL + max(PACKED, PANEL * DEEPEST) + _STRIPE * (DEEPEST * TALLEST + LANES)
"""Numbers of memory for a chunk: zeros, panels, packed tiles."""
LEAST = 1 << 18
"""Multiply-adds from which a product of more than ``FEW`` rows is not left to BLAS."""
_TALL = 300
"""Rows of a chunk for which to pack the whole right factor: that takes a tenth of its time (measured)."""
CHUNK = 1 << 19
"""Multiply-adds of a chunk at least: some 6 µs."""
_CHUNK_OF_FEW = 1 << 17
"""Numbers of the right factor of a chunk at least, where that is not packed: some 20 µs."""

_of_thread = threading.local()


@jit
def multiply(a, row, step, M, K, b, k_stride, n_stride, N, bias, c, c_row, scratch):
    """c (M, N) = a (M, K) · b (K, N) + bias (or 0, for none)."""
    zeros, panels, left = (
        scratch,
        scratch + SIZE * PANEL,
        scratch + SIZE * (PANEL + max(PACKED, PANEL * DEEPEST)),
    )
    tiles, blocks = -(-M // TALLEST), max(1, -(-K // DEEPEST))
    for block in range(blocks):
        k = K * block // blocks
        depth = K * (block + 1) // blocks - k
        columns = max(PANEL, PACKED // max(1, depth) // PANEL * PANEL)
        for n in range(0, N, columns):
            width = min(columns, N - n)
            pack(b + SIZE * (k * k_stride + n * n_stride), k_stride, n_stride, depth, width, panels)
            for i in range(tiles):
                top = M * i // tiles
                height = M * (i + 1) // tiles - top
                source, line, stride = a + SIZE * (top * row + k * step), row, step
                if step != 1:
                    if i % _STRIPE == 0:
                        below = min(tiles, i + _STRIPE)
                        pack_left(a + SIZE * k * step, row, step, M, tiles, i, below, depth, left)
                    source = left + SIZE * (i % _STRIPE) * (depth * TALLEST + LANES)
                    line, stride = 1, TALLEST
                for j in range(0, width, PANEL):
                    out, start, start_row = c + SIZE * (top * c_row + n + j), zeros, 0
                    if block:
                        start, start_row = out, c_row
                    elif bias:
                        start = bias + SIZE * (n + j)
                    panel, wide = panels + SIZE * j * depth, min(PANEL, width - j)
                    tile(source, line, stride, panel, depth, start, start_row, out, c_row, height, wide)


@merged
def strides(x):
    """Return the steps from row to row and from column to column of a matrix, in numbers."""
    return x.strides[0] // SIZE, x.strides[1] // SIZE


@task(
    left=float32("M, K").strided(),
    right=float32("K, N").strided(),
    bias=float32("N").optional(),
    out=float32("M, N").strided().written(),
    scratch=float32("rows, W").written(),
)
def _product_chunk(a, chunk, chunks):
    """Some rows of the product, or some of its panels.

    Its rows, where there are more and packing the left factor or few panels would hold a chunk up. Also where
    they are tall: a chunk then packs all of the right factor, but what it makes stays in its own cache for
    what comes next (measured: 74 ms for an encoder's pass that took 76.5).
    """
    M, K, N = a.M, a.K, a.N
    left, right, bias, out = address(a.left), address(a.right), address(a.bias), address(a.out)
    (row, step), (k_stride, n_stride), (out_row, _) = strides(a.left), strides(a.right), strides(a.out)
    tall = step == 1 and _TALL * chunks <= M and N <= 4 * M
    if tall or (N < M and (step != 1 or 4 * chunks * PANEL > N)):
        first, last = chunk_bounds(M, chunk, chunks)
        M = last - first
        left, out = left + SIZE * first * row, out + SIZE * first * out_row
    else:
        first, last = chunk_bounds(-(-N // PANEL), chunk, chunks)
        n = first * PANEL
        N = min(N, last * PANEL) - n
        right, out = right + SIZE * n * n_stride, out + SIZE * n
        bias = bias + SIZE * n if bias else 0
    scratch = address(a.scratch[chunk])
    multiply(left, row, step, M, K, right, k_stride, n_stride, N, bias, out, out_row, scratch)


@task(
    left=float32("M, K").strided(),
    right=float32("N, K").strided(),
    bias=float32("N").optional(),
    out=float32("M, N").strided().written(),
)
def _few_rows_chunk(a, chunk, chunks):
    """Some columns of left·rightᵀ."""
    (a_row, _), (b_row, _), (c_row, _) = strides(a.left), strides(a.right), strides(a.out)
    first, last = chunk_bounds(a.N, chunk, chunks)
    bias = address(a.bias)
    bias = bias + SIZE * first if bias else 0
    b, c = address(a.right) + SIZE * first * b_row, address(a.out) + SIZE * first
    multiply_few(address(a.left), a_row, a.M, a.K, b, b_row, last - first, bias, c, c_row)


@task(
    left=float32("B, N, M, K").strided(),
    right=float32("B, N, K, L").strided(),
    out=float32("B, N, M, L").strided().written(),
    scratch=float32("rows, W").written(),
)
def _heads_chunk(a, chunk, chunks):
    """Some of B·N products."""
    first, last = chunk_bounds(a.B * a.N, chunk, chunks)
    scratch = address(a.scratch[chunk])
    for head in range(first, last):
        b, n = head // a.N, head % a.N
        left, right, out = a.left[b, n], a.right[b, n], a.out[b, n]
        (row, step), (k_stride, n_stride), (out_row, _) = strides(left), strides(right), strides(out)
        multiply(
            address(left),
            row,
            step,
            a.M,
            a.K,
            address(right),
            k_stride,
            n_stride,
            a.L,
            0,
            address(out),
            out_row,
            scratch,
        )


def scratch_for(chunks: int) -> Any:
    """Return memory for the chunks of a product, kept by each thread that asks."""
    scratch = getattr(_of_thread, "scratch", None)
    if scratch is None or len(scratch) < chunks:
        scratch = _of_thread.scratch = empty(np, (chunks, SCRATCH), np.float32)
        scratch[:, :PANEL] = 0
    return scratch


def product(a: Any, b: Any, out: Any, bias: Any | None = None) -> None:
    """See the reference."""
    (M, K), N = a.shape, b.shape[1]
    if TILES and M <= FEW and a.strides[1] == b.strides[0] == out.strides[1] == SIZE:
        done = _few_rows_chunk.parallel_for(
            chunks_for(K * N, _CHUNK_OF_FEW), left=a, right=b.T, bias=bias, out=out
        )
        if done:
            return
    chunks = chunks_for(M * K * N, CHUNK)
    if not (
        TILES
        and M * K * N >= LEAST
        and out.strides[1] == SIZE
        and SIZE in b.strides
        and _product_chunk.parallel_for(
            chunks, left=a, right=b, bias=bias, out=out, scratch=scratch_for(chunks)
        )
    ):
        reference.product(a, b, out, bias)


def products_of_heads(a: Any, b: Any, out: Any) -> None:
    """See the reference."""
    (B, N, M, K), L = a.shape, b.shape[-1]
    work = B * N * M * K * L
    chunks = min(chunks_for(work, CHUNK), B * N)
    if not (
        TILES
        and work >= LEAST
        and out.strides[3] == SIZE
        and min(*a.strides, *b.strides, *out.strides) >= 0
        and _heads_chunk.parallel_for(chunks, left=a, right=b, out=out, scratch=scratch_for(chunks))
    ):
        reference.products_of_heads(a, b, out)
