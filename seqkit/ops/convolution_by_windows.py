"""A convolution as one matrix product: the windows of images are laid out as rows, run by run of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from seqkit.backend import empty, zeros
from seqkit.backend.kernels import kernels
from seqkit.ops.convolution_end import ConvolutionEnd
from seqkit.ops.windows import Pair, image_blocks


def _windows(
    xp, x, images: Callable[[slice], Any], counts: Pair, shape: tuple[int, ...], steps: Pair, pads: Pair
) -> Iterator[tuple[slice, Any]]:
    """For runs of ``images(block)``, as many as x has: which they are, and the windows as rows (N, KH·KW·C).

    ``shape`` is (F, KH, KW, C). All runs share the memory of the rows, so that it stays in the cache.
    """
    family, K = kernels("convolution", xp, x.dtype), math.prod(shape[1:])
    blocks = image_blocks(xp, len(x), math.prod(counts) * (K + shape[0]) * x.dtype.itemsize)
    memory = empty(xp, (blocks[0].stop if blocks else 0, *counts, *shape[1:]), x.dtype)
    for block in blocks:
        columns = memory[: block.stop - block.start]
        family.gather(images(block), steps, pads, columns)
        yield block, columns.reshape(-1, K)


def forward(xp, x, W, steps: Pair, pads: Pair, end: ConvolutionEnd) -> None:
    """The products of x (B, H, W, C) with W (F, KH, KW, C) into ``end``."""
    F = len(W)
    filters, product = W.reshape(F, -1).T, kernels("matrix_product", xp, x.dtype).product
    for block, columns in _windows(xp, x, x.__getitem__, end.counts, W.shape, steps, pads):
        product(columns, filters, end.products(block).reshape(-1, F))
        end.finish(block)


def backward_of_x(xp, x, W, steps: Pair, pads: Pair, end: ConvolutionEnd, needs) -> tuple[Any, Any]:
    """dx and dW, None where not needed, by the windows of x: the transpose of :func:`forward`."""
    F = len(W)
    filters, product = W.reshape(F, -1), kernels("matrix_product", xp, x.dtype).product
    part = empty(xp, filters.shape[::-1], x.dtype)
    dx: Any = empty(xp, x.shape, x.dtype) if needs[0] else None
    dW: Any = zeros(xp, filters.shape[::-1], x.dtype) if needs[1] else None
    for block, columns in _windows(xp, x, x.__getitem__, end.counts, W.shape, steps, pads):
        rows = end.gradient(block).reshape(-1, F)
        if needs[1]:
            product(columns.T, rows, part)  # (K, F): through BLAS (F, K) takes 3 times as long
            dW += part
        if needs[0]:
            product(rows, filters, columns)
            d_columns = columns.reshape(-1, *end.counts, *W.shape[1:])
            kernels("convolution", xp, x.dtype).scatter(d_columns, steps, pads, dx[block])
    return dx, None if dW is None else xp.ascontiguousarray(dW.T).reshape(W.shape)


def backward_of_dz(xp, x, W, pads: Pair, end: ConvolutionEnd, needs) -> tuple[Any, Any]:
    """The same by the windows of the gradient dz, at stride 1 and with a padding less than the filters.

    dx is dz convolved with the filters turned by 180°, and dW comes of the same windows: they are laid out
    once, and nothing is added up from them.
    """
    F, KH, KW, C = W.shape
    turned = xp.ascontiguousarray(W[:, ::-1, ::-1].transpose(1, 2, 0, 3)).reshape(-1, C)
    around = (KH - 1 - pads[0], KW - 1 - pads[1])
    product = kernels("matrix_product", xp, x.dtype).product
    dx = empty(xp, x.shape, x.dtype)
    dW: Any = zeros(xp, turned.shape, x.dtype) if needs[1] else None
    part = empty(xp, turned.shape, x.dtype)
    for block, columns in _windows(xp, x, end.gradient, x.shape[1:3], (C, KH, KW, F), (1, 1), around):
        product(columns, turned, dx[block].reshape(-1, C))
        if needs[1]:
            product(columns.T, x[block].reshape(-1, C), part)
            dW += part
    if dW is not None:
        dW = xp.ascontiguousarray(dW.reshape(KH, KW, F, C)[::-1, ::-1].transpose(2, 0, 1, 3))
    return dx, dW
