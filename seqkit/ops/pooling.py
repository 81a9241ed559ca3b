"""Pooling: one value for each window of an image, channel by channel. Images are (B, H, W, C).

``size``, ``stride`` (``size`` by default) and ``padding`` are one number or (down, across).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.ops.arguments import arguments
from seqkit.ops.windows import IntOrPair, Pair, pair, window_counts

_CHECKS = {op: arguments(op, x="B, H, W, C") for op in ("max_pool2d", "average_pool2d")}


def _settings(
    who: str, x: Any, size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair
) -> tuple[Pair, Pair, Pair, tuple[int, ...]]:
    """Check the settings and return size, stride, padding and the shape of the result."""
    _CHECKS[who](x)
    sizes, pads = pair("size", size, 1), pair("padding", padding, 0)
    strides = sizes if stride is None else pair("stride", stride, 1)
    if any(2 * p > k for p, k in zip(pads, sizes, strict=True)):
        raise UsageError(f"{who}: expected padding to be at most half of the size {sizes}, got {pads}")
    counts = window_counts(who, x.shape, sizes, strides, pads)
    return sizes, strides, pads, (x.shape[0], *counts, x.shape[3])


@differentiable
def max_pool2d(
    xp,
    x,
    *,
    size: IntOrPair = 2,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    relu: bool = False,
):
    """Return the largest value of each window; the gradient goes to the first that is as large.

    Args:
        x: (B, H, W, C).
        size: Height and width of a window.
        stride: Step of the windows; ``size`` by default.
        padding: Rows and columns around the image, which never win; at most half of the size.
        relu: Return max(y, 0): pooling after ReLU, for a quarter of the work.

    Returns:
        (B, OH, OW, C) with OH = ⌊(H + 2p - size) / stride⌋ + 1.
    """
    sizes, strides, pads, shape = _settings("max_pool2d", x, size, stride, padding)
    x = xp.ascontiguousarray(x)
    y = empty(xp, shape, x.dtype)
    winner = empty(xp, shape, np.uint8 if sizes[0] * sizes[1] < 256 else np.int32)
    family = kernels("pooling", xp, x.dtype)
    family.max_forward(x, sizes, strides, pads, 0.0 if relu else -np.inf, y, winner)

    def backward(dy):
        dx = empty(xp, x.shape, x.dtype)
        family.max_backward(xp.ascontiguousarray(dy), winner, sizes, strides, pads, dx)
        return dx

    return y, backward


@differentiable
def average_pool2d(xp, x, *, size: IntOrPair = 2, stride: IntOrPair | None = None, padding: IntOrPair = 0):
    """Return the mean of each window, zeros of the padding included (as PyTorch's by default).

    Arguments and result as of :func:`max_pool2d`.
    """
    sizes, strides, pads, shape = _settings("average_pool2d", x, size, stride, padding)
    x = xp.ascontiguousarray(x)
    y = empty(xp, shape, x.dtype)
    family = kernels("pooling", xp, x.dtype)
    family.mean_forward(x, sizes, strides, pads, y)

    def backward(dy):
        dx = empty(xp, x.shape, x.dtype)
        family.mean_backward(xp.ascontiguousarray(dy), sizes, strides, pads, dx)
        return dx

    return y, backward
