"""Attention of sequences that stand one after another, without padding.

Short ones are computed together: their scores, of all heads, are one flat array, and a few kernel calls with
one dropout draw replace many calls per sequence. Long ones go block by block
(:mod:`seqkit.ops.scaled_attention`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.backend.kernels.attention.reference import IN_CACHE
from seqkit.errors import ShapeError
from seqkit.ops.arguments import arguments
from seqkit.ops.attention_blocks import packed_blocks, packed_groups
from seqkit.ops.scaled_attention import AttentionSettings, attend, attention_settings, heads_last

_check_packed = arguments("packed_attention", q="N, P, D", k="N, R, D", v="N, R, E")


def _attend_together(
    xp: Any, q: Any, k: Any, v: Any, groups: list[np.ndarray], causal: bool, how: AttentionSettings
) -> Any:
    """Return the contexts of (N, P, D), (N, R, D), (N, R, E), and the backward function.

    Args:
        xp: The arrays' module.
        q: Queries.
        k: Keys.
        v: Values.
        groups: A table for each group of sequences (:func:`packed_groups`).
        causal: The last query of each sequence sees all its keys, the one before all but the last, …
        how: Scale, dropout, and whether a backward pass will follow.
    """
    family, N = kernels("packed_attention", xp, q.dtype), len(q)

    def flat(table: np.ndarray) -> Any:
        return empty(xp, (N * int((table[:, 1] * table[:, 3]).sum()),), q.dtype)

    def like(x: Any) -> Any:
        out = heads_last(xp, x[None], x.shape[-1])[0]
        if how.gaps:
            out[...] = 0
        return out

    context, kept, first = heads_last(xp, q[None], v.shape[-1])[0], [], 0
    if how.gaps:
        context[...] = 0
    for table in groups:
        weights = flat(table)
        family.scores(q, k, table, weights)
        family.softmax(weights, table, N, how.scale, causal)
        family.by_query(how.thinned(xp, weights, first), v, table, context)
        if how.keeps:
            kept.append(weights)
        first += weights.size

    def backward(d_context: Any, needs: Sequence[bool]) -> tuple[Any, Any, Any]:
        dq, dk, dv = (like(x) if needed else None for x, needed in zip((q, k, v), needs, strict=True))
        first = 0
        for table, weights in zip(groups, kept, strict=True):
            if dv is not None:
                family.by_key(how.thinned(xp, weights, first), d_context, table, dv)
            if dq is not None or dk is not None:
                d_scores = flat(table)
                family.scores(d_context, v, table, d_scores)
                d_scores = how.thinned(xp, d_scores, first, d_scores)
                family.score_gradient(weights, d_scores, table, N, how.scale)
            if dq is not None:
                family.by_query(d_scores, k, table, dq)
            if dk is not None:
                family.by_key(d_scores, q, table, dk)
            first += weights.size
        return dq, dk, dv

    return context, backward


@differentiable
def packed_attention(
    xp, q, k, v, *, lengths, key_lengths=None, causal=False, scale=None, rate=0.0, generator=None, needs
):
    """:func:`scaled_dot_product_attention` of sequences that stand one after another, without padding.

    A sequence reads only its own keys; a sequence without keys gets zeros.

    Args:
        q: (N, P, D) queries of all sequences.
        k: (N, R, D) keys.
        v: (N, R, E) values.
        lengths: Queries of each sequence, Python integers.
        key_lengths: Keys of each sequence; ``lengths`` by default.
        causal: As of :func:`scaled_dot_product_attention`, within each sequence.
        scale: 1/√D by default.
        rate: Dropout rate of the weights.
        generator: Source of the dropout masks.

    Returns:
        Contexts (N, P, E).

    Raises:
        ShapeError: Shapes or lengths that do not fit, or dtypes that differ.
        UsageError: Dropout without a generator.
    """
    key_lengths = lengths if key_lengths is None else key_lengths
    _check_packed(q, k, v)
    if len(lengths) != len(key_lengths):
        raise ShapeError(
            f"packed_attention: expected as many lengths as key_lengths, "
            f"got {len(lengths)} and {len(key_lengths)}"
        )
    if min((*lengths, *key_lengths), default=0) < 0:
        raise ShapeError(f"packed_attention: expected lengths of at least 0, got {lengths} and {key_lengths}")
    if sum(lengths) != q.shape[1] or sum(key_lengths) != k.shape[1]:
        raise ShapeError(
            f"packed_attention: expected {sum(lengths)} queries and {sum(key_lengths)} keys by the lengths, "
            f"got {q.shape[1]} and {k.shape[1]}"
        )
    if causal and any(S < T for T, S in zip(lengths, key_lengths, strict=True)):
        raise ShapeError(
            "causal attention: expected at least as many keys as queries in every sequence, got fewer"
        )
    pairs = [T * S for T, S in zip(lengths, key_lengths, strict=True)]
    gaps = 0 in pairs or not pairs
    how = attention_settings(q, lengths, key_lengths, scale, rate, generator, needs, gaps)
    if how.forward_only and not gaps and max(pairs) <= IN_CACHE:
        context = heads_last(xp, q[None], v.shape[-1])[0]
        family = kernels("attention", xp, q.dtype)
        family.attend_packed(q, k, v, lengths, key_lengths, how.scale, causal, context)
        return context, None
    groups = None if how.again or how.forward_only else packed_groups(len(q), lengths, key_lengths)
    if groups is not None:
        context, back = _attend_together(xp, q, k, v, groups, causal, how)
        return context, lambda d_context: back(d_context, needs)
    parts = packed_blocks(len(q), lengths, key_lengths, causal)
    context, back = attend(xp, q[None], k[None], v[None], None, parts, how)

    def backward(d_context):
        return tuple(None if g is None else g[0] for g in back(d_context[None], needs))

    return context[0], backward
