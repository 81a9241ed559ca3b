"""Sums down the columns on all cores, a part of the rows each, whose sums are then added up."""

from __future__ import annotations

from typing import Any

from seqkit.backend.kernels.column_sums import reference
from seqkit.backend.kernels.compiler import jit, task
from seqkit.backend.kernels.team import bounds, number, own_pages, parts_for, plain, share
from seqkit.backend.kernels.views import floats, vector

_OF_PART = 1 << 15
"""Numbers of a part at least: to hand it over takes 4 µs."""


@jit
def _add(x, weights, weighted, sums):  # type: ignore[no-untyped-def]
    for n in range(x.shape[0]):
        row = x[n]
        if weighted:
            weight = weights[n]
            for j in range(sums.shape[0]):
                sums[j] += weight * row[j]
        else:
            for j in range(sums.shape[0]):
                sums[j] += row[j]


@task
def _part(numbers, part, parts):  # type: ignore[no-untyped-def]
    F, weights = number(numbers, 1), number(numbers, 3)
    first, last = bounds(number(numbers, 0), part, parts)
    _add(
        floats(number(numbers, 2) + 4 * first * F, last - first, F),
        vector((weights if weights else number(numbers, 2)) + 4 * first, last - first),
        weights != 0,
        vector(number(numbers, 4) + part * number(numbers, 5), F),
    )


def column_sums(x: Any, weights: Any | None = None) -> Any:
    """See the reference."""
    if not plain(x, weights):
        return reference.column_sums(x, weights)
    parts = parts_for(x.size, _OF_PART)
    sums = own_pages(parts, x.shape[1])
    sums[...] = 0
    share(_part, parts, *x.shape, x, weights, sums, sums.strides[0])
    return sums[:, : x.shape[1]].sum(axis=0)
