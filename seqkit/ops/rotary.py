"""Rotary positions: rotate pairs of a vector's entries by an angle that grows with the position."""

from __future__ import annotations

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, require_number
from seqkit.ops.arguments import arguments

_check = arguments("rotary", x="…, T, D")
_check_positions = arguments("rotary", positions="integer …")


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


@differentiable
def rotary(xp, x, positions, *, base=10000.0, interleaved=False):
    """Rotate x (…, D) by its positions, so that q·k depends on their distance (Su et al. 2021, equation 34).

    Pair i, (a, b), becomes (a·cos ω - b·sin ω, a·sin ω + b·cos ω) with ω = position · base^(-2i/D).

    Args:
        x: (…, T, D).
        positions: Integers that broadcast to x without its last axis, such as (T,).
        base: Base of the angles.
        interleaved: Pairs are neighbours (2i, 2i + 1), as in the paper; else (i, i + D/2), as in most
            checkpoints.

    Raises:
        ShapeError: An odd D, or positions that are no integers or do not fit.
    """
    _check(x)
    _check_positions(positions)
    require_number("base", base, least=1)
    *before, D = x.shape
    if D % 2 or not D:
        raise ShapeError(f"rotary: expected an even last axis, got {x.shape}")
    if positions.shape != (before[-1],) and not _broadcasts(positions.shape, tuple(before)):
        raise ShapeError(
            f"rotary: expected positions that broadcast to {tuple(before)}, got {positions.shape}"
        )
    frequencies = float(base) ** (xp.arange(D // 2) * (-2.0 / D))
    angles = positions[..., None] * frequencies
    cos, sin = xp.cos(angles).astype(x.dtype), xp.sin(angles).astype(x.dtype)
    family = kernels("rotary", xp, x.dtype)

    def turned(v, sin):
        out = xp.empty_like(v)
        family.turn(v, cos, sin, interleaved, out)
        return out

    return turned(x, sin), lambda dy: (turned(dy, -sin), None)
