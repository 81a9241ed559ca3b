"""The LSTM step on the GPU: one launch forward, one backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels import cuda


def step_forward(z: Any, recurrent: Any, keep: Any, h_before: Any, c_before: Any, h: Any, c: Any) -> None:
    """See the reference. Rows not kept leave z as it came."""
    B, H = h.shape
    cuda.require("lstm", np.float32, z=z, recurrent=recurrent, h_before=h_before, c_before=c_before, h=h, c=c)
    cuda.require("lstm", np.bool_, keep=keep)
    cuda.require_shapes(
        "lstm",
        z=(z, (B, 4 * H)),
        recurrent=(recurrent, (B, 4 * H)),
        keep=(keep, (B,)),
        h_before=(h_before, (B, H)),
        c_before=(c_before, (B, H)),
        c=(c, (B, H)),
    )
    cuda.launch(
        "lstm",
        "step_forward",
        cuda.per_cell(B, H),
        z,
        recurrent,
        keep,
        h_before,
        c_before,
        h,
        c,
        np.int32(H),
    )


def step_backward(gates: Any, keep: Any, c_before: Any, c: Any, dh: Any, dc: Any, dz: Any) -> None:
    """See the reference."""
    B, H = dh.shape
    cuda.require("lstm", np.float32, gates=gates, c_before=c_before, c=c, dh=dh, dc=dc, dz=dz)
    cuda.require("lstm", np.bool_, keep=keep)
    cuda.require_shapes(
        "lstm",
        gates=(gates, (B, 4 * H)),
        keep=(keep, (B,)),
        c_before=(c_before, (B, H)),
        c=(c, (B, H)),
        dc=(dc, (B, H)),
        dz=(dz, (B, 4 * H)),
    )
    cuda.launch(
        "lstm", "step_backward", cuda.per_cell(B, H), gates, keep, c_before, c, dh, dc, dz, np.int32(H)
    )
