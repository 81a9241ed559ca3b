"""Arrays of compiled code at addresses, as tasks get them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic

from seqkit.backend.kernels.compiler import merged


@intrinsic
def _pointer(typing_context, address):  # type: ignore[no-untyped-def]
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.intp), generate


@merged
def floats(address, rows, columns):  # type: ignore[no-untyped-def]
    """(``rows``, ``columns``) float32."""
    return numba.carray(_pointer(address), (rows, columns), np.float32)


@merged
def blocks(address, a, b, c, d):  # type: ignore[no-untyped-def]
    """(``a``, ``b``, ``c``, ``d``) float32."""
    return numba.carray(_pointer(address), (a, b, c, d), np.float32)


@merged
def doubles(address, size):  # type: ignore[no-untyped-def]
    """(``size``,) float64."""
    return numba.carray(_pointer(address), (size,), np.float64)


@merged
def integers(address, size):  # type: ignore[no-untyped-def]
    """(``size``,) int64."""
    return numba.carray(_pointer(address), (size,), np.int64)


@merged
def vector(address, size):  # type: ignore[no-untyped-def]
    """(``size``,) float32."""
    return numba.carray(_pointer(address), (size,), np.float32)


@merged
def bytes_at(address, size):  # type: ignore[no-untyped-def]
    """(``size``,) uint8."""
    return numba.carray(_pointer(address), (size,), np.uint8)


@merged
def booleans(address, size):  # type: ignore[no-untyped-def]
    """(``size``,) bool."""
    return numba.carray(_pointer(address), (size,), np.bool_)
