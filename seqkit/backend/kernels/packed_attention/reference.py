"""Attention of packed sequences in training: products, softmaxes and their gradients, of many at once.

A row of ``table`` (count, 5) int64, of NumPy, is a sequence: its first query, T, its first key, S, and where
its scores (N, T, S) begin in the flat array of all scores; T and S are 1 or more. Queries (N, P, D) and keys
(N, R, D) stand one after another; all arrays but the flat ones may be views.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqkit.backend.device import array_module
from seqkit.backend.kernels.attention import reference as attention


def _sequences(flat: Any, table: Any, heads: int) -> Iterator[tuple[slice, slice, Any]]:
    """Return the queries and the keys of each sequence, and its scores (N, T, S), a view."""
    for query, T, key, S, place in table.tolist():
        scores = flat[place : place + heads * T * S].reshape(heads, T, S)
        yield slice(query, query + T), slice(key, key + S), scores


def scores(a: Any, b: Any, table: Any, out: Any) -> None:
    """out = a·bᵀ of each head: a (N, P, D) by queries, b (N, R, D) by keys."""
    xp = array_module(a)
    for queries, keys, own in _sequences(out, table, len(a)):
        own[...] = xp.matmul(a[:, queries], b[:, keys].swapaxes(1, 2))


def softmax(scores: Any, table: Any, heads: int, scale: float, causal: bool) -> None:
    """Turn scores into weights, in place; ``causal``: the last query of a sequence sees all its keys."""
    for _, _, own in _sequences(scores, table, heads):
        T, S = own.shape[1:]
        attention.softmax(own[None], scale, None, S - T if causal else None, False)


def score_gradient(weights: Any, gradient: Any, table: Any, heads: int, scale: float) -> None:
    """The gradient of the scores, in the place of that of the weights."""
    both = zip(_sequences(weights, table, heads), _sequences(gradient, table, heads), strict=True)
    for (*_, own), (*_, d) in both:
        attention.score_gradient(own, d, scale)


def by_query(weights: Any, x: Any, table: Any, out: Any) -> None:
    """out (N, P, E) = weights·x of each head: x (N, R, E) by keys."""
    xp = array_module(x)
    for queries, keys, own in _sequences(weights, table, len(x)):
        out[:, queries] = xp.matmul(own, x[:, keys])


def by_key(weights: Any, x: Any, table: Any, out: Any) -> None:
    """out (N, R, E) = weightsᵀ·x of each head: x (N, P, E) by queries."""
    xp = array_module(x)
    for queries, keys, own in _sequences(weights, table, len(x)):
        out[:, keys] = xp.matmul(own.swapaxes(1, 2), x[:, queries])
