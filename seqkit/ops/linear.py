"""The affine map."""

from __future__ import annotations

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.ops.arguments import arguments, as_rows

_check = arguments("linear", x="…, I", W="O, I", b="O or None")


@differentiable
def linear(xp, x, W, b=None, *, needs):
    """Return x·Wᵀ + b, of shape (…, O).

    Args:
        x: (…, I).
        W: (O, I).
        b: (O,) or None.

    Raises:
        ShapeError: Other shapes, or dtypes that differ.

    Example:
        >>> ops.linear(Tensor([[1.0, 2.0]]), Tensor([[1.0, 1.0], [0.0, 3.0]])).numpy().tolist()
        [[3.0, 6.0]]
    """
    _check(x, W, b)
    rows = as_rows(x)
    y = empty(xp, (len(rows), len(W)), x.dtype)
    product = kernels("matrix_product", xp, x.dtype).product
    product(rows, W.T, y, b)

    def backward(dy):
        d_rows = as_rows(dy)
        dx = dW = None
        if needs[0]:
            dx = empty(xp, rows.shape, x.dtype)
            product(d_rows, W, dx)
            dx = dx.reshape(x.shape)
        if needs[1]:
            dW = empty(xp, W.shape, x.dtype)
            product(d_rows.T, rows, dW)
        if b is None:
            return (dx, dW) if len(needs) == 2 else (dx, dW, None)
        sums = kernels("column_sums", xp, x.dtype).column_sums
        return dx, dW, (sums(d_rows) if needs[2] else None)

    return y.reshape(*x.shape[:-1], len(W)), backward
