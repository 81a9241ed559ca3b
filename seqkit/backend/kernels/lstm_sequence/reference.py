"""An LSTM layer over all its steps, once the products of its inputs are there: product, step, product, …"""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module, empty
from seqkit.backend.kernels import kernels


def forward(gates: Any, Wh: Any, keep: Any, hs: Any, cs: Any) -> None:
    """gates (T, B, 4H) of the inputs, overwritten with the gates of the cells; Wh (4H, H); keep (T, B) bool.

    hs, cs (T + 1, B, H): the first is read, the others are written.
    """
    xp = array_module(gates)
    step = kernels("lstm", xp, gates.dtype).step_forward
    Wh_T = xp.ascontiguousarray(Wh.T)  # once a call: the product with it is 1.4 times as fast (measured)
    recurrent = empty(xp, gates.shape[1:], gates.dtype)
    for t in range(len(gates)):
        xp.matmul(hs[t], Wh_T, out=recurrent)
        step(gates[t], recurrent, keep[t], hs[t], cs[t], hs[t + 1], cs[t + 1])


def backward(
    gates: Any, Wh: Any, keep: Any, masked: bool, cs: Any, d_out: Any | None, dh: Any, dc: Any, dz: Any
) -> None:
    """gates and cs as the forward pass left them, d_out (T, B, H) or None; dz (T, B, 4H) is written.

    d_out may be a view; what it says of steps that are not kept does not count. dh, dc (B, H) come in as the
    gradients of the last state and leave as those of the first. Unless ``masked``, ``keep`` is all True: to
    look would wait for a GPU.
    """
    xp = array_module(gates)
    step = kernels("lstm", xp, gates.dtype).step_backward
    now, through = dh, empty(xp, dh.shape, dh.dtype)
    for t in range(len(gates) - 1, -1, -1):
        if d_out is not None:
            now += d_out[t] * keep[t][:, None] if masked else d_out[t]
        step(gates[t], keep[t], cs[t], cs[t + 1], now, dc, dz[t])
        xp.matmul(dz[t], Wh, out=through)
        if masked:
            through += now * ~keep[t][:, None]
        now, through = through, now
    if now is not dh:
        dh[...] = now
