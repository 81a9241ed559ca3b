"""Sums down the columns on all cores, a chunk of the rows each, whose sums are then added up."""

from __future__ import annotations

from typing import Any

from seqkit.backend.kernels.column_sums import reference
from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for, page_aligned_scratch

_CHUNK = 1 << 15
"""Numbers of a chunk at least: handing it over takes 4 µs."""


@jit
def _add(x, weights, weighted, sums):
    for n in range(x.shape[0]):
        row = x[n]
        if weighted:
            weight = weights[n]
            for j in range(sums.shape[0]):
                sums[j] += weight * row[j]
        else:
            for j in range(sums.shape[0]):
                sums[j] += row[j]


@task(x=float32("N, F"), weights=float32("N").optional(), sums=float32("rows, W").written())
def _add_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.N, chunk, chunks)
    _add(a.x[first:last], a.weights[first:last], a.weights_given, a.sums[chunk, : a.F])


def column_sums(x: Any, weights: Any | None = None) -> Any:
    """See the reference."""
    F = x.shape[1]
    chunks = chunks_for(x.size, _CHUNK)
    sums = page_aligned_scratch(chunks, F)
    sums[...] = 0
    if not _add_chunk.parallel_for(chunks, x=x, weights=weights, sums=sums):
        return reference.column_sums(x, weights)
    return sums[:, :F].sum(axis=0)
