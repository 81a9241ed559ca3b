"""Linear-chain conditional random field (Lafferty et al. 2001): forward algorithm, its gradient, Viterbi.

Scores are emissions (B, T, K), of a first tag (K,), of tag i before tag j (K, K), and of a last tag (K,).
``keep`` (B, T) is True for a row's tokens, which come first; a row without a token has one path, the empty
one, of score 0. A score of -inf excludes what it is for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.device import array_module, zeros
from seqkit.backend.ids import IGNORE_INDEX


def _log_sum(xp: Any, x: Any, axis: int) -> Any:
    """log Σ exp along an axis; -inf where every term is."""
    top = x.max(axis=axis, keepdims=True)
    base = xp.where(xp.isfinite(top) | (top > 0), top, xp.zeros_like(top))  # a NaN gives NaN
    total = xp.exp(x - base).sum(axis=axis)
    found = total > 0
    log = xp.where(found, xp.log(xp.where(found, total, xp.ones_like(total))), -np.inf).astype(x.dtype)
    return xp.where(xp.isnan(total), total, base.squeeze(axis) + log)


def forward(
    emissions: Any, keep: Any, start: Any, transitions: Any, end: Any, alphas: Any, totals: Any
) -> None:
    """Compute log Σ exp(score) over all paths of each row.

    Args:
        emissions: (B, T, K).
        keep: (B, T).
        start: (K,).
        transitions: (K, K).
        end: (K,).
        alphas: (B, T, K), receives log Σ exp(score) of the paths up to each token that end in each tag; where
            ``keep`` is False those of the token before.
        totals: (B,), receives the result.
    """
    xp = array_module(emissions)
    alphas[:, 0] = start + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        before = alphas[:, t - 1]
        new = _log_sum(xp, before[:, :, None] + transitions, 1) + emissions[:, t]
        alphas[:, t] = xp.where(keep[:, t, None], new, before)
    totals[...] = xp.where(keep[:, 0], _log_sum(xp, alphas[:, -1] + end, 1), xp.zeros_like(totals))


def _weights(xp: Any, x: Any, axis: int) -> Any:
    """Return the softmax along an axis; zeros where every entry is -inf."""
    total = xp.expand_dims(_log_sum(xp, x, axis), axis)
    return xp.exp(x - xp.where(total == -np.inf, xp.zeros_like(total), total))


def backward(
    emissions: Any,
    keep: Any,
    start: Any,
    transitions: Any,
    end: Any,
    alphas: Any,
    d_totals: Any,
    d_emissions: Any,
) -> tuple[Any, Any, Any]:
    """Write the gradient by the emissions, and return those by start, transitions and end.

    Args:
        emissions: (B, T, K), as the next ones those of :func:`forward`.
        keep: (B, T).
        start: (K,).
        transitions: (K, K).
        end: (K,).
        alphas: (B, T, K), from :func:`forward`.
        d_totals: (B,).
        d_emissions: (B, T, K), receives d_totals · P(tag of the token), and 0 where ``keep`` is False.
    """
    xp = array_module(emissions)
    T, K = emissions.shape[1:]
    zero = xp.zeros((), emissions.dtype)
    d = xp.where(keep[:, :1], _weights(xp, alphas[:, -1] + end, 1) * d_totals[:, None], zero)
    d_end, d_transitions = d.sum(axis=0), zeros(xp, (K, K), emissions.dtype)
    for t in range(T - 1, 0, -1):
        kept = keep[:, t, None]
        d_emissions[:, t] = xp.where(kept, d, zero)
        pairs = _weights(xp, alphas[:, t - 1, :, None] + transitions, 1) * d[:, None, :]
        pairs = xp.where(kept[:, :, None], pairs, zero)
        d_transitions += pairs.sum(axis=0)
        d = xp.where(kept, pairs.sum(axis=2), d)
    d_emissions[:, 0] = d
    return d.sum(axis=0), d_transitions, d_end


def viterbi(
    emissions: Any, keep: Any, start: Any, transitions: Any, end: Any, tags: Any, scores: Any
) -> None:
    """Find the path of the highest score; of equal ones that of lower tags.

    Args:
        emissions: (B, T, K), as the next ones those of :func:`forward`.
        keep: (B, T).
        start: (K,).
        transitions: (K, K).
        end: (K,).
        tags: (B, T) int64, receives the path, and IGNORE_INDEX where ``keep`` is False.
        scores: (B,), receives its score.
    """
    xp = array_module(emissions)
    B, T, K = emissions.shape
    best = start + emissions[:, 0]
    origins = xp.zeros((B, T, K), np.int64)
    rows, same = xp.arange(B), xp.arange(K)
    for t in range(1, T):
        candidates = best[:, :, None] + transitions
        kept = keep[:, t, None]
        origins[:, t] = xp.where(kept, candidates.argmax(axis=1), same)
        best = xp.where(kept, candidates.max(axis=1) + emissions[:, t], best)
    last = best + end
    tag = last.argmax(axis=1)
    scores[...] = xp.where(keep[:, 0], last.max(axis=1), xp.zeros_like(scores))
    for t in range(T - 1, -1, -1):
        tags[:, t] = xp.where(keep[:, t], tag, IGNORE_INDEX)
        tag = origins[rows, t, tag]
