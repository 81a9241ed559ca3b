"""Peak memory of attention, forward and backward: it grows with T, not with T².

The memory of 8 causal heads of 64 in float32 is compared with one array of the scores of all pairs, which a
naive attention keeps at least once. Outputs, gradients and temporaries are counted; inputs are not.
"""

import tracemalloc
from typing import Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import memory_pool

HEADS, D = 8, 64
TIMES = (2048, 4096, 8192)


def peak(T: int) -> int:
    """Return the peak bytes allocated in a forward and a backward pass of T tokens."""
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
    """Return a row for each T, from one run, since the count is exact."""
    memory_pool.SMALLEST = 1 << 60  # tracemalloc sees NumPy's memory, not recycled maps
    peak(1024)  # more than one block; loads the kernels, whose memory does not count
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
                "note": f"{ours / T:,.0f} bytes per token",
            }
        )
    return rows, {}
