"""Softmax cross entropy on the GPU: losses and gradient in one launch, one block a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import array_module, empty
from seqkit.backend.kernels import cuda


def loss_and_gradient(
    logits: Any, targets: Any, ignore_index: int, smoothing: float, gradient: Any | None
) -> Any:
    """See the reference. Targets outside 0 … V-1 that are not ignored give a loss of NaN."""
    xp = array_module(logits)
    N, V = logits.shape
    wants = gradient is not None
    gradient = gradient if wants else logits  # an address that the kernel will not write to
    ids = np.int32 if targets.dtype == np.int32 else np.int64
    targets = xp.ascontiguousarray(targets.astype(ids, copy=False))
    cuda.require("softmax_cross_entropy", np.float32, logits=logits, gradient=gradient)
    cuda.require_shapes("softmax_cross_entropy", targets=(targets, (N,)), gradient=(gradient, (N, V)))
    losses = empty(xp, N, np.float64)
    cuda.launch(
        "softmax_cross_entropy",
        f"loss_and_gradient_{targets.dtype.name}",
        cuda.per_row(N, V),
        logits,
        targets,
        gradient,
        losses,
        np.int32(V),
        np.int64(ignore_index),
        np.float64(smoothing),
        np.bool_(wants),
    )
    return losses
