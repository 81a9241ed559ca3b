"""Bytes that attention allocates at most, forward and backward: they grow with T, and not with T².

Of 8 causal heads of 64 in float32, beside one array with the scores of all pairs, of which a plain attention
keeps at least one. Counted are the contexts, the gradients and all that lies between; what comes in is not.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import pool

HEADS, D = 8, 64
TIMES = (2048, 4096, 8192)


def peak(T: int) -> int:
    """Bytes allocated at most in a forward and a backward pass of T tokens."""
    random = np.random.default_rng(0)
    q, k, v, d_context = (random.standard_normal((1, HEADS, T, D)).astype(np.float32) for _ in range(4))
    inputs = [Tensor(x, requires_grad=True) for x in (q, k, v)]
    tracemalloc.start()
    try:
        ops.scaled_dot_product_attention(*inputs, causal=True).backward(d_context)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """A row for each T. It is a count: one run."""
    pool.SMALLEST = 1 << 60  # tracemalloc sees NumPy's memory, not recycled maps
    peak(1024)  # more than one block: what loading the kernels allocates is not attention's
    rows = []
    for T in TIMES:
        ours, scores = peak(T), 4 * HEADS * T * T
        rows.append(
            {
                "name": f"peak memory of attention, T = {T:,}",
                "ours": ours,
                "peer": scores,
                "against": "scores of all pairs",
                "unit": "bytes",
                "ratio": round(scores / ours, 3),
                "runs": 1,
                "note": f"{ours / T:,.0f} bytes a token",
            }
        )
    return rows, {}
