"""The product of two matrices, of which the affine map, recurrent steps and convolutions are made."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import array_module


def product(a: Any, b: Any, out: Any, bias: Any | None = None) -> None:
    """out (M, N) = a (M, K) · b (K, N) + bias (N,), if there is one. a and b may be transposed views."""
    array_module(a).matmul(a, b, out=out)
    if bias is not None:
        out += bias


def products_of_heads(a: Any, b: Any, out: Any) -> None:
    """out (B, N, M, L) = a (B, N, M, K) · b (B, N, K, L): one product a head. All three may be views."""
    xp = array_module(a)
    if xp is np:
        xp.matmul(a, b, out=out)
    else:  # others compute it beside
        out[...] = xp.matmul(a, b)
