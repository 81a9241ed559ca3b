"""Negative sampling: the loss of word2vec, which reads a few rows of the output matrix only."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import RowGradient, differentiable
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.ops.arguments import arguments, require_ids

_check = arguments("negative_sampling", h="B, E", W="V, E", targets="integer B", negatives="integer B, K")


@differentiable
def negative_sampling(xp, h, W, targets, negatives, *, keep_collisions=False, reduction="mean", needs):
    """Return -log σ(h·W[target]) - Σ log σ(-h·W[negative]), in float64.

    Mikolov, Sutskever et al. (2013), equation 4. The gradient of W is a RowGradient over the rows of all the
    words, also of those left out.

    Args:
        h: (B, E).
        W: (V, E).
        targets: (B,) integer ids.
        negatives: (B, K) integer ids, drawn. One that equals the target is left out, as in the word2vec
            program.
        keep_collisions: Let negatives that equal the target count.
        reduction: "mean" over B, "sum", or "none" for losses (B,).

    Raises:
        ShapeError: Shapes that do not fit, or ids that are no integers.
        UsageError: On the CPU, ids outside 0 … V-1.
    """
    _check(h, W, targets, negatives)
    B, E = h.shape
    words = xp.asarray(xp.concatenate((targets[:, None], negatives), axis=1), dtype=np.int64)
    require_ids("negative_sampling", "ids", words, len(W))
    outputs = xp.take(W, words.reshape(-1), axis=0).reshape(*words.shape, E)
    z = xp.matmul(outputs, h[:, :, None])[:, :, 0].astype(np.float64)
    z[:, 1:] *= -1  # now each word's loss is -log σ(z)
    small = xp.exp(-xp.absolute(z))  # at most 1, so nothing overflows
    losses = xp.log1p(small) - xp.minimum(z, 0)
    slopes = xp.where(z > 0, small, 1.0) / (1 + small)  # σ(-z): the derivative by the score, but for its sign
    slopes[:, 0] *= -1
    if not keep_collisions:
        drawn = words[:, 1:] != words[:, :1]
        losses[:, 1:] *= drawn
        slopes[:, 1:] *= drawn
    value = _reduced(xp, losses.sum(axis=1), reduction)

    def backward(dy):
        dy = dy / max(1, B) if reduction == "mean" else dy
        d_scores = (slopes * dy.reshape(-1, 1)).astype(h.dtype)
        dh = xp.matmul(d_scores[:, None, :], outputs)[:, 0] if needs[0] else None
        dW = None
        if needs[1]:
            d_outputs = (d_scores[:, :, None] * h[:, None, :]).reshape(-1, E)
            rows, values = kernels("row_sums", xp, W.dtype).sum_by_id(words.reshape(-1), d_outputs)
            dW = RowGradient(rows, values, W.shape)
        return dh, dW, None, None

    return value, backward


def _reduced(xp: Any, losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise UsageError(f"expected reduction to be mean, sum or none, got {reduction!r}")
    total = losses.sum() / max(1, len(losses)) if reduction == "mean" else losses.sum()
    return xp.asarray(total, dtype=np.float64)
