"""x[key] for integers, slices, None, Ellipsis, and integer or boolean arrays."""

from __future__ import annotations

from seqkit.autograd.differentiable import differentiable
from seqkit.autograd.sparse_gradient import IndexGradient


@differentiable
def getitem(xp, x, *, key):  # type: ignore[no-untyped-def]
    """x[key], copied, so that the result never shares memory with x."""
    shape = x.shape
    y = x[key]
    y = xp.array(y) if y.base is not None or not hasattr(y, "shape") else y
    return y, lambda dy: IndexGradient(key, dy, shape)
