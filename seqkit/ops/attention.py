"""Attention: every query reads a mean of the values, weighted by how its key fits.

One op scores, masks, normalises and reads for all queries at once: a matrix product for the scores of all
T × S pairs, one for the contexts. Axes before the last two are batches, so that heads need no loop either.

A mask says which keys count: lengths (B,), or booleans (B, S), (B, T, S), or one with all axes of the scores;
an axis of 1 serves all. A query that no key counts for reads zeros, with weights of zero, and passes no
gradient on: a padded row must not turn a batch into NaN.

Both outputs carry a gradient: the contexts, and the weights, so that a loss may use them (to supervise
alignments). Where nobody does, that part costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.autograd import differentiable
from seqkit.backend import empty, zeros
from seqkit.backend.kernels import kernels
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, require_number
from seqkit.ops.arguments import arguments, require_features
from seqkit.ops.dropout import check_generator, check_rate

_check = arguments("attention", q="B, …, T, D", k="B, …, S, D", v="B, …, S, E")
_check_additive = arguments("additive_attention", q="B, …, T, A", k="B, …, S, A", v="B, …, S, E", w="A")


def _require_keys(name: str, k: Any) -> None:
    if k.shape[-2] == 0:
        raise ShapeError(f"{name}: expected keys, got none: {k.shape}")


def bias_of_mask(xp: Any, mask: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """Return the bias that masks scores of ``shape`` (B, …, T, S): 0 where a key counts, else -inf.

    Or None.
    """
    if mask is None:
        return None
    if not hasattr(mask, "dtype"):
        raise ShapeError(f"expected a mask to be an array, got {mask!r}")
    given, S = f"{mask.dtype} {mask.shape}", shape[-1]
    if mask.dtype.kind in "iu" and mask.ndim == 1:
        mask = xp.arange(S) < mask[:, None]
    if mask.ndim == 2:
        mask = mask[:, None, :]
    if mask.dtype.kind == "b" and 3 <= mask.ndim <= len(shape):
        mask = mask.reshape(mask.shape[0], *[1] * (len(shape) - mask.ndim), *mask.shape[1:])
        if all(n in (1, due) for n, due in zip(mask.shape, shape, strict=True)):
            return xp.where(mask, zeros(xp, mask.shape, dtype), dtype.type(-math.inf))
    raise ShapeError(
        f"expected a mask for scores {shape} to be lengths ({shape[0]},), or booleans ({shape[0]}, {S}), "
        f"({shape[0]}, {shape[-2]}, {S}) or {shape}, got {given}"
    )


def _softmax_in_place(xp: Any, scores: Any, bias: Any) -> None:
    """Softmax over the last axis; a row of -inf alone becomes 0."""
    if bias is not None:
        scores += bias
    top = scores.max(axis=-1, keepdims=True)
    if bias is not None:
        top = xp.maximum(top, np.finfo(scores.dtype).min)  # -inf - -inf would be NaN
    scores -= top
    xp.exp(scores, out=scores)
    scores /= xp.maximum(
        scores.sum(axis=-1, keepdims=True), 1
    )  # the top alone adds 1: only empty rows are below


def _product(xp: Any, a: Any, b: Any, like: tuple[int, ...]) -> Any:
    """a·b of each example, a new array; a (..., M, K), b (..., K, N), ``like`` the result's shape."""
    out = empty(xp, like, a.dtype)
    family = kernels("matrix_product", xp, a.dtype)
    if a.ndim == 3:
        family.products_of_heads(a[:, None], b[:, None], out[:, None])
    elif a.ndim == 4:
        family.products_of_heads(a, b, out)
    else:
        xp.matmul(a, b, out=out)
    return out


Backward = Callable[[Any, Any, bool, bool], tuple[Any, Any]]


def _read(xp: Any, weights: Any, v: Any, rate: float, generator: Generator | None) -> tuple[Any, Backward]:
    """Return contexts (…, T, E) of weights (…, T, S) after dropout, and their backward.

    The backward takes the gradients of contexts and weights (one may be None), and whether those of the
    scores (before the softmax) and of v are needed, and returns them.
    """
    check_rate(rate)
    used, key, first, threshold, factor = weights, None, 0, round((1 - rate) * 2**32), 1 / (1 - rate)
    dropout = kernels("dropout", xp, weights.dtype)
    if rate:
        key, first = check_generator("attention dropout", generator).draw(weights.shape)
        used = empty(xp, weights.shape, weights.dtype)
        dropout.masked_scale(weights, key, threshold, factor, used, first)
    context = _product(xp, used, v, (*used.shape[:-1], v.shape[-1]))

    def backward(d_context: Any, d_weights: Any, of_scores: bool, of_v: bool) -> tuple[Any, Any]:
        d_scores = dv = None
        if of_v and d_context is not None:
            dv = _product(xp, used.swapaxes(-1, -2), d_context, v.shape)
        if of_scores:
            d = d_weights
            if d_context is not None:
                d = _product(xp, d_context, v.swapaxes(-1, -2), weights.shape)
                if key is not None:
                    dropout.masked_scale(d, key, threshold, factor, d, first)
                if d_weights is not None:
                    d += d_weights
            d_scores = xp.multiply(d, weights, out=empty(xp, weights.shape, weights.dtype))
            d_scores -= weights * d_scores.sum(axis=-1, keepdims=True)
        return d_scores, dv

    return context, backward


