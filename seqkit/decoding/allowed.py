"""Which ids may come next."""

from __future__ import annotations

import numpy as np

from seqkit.backend import Array, array_module
from seqkit.errors import UsageError


def without(log_probs: Array, banned: list[int]) -> Array:
    """A copy of ``log_probs`` (B, V), on its own device, with -inf for the banned ids."""
    left = log_probs.copy()
    if banned:
        left[:, array_module(log_probs).asarray(np.array(banned))] = -np.inf
    return left


def require_finite(best: np.ndarray, rows: np.ndarray) -> None:
    """Raise UsageError where the best log-probability (N,) that is left of one of ``rows`` is not finite."""
    if not np.isfinite(best).all():
        at = int(np.flatnonzero(~np.isfinite(best))[0])
        raise UsageError(
            f"no id that is not banned has a finite log-probability in row {rows[at]} (the best: {best[at]})",
            remedy="ban fewer ids; if it is nan, the model's weights are not finite",
        )
