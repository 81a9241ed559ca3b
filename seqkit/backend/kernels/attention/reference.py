"""Softmax of attention scores in place, between two matrix products; or the whole of attention.

``scores`` are (B, N, T, S), C-contiguous, q·kᵀ before any scaling. ``bias`` is None or 0 where a key counts
and -inf elsewhere, C-contiguous of shape (B or 1, N or 1, T or 1, S). ``offset`` is None or hides the future:
query t then sees the keys up to t + offset.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from seqkit.backend.device import array_module

IN_CACHE = 1 << 16
"""Scores of a head up to which :func:`attend_packed` may make all of them at once."""


def _masked(xp: Any, scores: Any, scale: float, bias: Any | None, offset: int | None) -> None:
    """scale · scores, and -inf where a key does not count."""
    scores *= scale
    if bias is not None:
        scores += bias
    if offset is not None:
        T, S = scores.shape[-2:]
        future = xp.arange(S) > xp.arange(T)[:, None] + offset
        scores += xp.where(future, scores.dtype.type(-math.inf), scores.dtype.type(0))


def softmax(scores: Any, scale: float, bias: Any | None, offset: int | None, wanted: bool = True) -> Any:
    """Turn scores into weights over the last axis: exp(score - top) / Σ exp(score - top).

    Returns, if ``wanted``, each row's top and 1 / Σ, (2, B, N, T): apart, for in the logarithm of the sum of
    large scores the digits of Σ are lost. A row in which no key counts becomes zeros.
    """
    xp = array_module(scores)
    _masked(xp, scores, scale, bias, offset)
    top = scores.max(axis=-1, keepdims=True)
    top = xp.maximum(top, np.finfo(scores.dtype).min)  # -inf - -inf would be NaN
    scores -= top
    xp.exp(scores, out=scores)
    share = 1 / xp.maximum(scores.sum(axis=-1, keepdims=True), 1)  # the top alone adds 1, but in empty rows
    scores *= share
    return xp.stack((top[..., 0], share[..., 0])) if wanted else None


def weights_again(scores: Any, scale: float, bias: Any | None, offset: int | None, rows: Any) -> None:
    """Turn the same scores into the same weights, bit by bit, by what :func:`softmax` returned."""
    xp = array_module(scores)
    _masked(xp, scores, scale, bias, offset)
    scores -= rows[0][..., None]
    xp.exp(scores, out=scores)
    scores *= rows[1][..., None]


def score_gradient(weights: Any, gradient: Any, scale: float) -> None:
    """The gradient of the scores, in the place of that of the weights: scale · w·(g - Σ w·g)."""
    gradient -= (weights * gradient).sum(axis=-1, keepdims=True)
    gradient *= weights
    gradient *= scale


def attend(q: Any, k: Any, v: Any, scale: float, bias: Any | None, offset: int | None, out: Any) -> None:
    """out (B, N, T, E) = softmax(scale · q·kᵀ)·v of each head, for inference.

    q (B, N, T, D), k (B, N, S, D), v (B, N, S, E), with one key or more; all may be views.
    """
    xp = array_module(q)
    scores = xp.ascontiguousarray(xp.matmul(q, k.swapaxes(-1, -2)))
    softmax(scores, scale, bias, offset, False)
    out[...] = xp.matmul(scores, v)


def attend_packed(
    q: Any,
    k: Any,
    v: Any,
    lengths: Sequence[int],
    key_lengths: Sequence[int],
    scale: float,
    causal: bool,
    out: Any,
    each: Callable[..., None] = attend,
) -> None:
    """:func:`attend` of sequences one after another: q (N, P, D), k (N, R, D), v (N, R, E), out (N, P, E).

    None is empty, and none has more than IN_CACHE scores a head. ``causal``: the last query of each sees all
    its keys. ``each`` is what does one.
    """
    t, s = accumulate(lengths, initial=0), accumulate(key_lengths, initial=0)
    for T, S, a, b in zip(lengths, key_lengths, t, s, strict=False):
        one = q[None, :, a : a + T], k[None, :, b : b + S], v[None, :, b : b + S]
        each(*one, scale, None, S - T if causal else None, out[None, :, a : a + T])
