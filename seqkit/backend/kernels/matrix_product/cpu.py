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
from seqkit.backend.kernels.compiler import jit, merged, task
from seqkit.backend.kernels.matrix_product import reference
from seqkit.backend.kernels.matrix_product.tiles import DEEPEST, pack, pack_left, tile
from seqkit.backend.kernels.processor import FITS, LANES, PACKED, PANEL, TALLEST
from seqkit.backend.kernels.simd import SIZE
from seqkit.backend.kernels.team import address, bounds, number, parts_for, share

_STRIPE = 16
"""Tiles of the left factor packed at a time, where that is needed."""
SCRATCH = PANEL + max(PACKED, PANEL * DEEPEST) + _STRIPE * (DEEPEST * TALLEST + LANES)
"""Numbers of memory for a part: zeros, panels, packed tiles."""
_LEAST = 1 << 18
"""Multiply-adds of a product that is not left to BLAS."""
_TALL = 300
"""Rows of a part for which to pack the whole right factor: that takes a tenth of its time then (measured)."""
OF_PART = 1 << 19
"""Multiply-adds of a part: some 6 µs."""
_A, _B, _C = 5, 10, 15
"""Where a task finds the places of the heads' matrices."""

_of_thread = threading.local()


@jit
def multiply(a, row, step, M, K, b, k_stride, n_stride, N, bias, c, c_row, scratch):  # type: ignore[no-untyped-def]
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


@task
def _part(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Some rows of the product, or some of its panels.

    Its rows, where there are more and packing the left factor or few panels would hold a part up. Also where
    they are tall: a part then packs all of the right factor, but what it makes stays in its own cache for
    what comes next (measured: 74 ms for an encoder's pass that took 76.5).
    """
    a, row, step = number(numbers, 0), number(numbers, 1), number(numbers, 2)
    b, k_stride, n_stride = number(numbers, 3), number(numbers, 4), number(numbers, 5)
    bias, c, c_row = number(numbers, 6), number(numbers, 7), number(numbers, 8)
    M, K, N = number(numbers, 9), number(numbers, 10), number(numbers, 11)
    scratch = number(numbers, 12) + SIZE * part * SCRATCH
    tall = step == 1 and _TALL * parts <= M and N <= 4 * M
    if tall or (N < M and (step != 1 or 4 * parts * PANEL > N)):
        m = M * part // parts
        M = M * (part + 1) // parts - m
        a, c = a + SIZE * m * row, c + SIZE * m * c_row
    else:
        whole = -(-N // PANEL)
        n = whole * part // parts * PANEL
        N = min(N, whole * (part + 1) // parts * PANEL) - n
        b, c = b + SIZE * n * n_stride, c + SIZE * n
        bias = bias + SIZE * n if bias else 0
    multiply(a, row, step, M, K, b, k_stride, n_stride, N, bias, c, c_row, scratch)


def _strides(x: Any) -> tuple[int, int]:
    return x.strides[0] // SIZE, x.strides[1] // SIZE


def product(a: Any, b: Any, out: Any, bias: Any | None = None) -> None:
    """See the reference."""
    (M, K), N = a.shape, b.shape[1]
    suits = all(x is None or x.dtype == np.float32 for x in (a, b, out, bias))
    if not FITS or not suits or M * K * N < _LEAST or 1 not in _strides(b) or out.strides[1] != SIZE:
        return reference.product(a, b, out, bias)
    (row, step), (k_stride, n_stride) = _strides(a), _strides(b)
    parts = parts_for(M * K * N, OF_PART)
    factors = a, row, step, b, k_stride, n_stride
    return share(_part, parts, *factors, bias, out, out.strides[0] // SIZE, M, K, N, scratch_of(parts))


def scratch_of(parts: int) -> Any:
    """Memory for the parts of a product, kept by each thread that asks."""
    room = getattr(_of_thread, "room", None)
    if room is None or len(room) < parts:
        room = _of_thread.room = empty(np, (parts, SCRATCH), np.float32)
        room[:, :PANEL] = 0
    return room


@merged
def place(numbers, i, b, n, row):  # type: ignore[no-untyped-def]
    """The address of a row of a head's matrix, from :func:`places` of an array at index i."""
    skipped = b * number(numbers, i + 1) + n * number(numbers, i + 2) + row * number(numbers, i + 3)
    return number(numbers, i) + SIZE * skipped


@merged
def strides(numbers, i):  # type: ignore[no-untyped-def]
    """From row to row and from column to column, from the same."""
    return number(numbers, i + 3), number(numbers, i + 4)


@task
def _heads_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Some of B·N products."""
    N, M, K, L = number(numbers, 1), number(numbers, 2), number(numbers, 3), number(numbers, 4)
    first, last = bounds(number(numbers, 0) * N, part, parts)
    (row, step), (k_stride, n_stride) = strides(numbers, _A), strides(numbers, _B)
    c_row, _ = strides(numbers, _C)
    scratch = number(numbers, 20) + SIZE * part * SCRATCH
    for head in range(first, last):
        b, n = head // N, head % N
        left, right = place(numbers, _A, b, n, 0), place(numbers, _B, b, n, 0)
        out = place(numbers, _C, b, n, 0)
        multiply(left, row, step, M, K, right, k_stride, n_stride, L, 0, out, c_row, scratch)


def places(*arrays: Any) -> tuple[int, ...] | None:
    """Address and strides of each array (B, N, rows, columns); None if compiled code cannot read them so."""
    found: list[int] = []
    for x in arrays:
        if x.dtype != np.float32 or min(x.strides) < 0:
            return None
        found += address(x), *(s // SIZE for s in x.strides)
    return tuple(found)


def products_of_heads(a: Any, b: Any, out: Any) -> None:
    """See the reference."""
    (B, N, M, K), L = a.shape, b.shape[-1]
    given = places(a, b, out) if FITS and B * N * M * K * L >= _LEAST and out.strides[3] == SIZE else None
    if given is None:
        return reference.products_of_heads(a, b, out)
    parts = min(parts_for(B * N * M * K * L, OF_PART), B * N)
    return share(_heads_part, parts, B, N, M, K, L, *given, scratch_of(parts))
