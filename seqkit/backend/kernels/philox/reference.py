"""Philox4x32-10: random words as a pure function of key and counter.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 3.3; the
constants are those of its table 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

M0, M1 = 0xD2511F53, 0xCD9E8D57
W0, W1 = 0x9E3779B9, 0xBB67AE85
MASK = 0xFFFFFFFF


def random_words(xp: Any, count: int, key: tuple[int, int, int, int, int], first: int = 0) -> Any:
    """``count`` uint32 words from number ``first`` on. Word i is word i mod 4 of block i // 4.

    ``key`` is (seed low, seed high, stream, counter low, counter high), each 32 bits; the block number is
    the first word of the Philox counter.
    """
    seed0, seed1, stream, low, high = key
    begin, skipped = first // 4, first % 4
    blocks = -(-(skipped + count) // 4)
    c0 = xp.arange(begin, begin + blocks, dtype=np.uint64) & np.uint64(MASK)
    c1 = xp.full(blocks, stream, dtype=np.uint64)
    c2 = xp.full(blocks, low, dtype=np.uint64)
    c3 = xp.full(blocks, high, dtype=np.uint64)
    words = ten_rounds(c0, c1, c2, c3, seed0, seed1)
    return xp.stack(words, axis=1).reshape(-1)[skipped : skipped + count].astype(np.uint32)


def ten_rounds(c0: Any, c1: Any, c2: Any, c3: Any, seed0: int, seed1: int) -> tuple[Any, Any, Any, Any]:
    """The four words of each block, as uint64 arrays of 32-bit values; so are the counters."""
    mask, shift = np.uint64(MASK), np.uint64(32)
    m0, m1 = np.uint64(M0), np.uint64(M1)
    for _ in range(10):
        p0, p1 = c0 * m0, c2 * m1
        c0, c1, c2, c3 = (
            (p1 >> shift) ^ c1 ^ np.uint64(seed0),
            p1 & mask,
            (p0 >> shift) ^ c3 ^ np.uint64(seed1),
            p0 & mask,
        )
        seed0, seed1 = (seed0 + W0) & MASK, (seed1 + W1) & MASK
    return c0, c1, c2, c3
