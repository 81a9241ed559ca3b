"""Linear-chain conditional random field (Lafferty et al. 2001) over the tags of a sentence.

A path y of T tags has the score start[y₁] + Σ emissions[t, yₜ] + Σ transitions[yₜ₋₁, yₜ] + end[y_T], and
P(y) = exp(score(y)) / Σ exp(score) over all paths. The loss of a path is the log-partition minus its score. A
score of -inf excludes a transition, a first or a last tag, in training as in decoding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import array_module, empty
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, UsageError
from seqkit.ops.arguments import arguments, require_ids

_check_arrays = arguments(
    "crf", emissions="B, T, K", start="K", transitions="K, K", end="K", mask="mask B, T or None"
)
_check_tags = arguments("crf", emissions="B, T, K", tags="integer B, T")


def _check(xp: Any, emissions: Any, start: Any, transitions: Any, end: Any, mask: Any) -> Any:
    """Check the arrays and return the mask as bools (B, T)."""
    _check_arrays(emissions, start, transitions, end, mask)
    if 0 in emissions.shape[1:]:
        raise ShapeError(f"crf: expected emissions (B, T, K) with steps and tags, got {emissions.shape}")
    B, T, _ = emissions.shape
    if mask is None:
        return xp.ones((B, T), bool)
    mask = mask.astype(bool)
    if xp is np and (mask[:, 1:] & ~mask[:, :-1]).any():
        raise UsageError("crf: expected the tokens of each row before its padding, got a gap in the mask")
    return mask


@differentiable
def crf_log_partition(xp, emissions, start, transitions, end, mask=None, *, needs):
    """Return log Σ exp(score) over all paths of tags, (B,), by the forward algorithm.

    Args:
        emissions: (B, T, K), the score of each tag at each token.
        start: (K,), the score of a first tag.
        transitions: (K, K), the score of tag i before tag j.
        end: (K,), the score of a last tag.
        mask: (B, T), True for a row's tokens, which come first; None: all are. A row without tokens gives 0.

    Raises:
        ShapeError: Shapes that do not fit, or no steps.
        UsageError: A mask with a gap (on the CPU).

    Example:
        >>> e, start, end = Tensor(np.zeros((1, 3, 2))), Tensor(np.zeros(2)), Tensor(np.zeros(2))
        >>> paths = ops.crf_log_partition(e, start, Tensor(np.zeros((2, 2))), end).exp()
        >>> round(paths.item(), 4)
        8.0
    """
    keep = _check(xp, emissions, start, transitions, end, mask)
    scores = [xp.ascontiguousarray(x) for x in (start, transitions, end)]
    x = xp.ascontiguousarray(emissions)
    alphas, totals = empty(xp, x.shape, x.dtype), empty(xp, x.shape[:1], x.dtype)
    family = kernels("crf", xp, x.dtype)
    family.forward(x, keep, *scores, alphas, totals)

    def backward(dy):
        dx = empty(xp, x.shape, x.dtype)
        d_scores = family.backward(x, keep, *scores, alphas, xp.ascontiguousarray(dy), dx)
        return (dx, *d_scores) if len(needs) == 4 else (dx, *d_scores, None)

    return totals, backward


@differentiable
def crf_path_score(xp, emissions, start, transitions, end, tags, mask=None, *, needs):
    """Return the score of a path of tags, (B,).

    Args:
        emissions: (B, T, K), as the next ones those of :func:`crf_log_partition`.
        start: (K,).
        transitions: (K, K).
        end: (K,).
        tags: (B, T) ids below K; any where ``mask`` is False.
        mask: (B, T) or None. A row without tokens gives 0.

    Raises:
        ShapeError: Shapes that do not fit, no steps, or tags that are no integers.
        UsageError: A tag out of range, or a mask with a gap (on the CPU).
    """
    keep = _check(xp, emissions, start, transitions, end, mask)
    _check_tags(emissions, tags)
    B, _, K = emissions.shape
    tags = xp.where(keep, tags, 0)
    require_ids("crf", "tags", tags, K)
    dtype = emissions.dtype
    chosen = (tags[:, :, None] == xp.arange(K)) & keep[:, :, None]  # (B, T, K)
    pairs, begun = keep[:, 1:].astype(dtype), keep[:, 0].astype(dtype)
    last = xp.where(keep[:, 0], keep.sum(axis=1) - 1, 0)
    ends = tags[xp.arange(B), last]
    picked = xp.where(chosen, emissions, xp.zeros_like(emissions)).sum(axis=(1, 2))
    # a forbidden transition gives -inf, but not 0 · -inf where there is none
    zero = xp.zeros((), dtype)
    before = xp.where(keep[:, 1:], transitions[tags[:, :-1], tags[:, 1:]], zero).sum(axis=1)
    outer = xp.where(keep[:, 0], start[tags[:, 0]] + end[ends], zero)

    def backward(dy):
        onehot = chosen.astype(dtype)
        d_start = (onehot[:, 0] * dy[:, None]).sum(axis=0)
        d_end = ((ends[:, None] == xp.arange(K)).astype(dtype) * (dy * begun)[:, None]).sum(axis=0)
        left = (onehot[:, :-1] * (pairs * dy[:, None])[:, :, None]).reshape(-1, K)
        d_transitions = left.T @ onehot[:, 1:].reshape(-1, K)
        gradients = (onehot * dy[:, None, None], d_start, d_transitions, d_end, None)
        return gradients if len(needs) == 5 else (*gradients, None)

    return picked + before + outer, backward


def viterbi(emissions: Any, start: Any, transitions: Any, end: Any, mask: Any = None) -> tuple[Any, Any]:
    """Return the path of the highest score and that score; plain arrays, without a gradient.

    Args:
        emissions: (B, T, K), as the next ones those of :func:`crf_log_partition`.
        start: (K,).
        transitions: (K, K).
        end: (K,).
        mask: (B, T) or None.

    Returns:
        Tags (B, T) int64, ``IGNORE_INDEX`` where ``mask`` is False and of equal scores the lower ids, and the
        scores (B,), 0 for a row without tokens.
    """
    xp = array_module(emissions)
    keep = _check(xp, emissions, start, transitions, end, mask)
    arrays = [xp.ascontiguousarray(x) for x in (emissions, keep, start, transitions, end)]
    tags, scores = empty(xp, keep.shape, np.int64), empty(xp, keep.shape[:1], emissions.dtype)
    kernels("crf", xp, emissions.dtype).viterbi(*arrays, tags, scores)
    return tags, scores


def marginals(emissions: Any, start: Any, transitions: Any, end: Any, mask: Any = None) -> Any:
    """Return P(tag of token t is k), (B, T, K); plain arrays, without a gradient, 0 where ``mask`` is False.

    They are the gradient of the log-partition by the emissions. Arguments as of :func:`viterbi`.
    """
    xp = array_module(emissions)
    keep = _check(xp, emissions, start, transitions, end, mask)
    x, keep, *scores = (xp.ascontiguousarray(y) for y in (emissions, keep, start, transitions, end))
    alphas, totals = empty(xp, x.shape, x.dtype), empty(xp, x.shape[:1], x.dtype)
    family, result = kernels("crf", xp, x.dtype), empty(xp, x.shape, x.dtype)
    family.forward(x, keep, *scores, alphas, totals)
    family.backward(x, keep, *scores, alphas, xp.ones_like(totals), result)
    return result
