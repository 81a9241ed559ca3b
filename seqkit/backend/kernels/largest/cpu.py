"""The largest numbers of each row in one pass: blocks with none above the k-th largest are passed over.

A row of V random numbers has about k log(V / k) numbers that are among the largest when they are met.
Measured on one core of an Intel Xeon with AVX-512, 640×10,000, k = 5: 3.8 ms against 12.8 of the reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit, wide_vectors
from seqkit.backend.kernels.largest import reference
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import boolean, float32, float64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_CHUNK = 1 << 15
"""Numbers of a chunk at least: handing it over takes 4 µs."""
_BLOCK = 256
"""Numbers that are compared with the k-th largest at once."""


@jit
def _greater(v, w):
    return v > w or (v != v and w == w)


@jit
def _above(block, low):
    """Return how many numbers of a block are not at most ``low``; NaN is not."""
    wide_vectors()
    count = np.int32(0)
    for j in range(block.shape[0]):
        count += np.int32(0) if block[j] <= low else np.int32(1)
    return count


@jit
def _row(x, excluded, values, columns):
    V, k = x.shape[0], values.shape[0]
    for i in range(k):
        values[i] = -np.inf
        columns[i] = 0
    for first in range(0, V, _BLOCK):
        last = min(first + _BLOCK, V)
        if _above(x[first:last], np.float32(values[k - 1])) == 0:
            continue
        for j in range(first, last):
            v = np.float64(x[j])
            if excluded[j] or not _greater(v, values[k - 1]):
                continue
            i = k - 1
            while i > 0 and _greater(v, values[i - 1]):
                values[i] = values[i - 1]
                columns[i] = columns[i - 1]
                i -= 1
            values[i] = v
            columns[i] = j


@task(
    x=float32("N, V"),
    excluded=boolean("V"),
    values=float64("N, K").written(),
    columns=float64("N, K").written(),
)
def _largest_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.N, chunk, chunks)
    for n in range(first, last):
        _row(a.x[n], a.excluded, a.values[n], a.columns[n])


def largest(x: Any, excluded: Any, k: int) -> Any:
    """See the reference."""
    found = empty(np, (2, len(x), k), np.float64)
    if not _largest_chunk.parallel_for(
        chunks_for(x.size, _CHUNK), x=x, excluded=excluded, values=found[0], columns=found[1]
    ):
        return reference.largest(x, excluded, k)
    return found.swapaxes(1, 2)
