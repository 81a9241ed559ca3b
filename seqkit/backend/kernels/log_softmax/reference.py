"""The logarithm of a softmax."""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module


def log_softmax(x: Any) -> Any:
    """Return x - log Σ exp(x) over the last axis of x (N, V), shifted by the maximum."""
    xp = array_module(x)
    y = x - x.max(axis=1, keepdims=True)
    y -= xp.log(xp.exp(y).sum(axis=1, keepdims=True))
    return y
