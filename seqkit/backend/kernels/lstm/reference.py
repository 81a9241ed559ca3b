"""The pointwise part of one LSTM step, forward and backward.

Gates stand side by side as i, f, g, o in rows of 4H (the order of PyTorch and cuDNN)::

    i, f, o = σ(z_i), σ(z_f), σ(z_o)    g = tanh(z_g)    c = f·c' + i·g    h = o·tanh(c)

(Hochreiter and Schmidhuber 1997; forget gate by Gers et al. 2000; no peepholes.) A row whose ``keep`` is
False passes its state on unchanged: that is how padding is skipped.
"""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module


def _sigmoid(xp: Any, x: Any) -> Any:
    return 0.5 * xp.tanh(0.5 * x) + 0.5  # no overflow for any x


def step_forward(z: Any, recurrent: Any, keep: Any, h_before: Any, c_before: Any, h: Any, c: Any) -> None:
    """z (B, 4H) input products, overwritten with the gates; recurrent (B, 4H); keep (B,) bool.

    h_before, c_before (B, H) are read, h and c (B, H) written.
    """
    xp = array_module(z)
    H = h.shape[1]
    z += recurrent
    z[:, : 2 * H] = _sigmoid(xp, z[:, : 2 * H])
    z[:, 2 * H : 3 * H] = xp.tanh(z[:, 2 * H : 3 * H])
    z[:, 3 * H :] = _sigmoid(xp, z[:, 3 * H :])
    i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
    kept = keep[:, None]
    c_new = f * c_before + i * g
    h[...] = xp.where(kept, o * xp.tanh(c_new), h_before)
    c[...] = xp.where(kept, c_new, c_before)


def step_backward(gates: Any, keep: Any, c_before: Any, c: Any, dh: Any, dc: Any, dz: Any) -> None:
    """Gradient of one step. gates (B, 4H) as the forward left them; dh (B, H) read.

    dc (B, H) comes in as the gradient of c and leaves as that of c_before; dz (B, 4H) is written. Rows not
    kept get dz = 0 and keep their dc; the caller passes their dh on.
    """
    xp = array_module(gates)
    H = dh.shape[1]
    i, f, g, o = (gates[:, k * H : (k + 1) * H] for k in range(4))
    kept = keep[:, None]
    t = xp.tanh(c)
    dc_total = dc + dh * o * (1 - t * t)
    zero = dh.dtype.type(0)
    dz[:, :H] = xp.where(kept, dc_total * g * i * (1 - i), zero)
    dz[:, H : 2 * H] = xp.where(kept, dc_total * c_before * f * (1 - f), zero)
    dz[:, 2 * H : 3 * H] = xp.where(kept, dc_total * i * (1 - g * g), zero)
    dz[:, 3 * H :] = xp.where(kept, dh * t * o * (1 - o), zero)
    dc[...] = xp.where(kept, dc_total * f, dc)
