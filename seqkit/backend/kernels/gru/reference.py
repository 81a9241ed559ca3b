"""The pointwise part of one GRU step, forward and backward.

Cho et al. 2014, in the form of PyTorch and cuDNN.

Gates stand side by side as r, z, n in rows of 3H; the reset gate multiplies the recurrent product::

    r, z = σ(a_r + u_r), σ(a_z + u_z)    n = tanh(a_n + r·u_n)    h = (1 - z)·n + z·h'
"""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module


def step_forward(a: Any, recurrent: Any, keep: Any, h_before: Any, h: Any) -> None:
    """a (B, 3H) input products, overwritten with the gates r, z, n; recurrent (B, 3H) products u with their

    bias; keep (B,) bool; h_before (B, H) read, h (B, H) written.
    """
    xp = array_module(a)
    H = h.shape[1]
    a[:, : 2 * H] = 0.5 * xp.tanh(0.5 * (a[:, : 2 * H] + recurrent[:, : 2 * H])) + 0.5
    r, z, n = (a[:, k * H : (k + 1) * H] for k in range(3))
    n[...] = xp.tanh(n + r * recurrent[:, 2 * H :])
    h[...] = xp.where(keep[:, None], n + z * (h_before - n), h_before)


def step_backward(gates: Any, recurrent: Any, keep: Any, h_before: Any, dh: Any, da: Any, du: Any) -> None:
    """dh (B, H) comes in as the gradient of h and leaves as the part that flows straight to h_before.

    da (B, 3H) gets the gradient of the input products, du (B, 3H) that of the recurrent ones.
    """
    xp = array_module(gates)
    H = dh.shape[1]
    kept = keep[:, None]
    zero = dh.dtype.type(0)
    r, z, n = (gates[:, k * H : (k + 1) * H] for k in range(3))
    dn = xp.where(kept, dh * (1 - z) * (1 - n * n), zero)
    da[:, 2 * H :] = dn
    da[:, H : 2 * H] = xp.where(kept, dh * (h_before - n) * z * (1 - z), zero)
    da[:, :H] = dn * recurrent[:, 2 * H :] * r * (1 - r)
    du[:, : 2 * H] = da[:, : 2 * H]
    du[:, 2 * H :] = dn * r
    dh[...] = xp.where(kept, dh * z, dh)
