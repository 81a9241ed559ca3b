"""Philox blocks in vector instructions, for the kernels that inline them."""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.compiler import inline
from seqkit.backend.kernels.philox.reference import M0, M1, W0, W1

_M0, _M1 = np.uint64(M0), np.uint64(M1)
_W0, _W1 = np.uint32(W0), np.uint32(W1)
_32 = np.uint64(32)

LANES = 64


@inline
def philox_lanes(first, stream, low, high, seed0, seed1, a, b, c, d):
    """The words of the LANES blocks from ``first``: the first words in a, the second in b, … (LANES,) uint32.

    Round by round over all lanes: the loop over the rounds of one block is not vectorised (measured: 3 times
    slower).
    """
    for i in range(LANES):
        a[i], b[i], c[i], d[i] = np.uint32(first + i), stream, low, high
    for _ in range(10):
        for i in range(LANES):
            p0, p1 = np.uint64(a[i]) * _M0, np.uint64(c[i]) * _M1
            second, fourth = b[i], d[i]
            a[i] = np.uint32(p1 >> _32) ^ second ^ seed0
            b[i] = np.uint32(p1)
            c[i] = np.uint32(p0 >> _32) ^ fourth ^ seed1
            d[i] = np.uint32(p0)
        seed0 = np.uint32(seed0 + _W0)
        seed1 = np.uint32(seed1 + _W1)
