"""Layer normalisation with three passes over a row that lies in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import empty
from seqkit.backend.kernels.compiler import jit, task, wide_vectors
from seqkit.backend.kernels.layer_norm import reference
from seqkit.backend.kernels.team import bounds, number, own_pages, parts_for, plain, real, share
from seqkit.backend.kernels.views import floats, vector

_OF_PART = 1 << 15
"""Numbers of a part at least: to hand it over takes 4 µs."""


@jit
def _forward(x, branch, added, gamma, beta, epsilon, total, y, statistics):  # type: ignore[no-untyped-def]
    wide_vectors()
    N, E = x.shape
    share = np.float32(1 / E)
    for n in range(N):
        row = x[n]
        if added:
            other, sums = branch[n], total[n]
            for j in range(E):
                sums[j] = row[j] + other[j]
            row = sums
        mean = np.float32(0)
        for j in range(E):
            mean += row[j]
        mean *= share
        variance = np.float32(0)
        for j in range(E):
            variance += (row[j] - mean) * (row[j] - mean)
        inverse = np.float32(1) / np.sqrt(variance * share + epsilon)
        out = y[n]
        for j in range(E):
            out[j] = (row[j] - mean) * inverse * gamma[j] + beta[j]
        statistics[0, n] = mean
        statistics[1, n] = inverse


@jit
def _backward(x, statistics, gamma, dy, d_total, added, dx, wanted, d_gamma, d_beta):  # type: ignore[no-untyped-def]
    wide_vectors()
    N, E = x.shape
    share = np.float32(1 / E)
    for n in range(N):
        row, d = x[n], dy[n]
        mean, inverse = statistics[0, n], statistics[1, n]
        first = np.float32(0)
        second = np.float32(0)
        for j in range(E):
            first += d[j] * gamma[j]
            second += d[j] * gamma[j] * (row[j] - mean)
        first *= share
        second *= share * inverse * inverse
        for j in range(E):
            d_gamma[j] += d[j] * (row[j] - mean) * inverse
        for j in range(E):
            d_beta[j] += d[j]
        if wanted:
            out = dx[n]
            if added:
                more = d_total[n]
                for j in range(E):
                    out[j] = (d[j] * gamma[j] - first - (row[j] - mean) * second) * inverse + more[j]
            else:
                for j in range(E):
                    out[j] = (d[j] * gamma[j] - first - (row[j] - mean) * second) * inverse


@task
def _forward_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    N, E, branch = number(numbers, 0), number(numbers, 1), number(numbers, 3)
    first, last = bounds(N, part, parts)
    n, skipped = last - first, 4 * first * E
    x = number(numbers, 2) + skipped
    _forward(
        floats(x, n, E),
        floats(branch + skipped if branch else x, n, E),
        branch != 0,
        vector(number(numbers, 4), E),
        vector(number(numbers, 5), E),
        np.float32(real(numbers, 6)),
        floats(number(numbers, 7) + skipped if branch else x, n, E),
        floats(number(numbers, 8) + skipped, n, E),
        floats(number(numbers, 9), 2, N)[:, first:last],
    )


@task
def _backward_part(numbers, part, parts):  # type: ignore[no-untyped-def]
    N, E, d_total, dx = number(numbers, 0), number(numbers, 1), number(numbers, 6), number(numbers, 7)
    first, last = bounds(N, part, parts)
    n, skipped = last - first, 4 * first * E
    x = number(numbers, 2) + skipped
    sums = floats(number(numbers, 8) + part * number(numbers, 9), 2, E)
    _backward(
        floats(x, n, E),
        floats(number(numbers, 3), 2, N)[:, first:last],
        vector(number(numbers, 4), E),
        floats(number(numbers, 5) + skipped, n, E),
        floats(d_total + skipped if d_total else x, n, E),
        d_total != 0,
        floats(dx + skipped if dx else x, n, E),
        dx != 0,
        sums[0],
        sums[1],
    )


def forward(x: Any, branch: Any | None, gamma: Any, beta: Any, epsilon: float, total: Any, y: Any) -> Any:
    """See the reference."""
    x, branch = np.ascontiguousarray(x), None if branch is None else np.ascontiguousarray(branch)
    if not plain(x, branch, gamma, beta, total, y):
        return reference.forward(x, branch, gamma, beta, epsilon, total, y)
    statistics = empty(np, (2, len(x)), np.float32)
    read = x, branch, gamma, beta, float(epsilon)
    share(_forward_part, parts_for(x.size, _OF_PART), *x.shape, *read, total, y, statistics)
    return statistics


def backward(
    x: Any, statistics: Any, gamma: Any, dy: Any, d_total: Any | None, dx: Any | None
) -> tuple[Any, Any]:
    """See the reference."""
    x, dy = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    d_total = None if d_total is None else np.ascontiguousarray(d_total)
    if not plain(x, statistics, gamma, dy, d_total, dx):
        return reference.backward(x, statistics, gamma, dy, d_total, dx)
    parts = parts_for(x.size, _OF_PART)
    E = x.shape[1]
    sums = own_pages(parts, 2 * E)
    sums[...] = 0
    share(_backward_part, parts, *x.shape, x, statistics, gamma, dy, d_total, dx, sums, sums.strides[0])
    d_gamma, d_beta = sums[:, : 2 * E].sum(axis=0).reshape(2, E)
    return d_gamma, d_beta
