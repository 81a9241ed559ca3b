"""Turning pairs of entries: (a, b) becomes (a·cos - b·sin, a·sin + b·cos)."""

from __future__ import annotations

from typing import Any


def turn(x: Any, cos: Any, sin: Any, interleaved: bool, out: Any) -> None:
    """x (…, D) into ``out`` of its shape, any strides; cos, sin broadcast to (…, D / 2).

    Pairs are (i, i + D/2), or neighbours where ``interleaved``.
    """
    half = x.shape[-1] // 2
    first = (..., slice(0, None, 2)) if interleaved else (..., slice(0, half))
    second = (..., slice(1, None, 2)) if interleaved else (..., slice(half, None))
    a, b = x[first], x[second]
    out[first] = a * cos - b * sin
    out[second] = a * sin + b * cos
