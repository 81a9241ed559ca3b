"""Cross entropy of a softmax over rows of scores, with its gradient, without storing probabilities twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import array_module


def loss_and_gradient(
    logits: Any, targets: Any, ignore_index: int, smoothing: float, gradient: Any | None
) -> Any:
    """(N,) float64 losses of logits (N, V) against targets (N,); 0 where the target is ``ignore_index``.

    With smoothing s the target distribution is (1 - s)·onehot + s/V. ``gradient`` (N, V), when given,
    receives softmax(logits) - target distribution, and 0 in ignored rows; it may be ``logits`` itself.
    """
    xp = array_module(logits)
    N, V = logits.shape
    counted = targets != ignore_index
    rows = xp.arange(N)
    safe = xp.where(counted, targets, 0)
    top = logits.max(axis=1, keepdims=True)
    shifted = logits - top
    exps = xp.exp(shifted)
    sums = exps.sum(axis=1, dtype=np.float64)
    losses = xp.log(sums) - (1 - smoothing) * shifted[rows, safe]
    if smoothing:
        losses -= smoothing / V * shifted.sum(axis=1, dtype=np.float64)
    losses = xp.where(counted, losses, 0.0)
    if gradient is not None:
        xp.multiply(exps, (counted / sums).astype(logits.dtype)[:, None], out=gradient)
        if smoothing:
            gradient -= (counted * (smoothing / V)).astype(logits.dtype)[:, None]
        gradient[rows, safe] -= (counted * (1 - smoothing)).astype(logits.dtype)
        gradient[~counted] = 0  # also where the scores are NaN, and 0 · NaN is too
    return losses
