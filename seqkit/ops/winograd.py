"""3 by 3 convolutions at stride 1 with fewer multiplications (Winograd 1980; Lavin and Gray 2015).

The transforms stand in seqkit/backend/kernels/winograd. For 100 images of 28 by 28 by 16 and 16 filters the
products take 1.5 ms in place of 4.5 on one core, and the transforms 2.7 ms, where laying out windows would
take 1.9 (measured); with more channels products weigh more. Rounding is that of a few more additions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqkit.backend import empty, zeros
from seqkit.backend.kernels import kernels
from seqkit.ops.convolution_end import ConvolutionEnd
from seqkit.ops.windows import Pair, image_blocks

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
GG = np.kron(G, G)
"""(16, 9): U = GG·g for a filter g of 9 numbers is G·g·Gᵀ."""

FEWEST = 8
"""Channels and filters below which the products are too thin to gain."""


def pays(xp: Any, dtype: Any, W_shape: tuple[int, ...], steps: Pair) -> bool:
    """Whether a convolution should go this way: 3 by 3 filters, stride 1, compiled transforms."""
    F, KH, KW, C = W_shape
    fits = (KH, KW) == (3, 3) and steps == (1, 1) and min(F, C) >= FEWEST
    return fits and kernels("winograd", xp, dtype).PAYS


def forward(xp: Any, x: Any, W: Any, pads: Pair, end: ConvolutionEnd) -> None:
    """The products of x (B, H, W, C) with W (F, 3, 3, C) into ``end``."""
    family, U = kernels("winograd", xp, x.dtype), _transformed(xp, W)
    product = kernels("matrix_product", xp, x.dtype).products_of_heads
    for block, tiles, V, M in _blocks(xp, end, U):
        family.pixels_to_tiles(x[block], tiles, pads, V)
        product(V[None], U[None], M[None])
        family.results_from_tiles(M, tiles, end.products(block))
        end.finish(block)


def backward(xp, x, W, pads: Pair, end: ConvolutionEnd, needs) -> tuple[Any, Any]:
    """dx and dW, None where not needed: the same steps, transposed."""
    family, U = kernels("winograd", xp, x.dtype), _transformed(xp, W)
    U_back = xp.ascontiguousarray(U.transpose(0, 2, 1))  # else the product takes 1.6 times as long
    dx: Any = empty(xp, x.shape, x.dtype) if needs[0] else None
    dU: Any = zeros(xp, U.shape, x.dtype) if needs[1] else None
    part = empty(xp, U.shape, x.dtype)
    product = kernels("matrix_product", xp, x.dtype).products_of_heads
    for block, tiles, V, M in _blocks(xp, end, U):
        family.results_to_tiles(end.gradient(block), tiles, M)
        if needs[1]:
            family.pixels_to_tiles(x[block], tiles, pads, V)
            product(V.transpose(0, 2, 1)[None], M[None], part[None])
            dU += part
        if needs[0]:
            product(M[None], U_back[None], V[None])
            family.pixels_from_tiles(V, tiles, pads, dx[block])
    if dU is None:
        return dx, None
    (F, _, _, C), back = W.shape, xp.asarray(GG.T, x.dtype)
    dW = xp.matmul(back, dU.reshape(16, C * F)).reshape(3, 3, C, F)
    return dx, xp.ascontiguousarray(dW.transpose(3, 0, 1, 2))


def _transformed(xp: Any, W: Any) -> Any:
    """U (16, C, F) of the filters."""
    F, _, _, C = W.shape
    g = xp.ascontiguousarray(W.transpose(1, 2, 3, 0)).reshape(9, C * F)
    return xp.matmul(xp.asarray(GG, W.dtype), g).reshape(16, C, F)


def _blocks(xp: Any, end: ConvolutionEnd, U: Any) -> Iterator[tuple[slice, Pair, Any, Any]]:
    """For runs of images: which they are, tiles down and across, and V (16, N, C) and M (16, N, F) to fill.

    All runs share their memory, so that it stays in the cache.
    """
    (B, OH, OW, F), C = end.shape, U.shape[1]
    tiles = ((OH + 1) // 2, (OW + 1) // 2)
    each = tiles[0] * tiles[1]
    blocks = image_blocks(xp, B, 16 * each * (C + F) * end.dtype.itemsize)
    most = 16 * each * (blocks[0].stop if blocks else 0)
    v_memory, m_memory = empty(xp, most * C, end.dtype), empty(xp, most * F, end.dtype)
    for block in blocks:
        N = each * (block.stop - block.start)
        yield block, tiles, v_memory[: 16 * N * C].reshape(16, N, C), m_memory[: 16 * N * F].reshape(16, N, F)