@differentiable
def attention(xp, q, k, v, mask=None, *, scale=None, rate=0.0, generator=None, needs):
    """Attention softmax(scale · q·kᵀ)·v.

    Args:
        q: (B, …, T, D) queries.
        k: (B, …, S, D) keys.
        v: (B, …, S, E) values.
        mask: Which keys count; see the module.
        scale: 1/√D by default (Vaswani et al. 2017, equation 1); 1 gives the dot product of Luong et al.
            (2015).
        rate: Dropout rate of the weights; above 0 it takes one draw from ``generator``.
        generator: Source of the dropout mask.

    Returns:
        Contexts (…, T, E), and the weights (…, T, S) before their dropout.

    Raises:
        ShapeError: Shapes that do not fit, or dtypes that differ.
        UsageError: Dropout without a generator.
    """
    _check(q, k, v)
    _require_keys("attention", k)
    require_features("attention", q)
    if scale is not None:
        require_number("scale", scale)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    weights = _product(xp, q, k.swapaxes(-1, -2), (*q.shape[:-1], k.shape[-2]))
    if scale != 1:
        weights *= scale
    _softmax_in_place(xp, weights, bias_of_mask(xp, mask, weights.shape, weights.dtype))
    context, back = _read(xp, weights, v, rate, generator)

    def backward(d_context, d_weights):
        d_scores, dv = back(d_context, d_weights, needs[0] or needs[1], needs[2])
        if d_scores is not None and scale != 1:
            d_scores *= scale
        dq = dk = None
        if needs[0]:
            dq = _product(xp, d_scores, k, q.shape)
        if needs[1]:
            dk = _product(xp, d_scores.swapaxes(-1, -2), q, k.shape)
        return (dq, dk, dv) if len(needs) == 3 else (dq, dk, dv, None)

    return (context, weights), backward


@differentiable
def additive_attention(xp, q, k, v, w, mask=None, *, rate=0.0, generator=None, needs):
    """:func:`attention` with the scores w·tanh(q + k) of Bahdanau, Cho, Bengio (2015, A.1.2).

    The tanh of all pairs, (T, …, S, A), is kept for the backward.

    Args:
        q: (B, …, T, A) queries after their projection, which is one matrix product.
        k: (B, …, S, A) keys after their projection.
        v: (B, …, S, E) values.
        w: (A,).
        mask: Which keys count; see the module.
        rate: Dropout rate of the weights.
        generator: Source of the dropout mask.

    Returns:
        Contexts (…, T, E), and the weights (…, T, S) before their dropout.
    """
    _check_additive(q, k, v, w)
    _require_keys("additive_attention", k)
    T, A = q.shape[-2:]
    weights = empty(xp, (*q.shape[:-1], k.shape[-2]), q.dtype)
    pairs = empty(xp, (T, *k.shape), q.dtype)
    for t in range(T):  # one query at a time: its pairs stay in the cache for all three passes
        pair = pairs[t]
        xp.add(q[..., t : t + 1, :], k, out=pair)
        xp.tanh(pair, out=pair)
        weights[..., t, :] = xp.matmul(pair, w)
    _softmax_in_place(xp, weights, bias_of_mask(xp, mask, weights.shape, weights.dtype))
    context, back = _read(xp, weights, v, rate, generator)

    def backward(d_context, d_weights):
        of_pairs = needs[0] or needs[1]
        d_scores, dv = back(d_context, d_weights, of_pairs or needs[3], needs[2])
        dq: Any = empty(xp, q.shape, q.dtype) if needs[0] else None
        dk: Any = zeros(xp, k.shape, k.dtype) if needs[1] else None
        dw: Any = zeros(xp, w.shape, w.dtype) if needs[3] else None
        for t in range(T if of_pairs or needs[3] else 0):
            pair, d = pairs[t], d_scores[..., t, :]
            if needs[3]:
                dw += xp.matmul(d.reshape(1, -1), pair.reshape(-1, A))[0]
            if of_pairs:
                d_pair = 1 - pair * pair
                d_pair *= w
                d_pair *= d[..., None]
                if needs[0]:
                    dq[..., t, :] = d_pair.sum(axis=-2)
                if needs[1]:
                    dk += d_pair
        return (dq, dk, dv, dw) if len(needs) == 4 else (dq, dk, dv, dw, None)

    return (context, weights), backward
