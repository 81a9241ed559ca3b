"""The matrix product, also over batches of matrices."""

from __future__ import annotations

from seqkit.autograd.arithmetic import unbroadcast
from seqkit.autograd.differentiable import differentiable
from seqkit.errors import ShapeError


@differentiable
def matmul(xp, a, b, *, needs):  # type: ignore[no-untyped-def]
    """a @ b for (..., M, K) and (..., K, N); leading axes broadcast. Both have two axes or more."""
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"matmul needs (..., M, K) @ (..., K, N), got {a.shape} @ {b.shape}")

    def backward(dy):  # type: ignore[no-untyped-def]
        da = unbroadcast(dy @ b.swapaxes(-1, -2), a.shape) if needs[0] else None
        db = unbroadcast(a.swapaxes(-1, -2) @ dy, b.shape) if needs[1] else None
        return da, db

    return a @ b, backward
