"""How attention is cut into blocks: not all scores of T queries and S keys stand in memory at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

BLOCK = 1 << 19
"""Scores of one block, at most; more only where one of its rows is longer than BLOCK / ROWS. On the CPU they
stay in the cache."""

ROWS = 64
"""Queries of one block, at least."""


class Block(NamedTuple):
    """One part of the work: where its queries and keys stand, and what it sees of them."""

    queries: tuple[slice, slice, slice]
    keys: tuple[slice, slice, slice]
    place: int
    """Where its first score stands among all scores, one after another."""
    offset: int | None
    """Causal: its query t, counted from 0, sees its keys up to t + offset."""
    whole: bool
    """Whether all queries of its keys are in this block."""


def _rows(T: int, S: int, causal: bool) -> Iterator[tuple[slice, slice, int | None, bool]]:
    """Queries (as a slice), the keys that they see, offset and whether these are all, block by block."""
    size = T if T * S <= BLOCK else max(ROWS, BLOCK // S)
    for start in range(0, T, size):
        end = min(start + size, T)
        seen = end + S - T if causal else S
        yield slice(start, end), slice(0, seen), start + S - T if causal else None, size == T


def blocks(B: int, N: int, T: int, S: int, causal: bool) -> Iterator[Block]:
    """Blocks for (B, N, T, S) scores: several examples, or heads of one, or queries of one head."""
    if B * N * T * S == 0:
        return
    at_once = max(1, BLOCK // (T * S))
    examples, heads = max(1, at_once // N), min(at_once, N)
    for b in range(0, B, examples):
        for n in range(0, N, heads):
            where = slice(b, b + examples), slice(n, n + heads)
            for queries, keys, offset, whole in _rows(T, S, causal):
                place = ((b * N + n) * T + queries.start) * S
                yield Block((*where, queries), (*where, keys), place, offset, whole)


def packed_blocks(N: int, lengths: Sequence[int], key_lengths: Sequence[int], causal: bool) -> list[Block]:
    """Blocks for sequences that stand one after another: all heads of one, or queries of one head."""
    found, before = [], 0
    starts, key_starts = accumulate(lengths, initial=0), accumulate(key_lengths, initial=0)
    for T, S, start, key_start in zip(lengths, key_lengths, starts, key_starts, strict=False):
        for block in blocks(1, N, T, S, causal):
            (b, n, t), (_, _, s) = block.queries, block.keys
            queries = b, n, slice(start + t.start, start + t.stop)
            keys = b, n, slice(key_start + s.start, key_start + s.stop)
            found.append(Block(queries, keys, before + block.place, block.offset, block.whole))
        before += N * T * S
    return found


def packed_groups(N: int, lengths: Sequence[int], key_lengths: Sequence[int]) -> list[np.ndarray] | None:
    """Groups of sequences that stand one after another, each with at most BLOCK scores in all heads.

    Returns:
        For each group a table (count, 5) int64: a sequence's first query, its number of queries, its first
        key, its number of keys, and where its scores begin among the group's; without sequences that have no
        scores. None if one sequence has too many.

    """
    table = np.zeros((len(lengths), 5), np.int64)
    table[:, 1], table[:, 3] = lengths, key_lengths
    table[1:, 0], table[1:, 2] = np.cumsum(lengths[:-1]), np.cumsum(key_lengths[:-1])
    scores = N * table[:, 1] * table[:, 3]
    if scores.max(initial=0) > BLOCK:
        return None
    table, scores = table[scores > 0], scores[scores > 0]
    found, start = [], 0
    while start < len(table):
        ends = np.cumsum(scores[start:])
        count = int(np.searchsorted(ends, BLOCK, side="right"))
        group = table[start : start + count]
        group[1:, 4] = ends[: count - 1]
        found.append(group)
        start += count
    return found
