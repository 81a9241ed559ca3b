"""Scaled dot-product attention of many heads, in memory that grows with T and not with T².

Scores exist for one block of queries at a time. The forward pass keeps the maximum and the sum of each row,
and the backward pass computes the block's weights again from them (Rabe and Staats 2021; Dao et al. 2022).
Short sequences keep their weights instead: one product and the exponentials fewer in the backward pass.
The mask of dropout is made again from its key. Where no gradient is needed, a head is one
pass, and nothing is kept.

Heads stand before time: queries (…, N, T, D), keys (…, N, S, D), values (…, N, S, E). :func:`split_heads`
makes them from the (…, T, N·D) of a linear layer without a copy, and contexts lie in memory so that the way
back is free too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.backend.random import Key
from seqkit.errors import ShapeError, require_number
from seqkit.ops.arguments import arguments, require_features
from seqkit.ops.attention import bias_of_mask
from seqkit.ops.attention_blocks import Block, blocks
from seqkit.ops.dropout import check_generator, check_rate

KEPT = 1 << 18
"""The weights of up to this many pairs of query and key are kept for the backward pass, per head."""


_check = arguments("scaled_dot_product_attention", q="B, N, T, D", k="B, N, S, D", v="B, N, S, E")
_check_split = arguments("split_heads", x="…, T, columns")


def heads_last(xp: Any, x: Any, width: int) -> Any:
    """Memory for (B, N, T, ``width``) that is contiguous as (B, T, N, ``width``)."""
    B, N, T, _ = x.shape
    return empty(xp, (B, T, N, width), x.dtype).swapaxes(1, 2)


class AttentionSettings(NamedTuple):
    """Settings of one call, which the forward and the backward pass share."""

    scale: float
    rate: float
    key: Key | None
    """Names the mask of dropout, whose words begin with number ``first``."""
    first: int
    keeps: bool
    """Weights are kept for the backward pass."""
    again: bool
    """The backward pass computes the weights again."""
    gaps: bool
    """Some queries or keys are in no block."""

    @property
    def forward_only(self) -> bool:
        """Whether the weights are needed by neither dropout nor a backward pass."""
        return not (self.keeps or self.again or self.rate)

    def thinned(self, xp: Any, x: Any, place: int, out: Any = None) -> Any:
        """Return x after dropout, in ``out`` if it is given; ``place`` is its offset among all scores."""
        if self.key is None:
            return x
        out = empty(xp, x.shape, x.dtype) if out is None else out
        threshold, factor = round((1 - self.rate) * 2**32), 1 / (1 - self.rate)
        kernels("dropout", xp, x.dtype).masked_scale(x, self.key, threshold, factor, out, self.first + place)
        return out


def attend(xp: Any, q: Any, k: Any, v: Any, bias: Any, parts: list[Block], how: AttentionSettings) -> Any:
    """Return the contexts of (B, N, T, D), (B, N, S, D), (B, N, S, E), and the backward function."""
    whole = all(block.whole for block in parts)
    family = kernels("attention", xp, q.dtype)
    product = kernels("matrix_product", xp, q.dtype).products_of_heads
    context = heads_last(xp, q, v.shape[-1])
    if how.gaps:
        context[...] = 0
    kept: list[Any] = []

    def scores_of(block: Block) -> Any:
        queries, keys = q[block.queries], k[block.keys]
        scores = empty(xp, (*queries.shape[:-1], keys.shape[-2]), q.dtype)
        product(queries, keys.swapaxes(-1, -2), scores)
        return scores

    def bias_of(block: Block) -> Any:
        if bias is None:
            return None
        index = tuple(
            part if n > 1 else slice(None)
            for part, n in zip((*block.queries, block.keys[2]), bias.shape, strict=True)
        )
        return xp.ascontiguousarray(bias[index])

    if how.forward_only:
        for block in parts:
            queries, keys, values = q[block.queries], k[block.keys], v[block.keys]
            out = context[block.queries]
            family.attend(queries, keys, values, how.scale, bias_of(block), block.offset, out)
        return context, None

    for block in parts:
        weights = scores_of(block)
        rows = family.softmax(weights, how.scale, bias_of(block), block.offset, how.again)
        product(how.thinned(xp, weights, block.place), v[block.keys], context[block.queries])
        kept.append((weights if how.keeps else None, rows))

    def backward(d_context: Any, needs: Sequence[bool]) -> tuple[Any, Any, Any]:
        dq, dk, dv = (
            heads_last(xp, x, x.shape[-1]) if needed else None
            for x, needed in zip((q, k, v), needs, strict=True)
        )
        for gradient in (dq, dk, dv):
            if gradient is not None and (how.gaps or not whole):
                gradient[...] = 0

        def add(gradient: Any, block: Block, a: Any, b: Any) -> None:
            part = gradient[block.keys]
            if block.whole:
                product(a, b, part)
            else:
                part += xp.matmul(a, b)

        for block, (weights, rows) in zip(parts, kept, strict=True):
            d = d_context[block.queries]
            if weights is None:
                weights = scores_of(block)
                family.weights_again(weights, how.scale, bias_of(block), block.offset, rows)
            if dv is not None:
                add(dv, block, how.thinned(xp, weights, block.place).swapaxes(-1, -2), d)
            if dq is None and dk is None:
                continue
            d_scores = empty(xp, weights.shape, weights.dtype)
            product(d, v[block.keys].swapaxes(-1, -2), d_scores)
            d_scores = how.thinned(xp, d_scores, block.place, d_scores)
            family.score_gradient(weights, d_scores, how.scale)
            if dq is not None:
                product(d_scores, k[block.keys], dq[block.queries])
            if dk is not None:
                add(dk, block, d_scores.swapaxes(-1, -2), q[block.queries])
        return dq, dk, dv

    return context, backward


def attention_settings(
    q: Any,
    lengths: Sequence[int],
    key_lengths: Sequence[int],
    scale: float | None,
    rate: float,
    generator: Any,
    needs: Any,
    gaps: bool,
) -> AttentionSettings:
    """Settings for q (…, N, P, D) of sequences of ``lengths``."""
    check_rate(rate)
    require_features("attention", q)
    key, first = None, 0
    if rate:
        generator = check_generator("attention dropout", generator)
        key, first = generator.draw_scores(q.shape[-3], lengths, key_lengths)
    if scale is not None:
        require_number("scale", scale)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    keeps = max((T * S for T, S in zip(lengths, key_lengths, strict=True)), default=0) <= KEPT
    return AttentionSettings(scale, rate, key, first, any(needs) and keeps, any(needs) and not keeps, gaps)


@differentiable
def scaled_dot_product_attention(
    xp, q, k, v, mask=None, *, causal=False, scale=None, rate=0.0, generator=None, needs
):
    """Attention softmax(scale · q·kᵀ)·v of each head (Vaswani et al. 2017, equation 1), without its weights.

    Args:
        q: (B, N, T, D) queries.
        k: (B, N, S, D) keys.
        v: (B, N, S, E) values.
        mask: True where a key counts, (B, S), (B, T, S), (B, N, T, S) or any of them with axes of 1; or
            lengths (B,). A query that sees no key gets zeros.
        causal: Query t sees the keys up to t + S - T, so that the last query sees all; needs S >= T.
        scale: 1/√D by default.
        rate: Dropout rate of the weights; takes one draw.
        generator: Source of the dropout masks.

    Returns:
        Contexts (B, N, T, E).

    Raises:
        ShapeError: Shapes that do not fit, or dtypes that differ.
        UsageError: Dropout without a generator.
    """
    _check(q, k, v)
    B, N, T, _ = q.shape
    S = k.shape[2]
    if causal and S < T:
        raise ShapeError(f"causal attention: expected at least {T} keys for {T} queries, got {S}")
    bias = bias_of_mask(xp, mask, (B, N, T, S), q.dtype)
    if bias is not None and bias.shape[3] != S:
        bias = xp.broadcast_to(bias, (*bias.shape[:3], S))
    how = attention_settings(q, [T] * B, [S] * B, scale, rate, generator, needs, gaps=T * S == 0)
    context, back = attend(xp, q, k, v, bias, list(blocks(B, N, T, S, causal)), how)

    def backward(d_context):
        gradients = back(d_context, needs[:3])
        return gradients if len(needs) == 3 else (*gradients, None)

    return context, backward


@differentiable
def split_heads(xp, x, *, heads, parts=1):
    """Split x (…, T, parts·N·D) into ``parts`` arrays (…, N, T, D), views of it; N is ``heads``.

    One linear layer gives queries, keys and values side by side.

    Raises:
        ShapeError: Columns that cannot be split so.
    """
    _check_split(x)
    *before, T, width = x.shape
    if heads < 1 or parts < 1 or width % (parts * heads):
        raise ShapeError(f"split_heads: expected columns for {parts} parts of {heads} heads, got {width}")
    split = x.reshape(*before, T, parts, heads, width // parts // heads)

    def backward(*gradients):
        dx = empty(xp, split.shape, x.dtype)
        for part, gradient in enumerate(gradients):
            dx[..., part, :, :] = 0 if gradient is None else gradient.swapaxes(-3, -2)
        return dx.reshape(x.shape)

    return tuple(split[..., part, :, :].swapaxes(-3, -2) for part in range(parts)), backward
