"""The GRU step row by row, in loops that write one array each (see lstm/cpu.py for why)."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.fast_math import sigmoid32, tanh32
from seqkit.backend.kernels.gru import reference
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import boolean, float32


@jit
def _forward(a, recurrent, keep, h_before, h):
    B, H = h.shape
    for row in range(B):
        old, new = h_before[row], h[row]
        if not keep[row]:
            for j in range(H):
                new[j] = old[j]
            continue
        gates, products = a[row], recurrent[row]
        for j in range(2 * H):
            gates[j] = sigmoid32(gates[j] + products[j])
        r, z, n, un = gates[:H], gates[H : 2 * H], gates[2 * H :], products[2 * H :]
        for j in range(H):
            n[j] = tanh32(n[j] + r[j] * un[j])
        for j in range(H):
            new[j] = n[j] + z[j] * (old[j] - n[j])


@jit
def _backward(gates, recurrent, keep, h_before, dh, da, du):
    B, H = dh.shape
    one, zero = np.float32(1), np.float32(0)
    for row in range(B):
        da_row, du_row = da[row], du[row]
        if not keep[row]:
            for j in range(3 * H):
                da_row[j] = zero
            for j in range(3 * H):
                du_row[j] = zero
            continue
        r, z, n = gates[row, :H], gates[row, H : 2 * H], gates[row, 2 * H :]
        un, old, d = recurrent[row, 2 * H :], h_before[row], dh[row]
        dr, dz, dn, dun = da_row[:H], da_row[H : 2 * H], da_row[2 * H :], du_row[2 * H :]
        for j in range(H):
            dn[j] = d[j] * (one - z[j]) * (one - n[j] * n[j])
        for j in range(H):
            dz[j] = d[j] * (old[j] - n[j]) * z[j] * (one - z[j])
        for j in range(H):
            dr[j] = dn[j] * un[j] * r[j] * (one - r[j])
        for j in range(H):
            dun[j] = dn[j] * r[j]
        for j in range(2 * H):
            du_row[j] = da_row[j]
        for j in range(H):
            d[j] *= z[j]


@task(
    gates=float32("B, 3*H").written(),
    recurrent=float32("B, 3*H"),
    keep=boolean("B"),
    h_before=float32("B, H"),
    h=float32("B, H").written(),
)
def _forward_task(a, chunk, chunks):
    _forward(a.gates, a.recurrent, a.keep, a.h_before, a.h)


@task(
    gates=float32("B, 3*H"),
    recurrent=float32("B, 3*H"),
    keep=boolean("B"),
    h_before=float32("B, H"),
    dh=float32("B, H").written(),
    da=float32("B, 3*H").written(),
    du=float32("B, 3*H").written(),
)
def _backward_task(a, chunk, chunks):
    _backward(a.gates, a.recurrent, a.keep, a.h_before, a.dh, a.da, a.du)


def step_forward(a: Any, recurrent: Any, keep: Any, h_before: Any, h: Any) -> None:
    """See the reference."""
    if not _forward_task.parallel_for(1, gates=a, recurrent=recurrent, keep=keep, h_before=h_before, h=h):
        reference.step_forward(a, recurrent, keep, h_before, h)


def step_backward(gates: Any, recurrent: Any, keep: Any, h_before: Any, dh: Any, da: Any, du: Any) -> None:
    """See the reference."""
    if not _backward_task.parallel_for(
        1, gates=gates, recurrent=recurrent, keep=keep, h_before=h_before, dh=dh, da=da, du=du
    ):
        reference.step_backward(gates, recurrent, keep, h_before, dh, da, du)
