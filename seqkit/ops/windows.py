"""Windows of convolution and pooling on an image."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from seqkit.errors import ShapeError, UsageError

Pair = tuple[int, int]
IntOrPair = int | Pair

BLOCK_BYTES = {"host": 1 << 22, "device": 1 << 28}
"""The windows of this many bytes are laid out at a time: on a CPU they stay in its caches, and all
its threads have enough of them (measured, 2 cores, a step of the simple CNN: 7.0 ms, with a quarter 7.9)."""


def pair(name: str, value: IntOrPair, lowest: int) -> Pair:
    """Return (down, across) of one number or two; raise UsageError when either is below ``lowest``."""
    try:
        down, across = value if isinstance(value, tuple | list) else (value, value)
        both = operator.index(down), operator.index(across)
    except (TypeError, ValueError):
        both = lowest - 1, lowest - 1
    if min(both) < lowest:
        raise UsageError(
            f"expected {name} to be an integer of at least {lowest}, or two of them, got {value!r}"
        )
    return both


def window_counts(
    who: str,
    shape: tuple[int, ...],
    size: Pair,
    stride: Pair,
    padding: Pair,
) -> Pair:
    """Return how many windows fit down and across images (B, H, W, C); raise ShapeError when none does."""
    (_, H, W, _), (KH, KW) = shape, size
    counts = tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip((H, W), size, stride, padding, strict=True))
    if min(*counts, *size) < 1:
        raise ShapeError(
            f"{who}: no window of {KH} by {KW} fits an image of {H} by {W} with padding {padding}"
        )
    return counts[0], counts[1]


def image_blocks(xp: Any, images: int, bytes_per_image: int) -> list[slice]:
    """Return the batch as slices of images whose windows take up to :data:`BLOCK_BYTES`."""
    step = max(1, BLOCK_BYTES["host" if xp is np else "device"] // max(1, bytes_per_image))
    return [slice(start, min(start + step, images)) for start in range(0, images, step)]
