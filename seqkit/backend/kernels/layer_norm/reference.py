"""A residual sum and its layer normalisation, and the backward pass."""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module


def forward(x: Any, branch: Any | None, gamma: Any, beta: Any, epsilon: float, total: Any, y: Any) -> Any:
    """total = x + branch and y = γ·(total - mean)/√(var + ε) + β; returns what :func:`backward` needs.

    All (N, E) and C-contiguous; γ, β (E,). ``branch`` and ``total`` may be the same array, or both be None:
    then x itself is normalised. The statistics (2, N) are the means and 1/√(var + ε).
    """
    xp = array_module(x)
    if branch is not None:
        x = xp.add(x, branch, out=total)
    mean = x.mean(axis=-1, keepdims=True)
    xp.subtract(x, mean, out=y)
    inverse = 1 / xp.sqrt((y * y).mean(axis=-1, keepdims=True) + epsilon)
    y *= inverse
    y *= gamma
    y += beta
    return xp.stack((mean[:, 0], inverse[:, 0]))


def backward(
    x: Any, statistics: Any, gamma: Any, dy: Any, d_total: Any | None, dx: Any | None
) -> tuple[Any, Any]:
    """The gradients of γ and β; dx, where it is wanted, becomes that of the sum, plus ``d_total``.

    x (N, E) is what was normalised. dx may be dy.
    """
    mean, inverse = statistics[0][:, None], statistics[1][:, None]
    normal = (x - mean) * inverse
    d_gamma, d_beta = (dy * normal).sum(axis=0), dy.sum(axis=0)
    if dx is not None:
        d_normal = dy * gamma
        part = d_normal.mean(axis=-1, keepdims=True)
        part = part + normal * (d_normal * normal).mean(axis=-1, keepdims=True)
        dx[...] = (d_normal - part) * inverse
        if d_total is not None:
            dx += d_total
    return d_gamma, d_beta
