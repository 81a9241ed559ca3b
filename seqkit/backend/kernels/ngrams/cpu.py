"""Search by halves, one n-gram after another, where the reference halves all in step.

A stream is scored by blocks of words, order by order, in one call instead of some forty of NumPy's
(docs/results.md has the speed). The arrays of all orders are read by address, without bounds checks: every
index in them was checked when the model was loaded, or is of our own making.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import number_at, prefetch_at
from seqkit.backend.kernels.ngrams import reference
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import address, boolean, float64, int32, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_CHUNK = 1 << 12
_BLOCK = 128
"""Words of a block: what is noted of them stays in the first cache."""


@jit
def _find(words, first, contexts, wanted, found):
    for i in range(wanted.shape[0]):
        place = np.int64(-1)
        if contexts[i] >= 0:
            word = wanted[i]
            low, end = np.int64(first[contexts[i]]), np.int64(first[contexts[i] + 1])
            high = end
            while low < high:
                middle = (low + high) >> 1
                if words[middle] < word:
                    low = middle + 1
                else:
                    high = middle
            if low < end and words[low] == word:
                place = low
        found[i] = np.int32(place)


@task(
    words=int32("M"),
    first=int32("C"),
    contexts=int32("N"),
    wanted=int32("N"),
    found=int32("N").written(),
)
def _find_chunk(a, chunk, chunks):
    begin, end = chunk_bounds(a.N, chunk, chunks)
    _find(a.words, a.first, a.contexts[begin:end], a.wanted[begin:end], a.found[begin:end])


def find(
    words: np.ndarray, first: np.ndarray, contexts: np.ndarray, wanted: np.ndarray, found: np.ndarray
) -> None:
    """See the reference."""
    chunks = chunks_for(len(wanted), _CHUNK)
    arrays = {"words": words, "first": first, "contexts": contexts, "wanted": wanted, "found": found}
    if not _find_chunk.parallel_for(chunks, **arrays):
        reference.find(words, first, contexts, wanted, found)


class Tables(NamedTuple):
    """The arrays of a model, kept alive, and their addresses."""

    arrays: reference.Tables
    places: np.ndarray | None
    """(order, 8) int64: of each order the addresses of its last words and of where the continuations of the
    order below begin; address, kind and values of its probabilities; the same of the weights of the order
    below. None where compiled code cannot read them."""


_KINDS = {np.dtype(kind): number for number, kind in enumerate((np.float32, np.float64, np.uint8, np.uint16))}
"""Logarithms, or codes of logarithms float32."""


def _stored(logarithms: Any) -> list[int] | None:
    """Address and kind of an array of logarithms, and the address of the values of its codes."""
    codes: np.ndarray = getattr(logarithms, "codes", logarithms)
    values: np.ndarray | None = getattr(logarithms, "values", None)
    kind = _KINDS.get(codes.dtype)
    if kind is None or (values is None) != (kind < 2) or not codes.flags.c_contiguous:
        return None
    if values is None:
        return [address(codes), kind, 0]
    if values.dtype != np.float32 or not values.flags.c_contiguous:
        return None
    return [address(codes), kind, address(values)]


def tables(
    words: Sequence[np.ndarray],
    first: Sequence[np.ndarray],
    log10_probs: Sequence[Any],
    log10_backoffs: Sequence[Any],
) -> Tables:
    """See the reference."""
    arrays = reference.Tables(*map(tuple, (words, first, log10_probs, log10_backoffs)))
    places = np.zeros((len(words), 8), np.int64)
    for k, row in enumerate(places):
        indices = [words[k], first[k - 1]] if k else []
        of_probs, of_backoffs = _stored(log10_probs[k]), _stored(log10_backoffs[k - 1]) if k else [0, 0, 0]
        readable = all(x.dtype == np.int32 and x.flags.c_contiguous for x in indices)
        if of_probs is None or of_backoffs is None or not readable:
            return Tables(arrays, None)
        row[:] = [*(map(address, indices) if k else (0, 0)), *of_probs, *of_backoffs]
    return Tables(arrays, places)


@jit
def _logarithm(place, kind, values, i):
    if kind == 0:
        return np.float64(number_at(place + 4 * i, np.float32))
    if kind == 1:
        return number_at(place + 8 * i, np.float64)
    code = np.int64(number_at(place + i, np.uint8))
    if kind == 3:
        code = np.int64(number_at(place + 2 * i, np.uint16))
    return np.float64(number_at(values + 4 * code, np.float32))


@jit
def _bytes_of(kind):
    """The bytes of an item, by the order of the kinds."""
    return np.int64(4) if kind == 0 else np.int64(8) if kind == 1 else np.int64(kind - 1)


@jit
def _place_of(word, words, low, end):
    """Where a word is among those at an address from ``low`` to ``end``, or -1."""
    size = end - low
    if size <= 0:
        return np.int64(-1)
    while size > 1:
        half = size >> 1
        middle = low + half
        low = middle if number_at(words + 4 * middle, np.int32) <= word else low
        size -= half
    return low if number_at(words + 4 * low, np.int32) == word else np.int64(-1)


@jit
def _score_block(places, order, words, start, begins, before, scratch, log10, length):
    """Some words of a line or of several, order by order.

    The searches of an order do not wait for each other, so what they read comes from memory at once: it is
    asked for in one loop and used in the next.

    Args:
        places: See :class:`Tables`.
        order: Of the model.
        words: (n,), at most as many as a block has.
        start: The symbol of a line's start.
        begins: Whether the first word, if it is that symbol, is the context of the next.
        before: Of each order the number of the n-gram that ends before the first word; those that end with
            the last take their place.
        scratch: (4, block) int64.
        log10: (n,) float64.
        length: (n,) int64.
    """
    n = words.shape[0]
    contexts, low, end, numbers = scratch[0], scratch[1], scratch[2], scratch[3]
    for i in range(n):
        word = np.int64(words[i])
        numbers[i] = word
        if word != start:
            length[i] = 1
            log10[i] = _logarithm(places[0, 2], places[0, 3], places[0, 4], word)
    if not begins:
        numbers[0] = -1
    for k in range(1, order):
        continuations, weights = places[k, 1], places[k, 5]
        of_weight, of_prob = _bytes_of(places[k, 6]), _bytes_of(places[k, 3])
        last = before[k - 1]
        before[k - 1] = numbers[n - 1]
        for i in range(n):
            context = last if words[i] != start else np.int64(-1)
            last = numbers[i]
            contexts[i] = context
            if context >= 0:
                prefetch_at(continuations + 4 * context)
                prefetch_at(weights + of_weight * context)
        for i in range(n):
            if contexts[i] >= 0:
                low[i] = np.int64(number_at(continuations + 4 * contexts[i], np.int32))
                end[i] = np.int64(number_at(continuations + 4 * contexts[i] + 4, np.int32))
                prefetch_at(places[k, 0] + 4 * (low[i] + ((end[i] - low[i]) >> 1)))
                weight = _logarithm(weights, places[k, 6], places[k, 7], contexts[i])
                prob = log10[i] + weight  # in this order: as the reference adds
                log10[i] = prob
        for i in range(n):
            numbers[i] = -1
            if contexts[i] >= 0:
                number = _place_of(np.int64(words[i]), places[k, 0], low[i], end[i])
                numbers[i] = number
                if number >= 0:
                    prefetch_at(places[k, 2] + of_prob * number)
        for i in range(n):
            if numbers[i] >= 0:
                stated = _logarithm(places[k, 2], places[k, 3], places[k, 4], numbers[i])
                if stated == stated:  # NaN: the n-gram is only a context
                    log10[i] = stated
                    length[i] = k + 1


@task(
    places=int64("order, 8"),
    stream=int32("n"),
    line_start=int64,
    begins=boolean,
    before=int64("lines, order").written(),
    scratch=int64("lines, 4, block").written(),
    log10=float64("n").written(),
    length=int64("n").written(),
)
def _score_chunk(a, chunk, chunks):
    """The lines that begin in some part of the stream."""
    first, last = chunk_bounds(a.n, chunk, chunks)
    while first < a.n and chunk and a.stream[first] != a.line_start:
        first += 1
    while last < a.n and a.stream[last] != a.line_start:
        last += 1
    before = a.before[chunk]
    before[:] = -1
    for begin in range(first, last, a.block):
        end = min(begin + a.block, last)
        _score_block(
            a.places,
            a.order,
            a.stream[begin:end],
            a.line_start,
            a.begins or begin > 0,
            before,
            a.scratch[chunk],
            a.log10[begin:end],
            a.length[begin:end],
        )


def full_scores(
    tables: Tables, stream: np.ndarray, start: int, begins: bool, log10: np.ndarray, length: np.ndarray
) -> None:
    """See the reference."""
    chunks = chunks_for(len(stream), _CHUNK)
    if tables.places is None or not _score_chunk.parallel_for(
        chunks,
        places=tables.places,
        stream=stream,
        line_start=start,
        begins=begins,
        before=np.empty((chunks, len(tables.places)), np.int64),
        scratch=np.empty((chunks, 4, _BLOCK), np.int64),
        log10=log10,
        length=length,
    ):
        reference.full_scores(tables.arrays, stream, start, begins, log10, length)


@jit
def _count(numbers, counts):
    for i in range(numbers.shape[0]):
        counts[numbers[i]] += 1


@task(numbers=int32("N"), counts=int32("M").written())
def _count_task(a, chunk, chunks):
    _count(a.numbers, a.counts)


def count(numbers: np.ndarray, counts: np.ndarray) -> None:
    """See the reference."""
    if not _count_task.parallel_for(1, numbers=numbers, counts=counts):
        reference.count(numbers, counts)
