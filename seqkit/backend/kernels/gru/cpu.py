"""The GRU step row by row, in loops that write one array each (see lstm/cpu.py for why)."""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.fast_math import sigmoid32, tanh32


@jit
def step_forward(a, recurrent, keep, h_before, h):  # type: ignore[no-untyped-def]
    """See the reference."""
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
def step_backward(gates, recurrent, keep, h_before, dh, da, du):  # type: ignore[no-untyped-def]
    """See the reference."""
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
