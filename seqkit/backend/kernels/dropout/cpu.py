"""Dropout in one pass over the array; the mask never exists in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.philox.block import philox_block


@jit
def _masked_scale(x, out, stream, low, high, seed0, seed1, limit, scale):  # type: ignore[no-untyped-def]
    zero = np.float32(0)
    blocks = x.shape[0] // 4
    for block in range(blocks):
        a, b, c, d = philox_block(np.uint32(block), stream, low, high, seed0, seed1)
        i = 4 * block
        out[i] = x[i] * (scale if a <= limit else zero)
        out[i + 1] = x[i + 1] * (scale if b <= limit else zero)
        out[i + 2] = x[i + 2] * (scale if c <= limit else zero)
        out[i + 3] = x[i + 3] * (scale if d <= limit else zero)
    a, b, c, d = philox_block(np.uint32(blocks), stream, low, high, seed0, seed1)
    rest = 4 * blocks
    if rest < x.shape[0]:
        out[rest] = x[rest] * (scale if a <= limit else zero)
    if rest + 1 < x.shape[0]:
        out[rest + 1] = x[rest + 1] * (scale if b <= limit else zero)
    if rest + 2 < x.shape[0]:
        out[rest + 2] = x[rest + 2] * (scale if c <= limit else zero)


def masked_scale(x: Any, key: tuple[int, int, int, int, int], threshold: int, scale: float, out: Any) -> None:
    """See the reference."""
    if threshold == 0:
        out[...] = 0
        return
    seed0, seed1, stream, low, high = (np.uint32(part) for part in key)
    flat, flat_out = x.reshape(-1), out.reshape(-1)
    _masked_scale(
        flat, flat_out, stream, low, high, seed0, seed1, np.uint32(threshold - 1), np.float32(scale)
    )
