"""Search n-grams among the continuations of their contexts, score streams by them, and count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Tables(NamedTuple):
    """The arrays of a model, by order."""

    words: Sequence[np.ndarray]
    """Of order k, from 2 on at k - 1, the last words (M_k,) int32."""
    first: Sequence[np.ndarray]
    """Of order k, from 1 on at k - 1, where the continuations of each begin (M_k + 1,) int32."""
    log10_probs: Sequence[Any]
    log10_backoffs: Sequence[Any]


tables = Tables
"""Make the tables of a model, once, for :func:`full_scores`."""


def full_scores(
    tables: Tables, stream: np.ndarray, start: int, begins: bool, log10: np.ndarray, length: np.ndarray
) -> None:
    """Write log10 P of each word of a stream (n,) int32, and the length of the n-gram that gave it.

    Args:
        tables: Of the model.
        stream: Words, and ``start`` at its beginning and before each further line.
        start: The symbol of a line's start.
        begins: Whether the stream begins with a line; otherwise its first word has no context.
        log10: (n,) float64; what it holds for the starts is anything.
        length: (n,) int64.
    """
    ends = np.flatnonzero(stream != start)
    words, numbers = stream[ends], stream.copy()
    probs, lengths = np.asarray(tables.log10_probs[0][words], np.float64), np.ones(len(words), np.int64)
    if not begins:
        numbers[0] = -1
    for k in range(2, len(tables.words) + 1):
        contexts, found = numbers[ends - 1], np.empty(len(words), np.int32)
        find(tables.words[k - 1], tables.first[k - 2], contexts, words, found)
        known = np.flatnonzero(contexts >= 0)
        probs[known] += tables.log10_backoffs[k - 2][contexts[known]]
        hits = np.flatnonzero(found >= 0)
        stated = tables.log10_probs[k - 1][found[hits]]
        given = ~np.isnan(stated)
        probs[hits[given]], lengths[hits[given]] = stated[given], k
        numbers = np.full(len(stream), -1, np.int32)
        numbers[ends] = found
    log10[ends], length[ends] = probs, lengths


def find(
    words: np.ndarray, first: np.ndarray, contexts: np.ndarray, wanted: np.ndarray, found: np.ndarray
) -> None:
    """found (N,) gets the place of each wanted word among the continuations of its context, or -1.

    Those of context c are words[first[c]:first[c + 1]], which increase. words (M,), first (C + 1,),
    contexts (N,), from -1 for none to C - 1, and wanted (N,) are int32.
    """
    found[:] = -1
    rows = np.flatnonzero(contexts >= 0)
    low, end = (first[contexts[rows] + i].astype(np.int64) for i in (0, 1))
    high, word = end.copy(), wanted[rows]
    while (low < high).any():
        middle = (low + high) // 2
        is_open = low < high
        right = is_open & (words[np.minimum(middle, len(words) - 1)] < word)
        low = np.where(right, middle + 1, low)
        high = np.where(is_open & ~right, middle, high)
    inside = np.flatnonzero(low < end)
    hit = inside[words[low[inside]] == word[inside]]
    found[rows[hit]] = low[hit]


def count(numbers: np.ndarray, counts: np.ndarray) -> None:
    """counts (M,) grows by 1 for each of the numbers (N,), 0 to M - 1. Both are int32."""
    np.add.at(counts, numbers, 1)
