"""Search by halves, one n-gram after another, where the reference halves all in step.

A stream is scored word by word, with the numbers of the n-grams that end at the word before: a line costs one
call instead of some forty of NumPy's (docs/results.md has the speed). The arrays of all orders are read by
address, without bounds checks: every index in them was checked when the model was loaded, or is of our own
making.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import number_at
from seqkit.backend.kernels.ngrams import reference
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import address, boolean, float64, int32, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_CHUNK = 1 << 12


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
def _place_of(word, words, low, end):
    """Where a word is among those at an address from ``low`` to ``end``, or -1."""
    high = end
    while low < high:
        middle = (low + high) >> 1
        if number_at(words + 4 * middle, np.int32) < word:
            low = middle + 1
        else:
            high = middle
    return low if low < end and number_at(words + 4 * low, np.int32) == word else np.int64(-1)


@jit
def _score(places, order, stream, start, begins, part, before, log10, length):
    """Some words of the stream; ``before`` has room for the numbers of ``order`` n-grams."""
    first, last = part
    for i in range(first, last):
        word = np.int64(stream[i])
        if word == start:
            for k in range(order):
                before[k] = -1
            if i or begins:
                before[0] = word
            continue
        prob, longest = _logarithm(places[0, 2], places[0, 3], places[0, 4], word), 1
        number, context = word, before[0]
        before[0] = word
        for k in range(1, order):
            number = np.int64(-1)
            if context >= 0:
                weight = _logarithm(places[k, 5], places[k, 6], places[k, 7], context)
                prob += weight  # in this order: each context is known only after the one before it
                continuations = places[k, 1] + 4 * context
                low = np.int64(number_at(continuations, np.int32))
                end = np.int64(number_at(continuations + 4, np.int32))
                number = _place_of(word, places[k, 0], low, end)
                if number >= 0:
                    stated = _logarithm(places[k, 2], places[k, 3], places[k, 4], number)
                    if stated == stated:  # NaN: the n-gram is only a context
                        prob, longest = stated, k + 1
            context, before[k] = before[k], number
        log10[i], length[i] = prob, longest


@task(
    places=int64("order, 8"),
    stream=int32("n"),
    line_start=int64,
    begins=boolean,
    before=int64("lines, order").written(),
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
    part = first, last
    _score(a.places, a.order, a.stream, a.line_start, a.begins, part, a.before[chunk], a.log10, a.length)


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
