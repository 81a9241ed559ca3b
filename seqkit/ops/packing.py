"""Pack the tokens of a padded batch one after another without the padding, and unpack them."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import empty, zeros
from seqkit.errors import UsageError
from seqkit.ops.arguments import arguments, require_ids

_check_pack = arguments("pack", x="B, T, E", rows="integer P")
_check_unpack = arguments("unpack", x="P, E", rows="integer P")


def _check_rows(op: str, xp: Any, rows: Any, most: int) -> None:
    """Raise UsageError unless ``rows`` are entries below ``most``, each once. A GPU would be waited for."""
    if xp is not np or not rows.size:
        return
    require_ids(op, "rows", rows, most)
    if not (rows[1:] > rows[:-1]).all() and len(np.unique(rows)) < len(rows):
        raise UsageError(f"{op}: expected each row once, got some twice")


@differentiable
def pack(xp, x, rows):
    """Return the entries ``rows`` (P,) of x (B, T, E), counted over B·T, each at most once: (P, E).

    Raises:
        ShapeError: Other shapes, or rows that are no integers.
        UsageError: On the CPU, rows outside 0 … B·T-1, or twice.
    """
    _check_pack(x, rows)
    B, T, E = x.shape
    _check_rows("pack", xp, rows, B * T)
    y = xp.take(x.reshape(B * T, E), rows, axis=0)

    def backward(dy):
        dx = zeros(xp, (B * T, E), dy.dtype)
        dx[rows] = dy
        return dx.reshape(B, T, E), None

    return y, backward


@differentiable
def unpack(xp, x, rows, *, shape):
    """Return x (P, E) at the entries ``rows`` (P,) of (B, T, E), zeros elsewhere; ``shape`` is (B, T).

    Errors as of :func:`pack`.
    """
    _check_unpack(x, rows)
    (B, T), E = shape, x.shape[1]
    _check_rows("unpack", xp, rows, B * T)
    y = zeros(xp, (B * T, E), x.dtype)
    y[rows] = x

    def backward(dy):
        dx = empty(xp, x.shape, x.dtype)
        xp.take(dy.reshape(B * T, E), rows, axis=0, out=dx)
        return dx, None

    return y.reshape(B, T, E), backward
