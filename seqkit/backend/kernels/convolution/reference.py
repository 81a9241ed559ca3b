"""The windows of images as rows of a matrix, which make a convolution a matrix product, and the reverse."""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module, zeros

Pair = tuple[int, int]


def places(offset: int, stride: int, count: int) -> slice:
    """Where entry ``offset`` of each of ``count`` windows lies along a padded axis."""
    return slice(offset, offset + stride * (count - 1) + 1, stride)


def padded(xp: Any, x: Any, padding: Pair, value: float = 0.0) -> Any:
    """x (B, H, W, C) with rows and columns of ``value`` around each image; x itself where there are none."""
    if padding == (0, 0):
        return x
    (up, left), (B, H, W, C) = padding, x.shape
    wide = zeros(xp, (B, H + 2 * up, W + 2 * left, C), x.dtype)
    if value:
        wide[...] = value
    wide[:, up : up + H, left : left + W] = x
    return wide


def gather(x: Any, stride: Pair, padding: Pair, columns: Any) -> None:
    """Copy the windows of x (B, H, W, C) into columns (B, OH, OW, KH, KW, C); outside the image is 0."""
    xp = array_module(x, columns)
    _, OH, OW, KH, KW, _ = columns.shape
    wide = padded(xp, x, padding)
    for i in range(KH):
        for j in range(KW):
            columns[:, :, :, i, j] = wide[:, places(i, stride[0], OH), places(j, stride[1], OW)]


def scatter(columns: Any, stride: Pair, padding: Pair, dx: Any) -> None:
    """The transpose of :func:`gather`: dx becomes, for each pixel, the sum of its places in columns."""
    xp = array_module(columns, dx)
    (up, left), (B, H, W, C) = padding, dx.shape
    _, OH, OW, KH, KW, _ = columns.shape
    wide = zeros(xp, (B, H + 2 * up, W + 2 * left, C), dx.dtype)
    for i in range(KH):
        for j in range(KW):
            wide[:, places(i, stride[0], OH), places(j, stride[1], OW)] += columns[:, :, :, i, j]
    dx[...] = wide[:, up : up + H, left : left + W]


def add_bias(y: Any, b: Any, relu: bool) -> None:
    """Add b (F,), or None, to each row of y (N, F), then take max(y, 0) where ``relu`` is wanted."""
    xp = array_module(y)
    if b is not None:
        y += b
    if relu:
        xp.maximum(y, 0, out=y)


def where_positive(dy: Any, y: Any, dz: Any) -> None:
    """dz gets dy where y > 0, else 0: the backward of ReLU from its result. All C-contiguous."""
    array_module(dy, y, dz).multiply(dy, y > 0, out=dz)
