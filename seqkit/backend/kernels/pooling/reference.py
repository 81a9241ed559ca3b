"""The largest or the mean value of each window of an image, and the backward pass."""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module, zeros
from seqkit.backend.kernels.convolution.reference import Pair, padded, places


def max_forward(x: Any, size: Pair, stride: Pair, padding: Pair, floor: float, y: Any, winner: Any) -> None:
    """y (B, OH, OW, C) gets the maximum of ``floor`` and each window of x (B, H, W, C).

    winner, integers of the shape of y, gets the place (row · width + column) of the first largest value in
    its window, or the window's area where the floor is not exceeded. NaN is the largest, from any place.
    """
    xp = array_module(x, y, winner)
    wide = padded(xp, x, padding, -float("inf"))
    y[...] = floor
    winner[...] = size[0] * size[1]
    for i in range(size[0]):
        for j in range(size[1]):
            value = wide[:, places(i, stride[0], y.shape[1]), places(j, stride[1], y.shape[2])]
            better = (value > y) | (xp.isnan(value) & ~xp.isnan(y))
            y[...] = xp.where(better, value, y)
            winner[...] = xp.where(better, winner.dtype.type(i * size[1] + j), winner)


def max_backward(dy: Any, winner: Any, size: Pair, stride: Pair, padding: Pair, dx: Any) -> None:
    """dx (B, H, W, C) gets each dy at the place that won."""
    xp = array_module(dy, winner, dx)
    _spread(xp, lambda place: dy * (winner == place), dy.shape, size, stride, padding, dx)


def mean_forward(x: Any, size: Pair, stride: Pair, padding: Pair, y: Any) -> None:
    """y (B, OH, OW, C) gets the mean of each window of x (B, H, W, C), zeros outside the image included."""
    xp = array_module(x, y)
    wide = padded(xp, x, padding)
    y[...] = 0
    for i in range(size[0]):
        for j in range(size[1]):
            y += wide[:, places(i, stride[0], y.shape[1]), places(j, stride[1], y.shape[2])]
    y *= y.dtype.type(1 / (size[0] * size[1]))


def mean_backward(dy: Any, size: Pair, stride: Pair, padding: Pair, dx: Any) -> None:
    """dx (B, H, W, C) gets the share of each dy that its windows have."""
    xp = array_module(dy, dx)
    share = dy * dy.dtype.type(1 / (size[0] * size[1]))
    _spread(xp, lambda place: share, dy.shape, size, stride, padding, dx)


def _spread(
    xp: Any, part: Any, shape: tuple[int, ...], size: Pair, stride: Pair, padding: Pair, dx: Any
) -> None:
    """dx: the sum over all places in a window of ``part(place)``, put back where the place lies."""
    (up, left), (B, H, W, C) = padding, dx.shape
    wide = zeros(xp, (B, H + 2 * up, W + 2 * left, C), dx.dtype)
    for i in range(size[0]):
        for j in range(size[1]):
            rows, columns = places(i, stride[0], shape[1]), places(j, stride[1], shape[2])
            wide[:, rows, columns] += part(i * size[1] + j)
    dx[...] = wide[:, up : up + H, left : left + W]
