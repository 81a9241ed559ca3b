"""The LSTM step row by row: 5 transcendental functions per cell without a temporary (B, 4H) array.

Each row takes several short loops with one array written in each. A single loop that writes all of them has
more pairs of pointers than the compiler is willing to check for overlap, and it then does not vectorise
(measured: 74 µs against 14 µs for a 20×200 step).
"""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.fast_math import sigmoid32, tanh32


@jit
def step_forward(z, recurrent, keep, h_before, c_before, h, c):  # type: ignore[no-untyped-def]
    """See the reference."""
    B, H = h.shape
    for row in range(B):
        c_old, c_row, h_row = c_before[row], c[row], h[row]
        if not keep[row]:
            h_old = h_before[row]
            for j in range(H):
                h_row[j] = h_old[j]
            for j in range(H):
                c_row[j] = c_old[j]
            continue
        gates, products = z[row], recurrent[row]
        i, f, g, o = gates[:H], gates[H : 2 * H], gates[2 * H : 3 * H], gates[3 * H :]
        pg, po = products[2 * H : 3 * H], products[3 * H :]
        for j in range(2 * H):
            gates[j] = sigmoid32(gates[j] + products[j])
        for j in range(H):
            g[j] = tanh32(g[j] + pg[j])
        for j in range(H):
            o[j] = sigmoid32(o[j] + po[j])
        for j in range(H):
            c_row[j] = f[j] * c_old[j] + i[j] * g[j]
        for j in range(H):
            h_row[j] = o[j] * tanh32(c_row[j])


@jit
def step_backward(gates, keep, c_before, c, dh, dc, dz):  # type: ignore[no-untyped-def]
    """See the reference."""
    B, H = dh.shape
    one, zero = np.float32(1), np.float32(0)
    t = np.empty(H, np.float32)
    for row in range(B):
        d = dz[row]
        if not keep[row]:
            for j in range(4 * H):
                d[j] = zero
            continue
        gates_row, c_old, c_row, dh_row, dc_row = gates[row], c_before[row], c[row], dh[row], dc[row]
        i, f = gates_row[:H], gates_row[H : 2 * H]
        g, o = gates_row[2 * H : 3 * H], gates_row[3 * H :]
        di, df, dg, do = d[:H], d[H : 2 * H], d[2 * H : 3 * H], d[3 * H :]
        for j in range(H):
            t[j] = tanh32(c_row[j])
        for j in range(H):
            do[j] = dh_row[j] * t[j] * o[j] * (one - o[j])
        for j in range(H):
            dc_row[j] += dh_row[j] * o[j] * (one - t[j] * t[j])
        for j in range(H):
            di[j] = dc_row[j] * g[j] * i[j] * (one - i[j])
        for j in range(H):
            df[j] = dc_row[j] * c_old[j] * f[j] * (one - f[j])
        for j in range(H):
            dg[j] = dc_row[j] * i[j] * (one - g[j] * g[j])
        for j in range(H):
            dc_row[j] *= f[j]
