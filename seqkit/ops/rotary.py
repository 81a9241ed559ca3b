"""Rotary positions: rotate pairs of a vector's entries by an angle that grows with the position."""

from __future__ import annotations

from seqkit.autograd import differentiable
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError


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
        ShapeError: An odd D.
    """
    D = x.shape[-1]
    if D % 2:
        raise ShapeError(f"rotary: expected an even last axis, got {x.shape}")
    frequencies = float(base) ** (xp.arange(D // 2) * (-2.0 / D))
    angles = positions[..., None] * frequencies
    cos, sin = xp.cos(angles).astype(x.dtype), xp.sin(angles).astype(x.dtype)
    family = kernels("rotary", xp, x.dtype)

    def turned(v, sin):
        out = xp.empty_like(v)
        family.turn(v, cos, sin, interleaved, out)
        return out

    return turned(x, sin), lambda dy: (turned(dy, -sin), None)
