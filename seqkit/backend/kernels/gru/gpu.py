"""The GRU step on the GPU: one launch forward, one backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels import cuda


def step_forward(a: Any, recurrent: Any, keep: Any, h_before: Any, h: Any) -> None:
    """See the reference. Rows not kept leave ``a`` as it came."""
    B, H = h.shape
    cuda.require("gru", np.float32, a=a, recurrent=recurrent, h_before=h_before, h=h)
    cuda.require("gru", np.bool_, keep=keep)
    cuda.require_shapes(
        "gru",
        a=(a, (B, 3 * H)),
        recurrent=(recurrent, (B, 3 * H)),
        keep=(keep, (B,)),
        h_before=(h_before, (B, H)),
    )
    cuda.launch("gru", "step_forward", cuda.per_cell(B, H), a, recurrent, keep, h_before, h, np.int32(H))


def step_backward(gates: Any, recurrent: Any, keep: Any, h_before: Any, dh: Any, da: Any, du: Any) -> None:
    """See the reference."""
    B, H = dh.shape
    cuda.require("gru", np.float32, gates=gates, recurrent=recurrent, h_before=h_before, dh=dh, da=da, du=du)
    cuda.require("gru", np.bool_, keep=keep)
    cuda.require_shapes(
        "gru",
        gates=(gates, (B, 3 * H)),
        recurrent=(recurrent, (B, 3 * H)),
        keep=(keep, (B,)),
        h_before=(h_before, (B, H)),
        da=(da, (B, 3 * H)),
        du=(du, (B, 3 * H)),
    )
    cuda.launch(
        "gru",
        "step_backward",
        cuda.per_cell(B, H),
        gates,
        recurrent,
        keep,
        h_before,
        dh,
        da,
        du,
        np.int32(H),
    )
