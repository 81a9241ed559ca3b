"""One Philox block in scalar code, for the kernels that inline it."""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.compiler import inline
from seqkit.backend.kernels.philox.reference import M0, M1, W0, W1

_M0, _M1 = np.uint64(M0), np.uint64(M1)
_W0, _W1 = np.uint32(W0), np.uint32(W1)
_32 = np.uint64(32)


@inline
def philox_block(block, stream, low, high, seed0, seed1):  # type: ignore[no-untyped-def]
    """The four uint32 words of a block; all arguments uint32."""
    c0, c1, c2, c3 = block, stream, low, high
    for _ in range(10):
        p0 = np.uint64(c0) * _M0
        p1 = np.uint64(c2) * _M1
        c0 = np.uint32(p1 >> _32) ^ c1 ^ seed0
        c1 = np.uint32(p1)
        c2 = np.uint32(p0 >> _32) ^ c3 ^ seed1
        c3 = np.uint32(p0)
        seed0 = np.uint32(seed0 + _W0)
        seed1 = np.uint32(seed1 + _W1)
    return c0, c1, c2, c3
