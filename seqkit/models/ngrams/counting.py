"""Counting n-grams in bounded memory, one order after another, by sorting integer keys."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.models.ngrams.config import LARGEST_SIZE, NGramConfig
from seqkit.models.ngrams.storage import Storage, release
from seqkit.models.ngrams.trie import ABSENT, NGramTrie, padded_lines
from seqkit.progress import tracked


@dataclass
class Order:
    """The n-grams of one order, in the order of their numbers.

    Attributes:
        occurrences: How often each occurs: (M_k,) int32, (V + 1,) of order 1.
        suffixes: The number of each without its first word: (M_k,) int32; empty of order 1.
    """

    occurrences: np.ndarray
    suffixes: np.ndarray


def count_orders(ids: np.ndarray, config: NGramConfig, trie: NGramTrie, storage: Storage) -> Iterator[Order]:
    """Count the n-grams of a stream and iterate over the orders from 1; each is added to the trie.

    For each order the stream's keys, context * (V + 1) + last word, are sorted in runs of bounded size. The
    runs are merged into the n-grams, in which each place of the stream then looks up the number of the
    n-gram that ends there: the context of the next order.

    Args:
        ids: (N,) integers, N at least 1.
        config: Vocabulary size, order, and the id that ends each line.
        trie: An empty trie.
        storage: Where large arrays lie.

    Raises:
        ShapeError: ``ids`` is not a vector of integers.
        UsageError: Ids outside 0 … V-1, or too many of them.
    """
    V = config.vocab_size
    stream = _stream(ids, config, storage)
    occurrences = np.zeros(V + 1, np.int64)
    for begin, end in _blocks(len(stream), storage.block):
        occurrences += np.bincount(stream[begin:end], minlength=V + 1)
    yield Order(occurrences.astype(np.int32), np.empty(0, np.int32))
    numbers = storage.store(stream)  # of the n-gram of the last order that ends at each place
    for k in range(2, config.order + 1):
        runs = [
            _run(_keys(stream, numbers, begin, end, V), storage)
            for begin, end in tracked(_blocks(len(stream), storage.block), f"counting {k}-grams", "blocks")
        ]
        words, first, occurrences = _merged(runs, trie.size(k - 1), V, storage)
        del runs
        trie.append(words, first)
        suffixes = _advance(stream, numbers, trie, storage)
        yield Order(occurrences, suffixes)


def continuation_counts(order: Order, above: Order, storage: Storage) -> np.ndarray:
    """Return the adjusted counts (M_k,) int32 of an order below the highest (Kneser and Ney 1995).

    The count of an n-gram of the highest order, or of one that begins with the start symbol and so has
    nothing to its left, is how often it occurs; of any other, how many distinct words occur to its left (the
    exception as in Heafield et al. 2013, "Scalable modified Kneser-Ney language model estimation").

    Args:
        order: The order.
        above: The next order.
        storage: Where large arrays lie.
    """
    counts = storage.empty(len(order.occurrences), np.int32)
    counts[:] = 0
    kernels("ngrams", np, np.dtype(np.float32)).count(above.suffixes, counts)
    for begin, end in _blocks(len(counts), storage.block):
        block = counts[begin:end]
        np.copyto(block, order.occurrences[begin:end], where=block == 0)
    return release(counts)


def _blocks(size: int, block: int) -> list[tuple[int, int]]:
    return [(begin, min(begin + block, size)) for begin in range(0, size, block)]


def _stream(ids: np.ndarray, config: NGramConfig, storage: Storage) -> np.ndarray:
    """Return the ids with a start symbol before every line: int32."""
    ids = np.asarray(ids)
    checked_ids("ids", ids[:0] if ids.ndim == 1 else ids, (None,), config.vocab_size)
    lines = 1
    for begin, end in _blocks(len(ids), storage.block):
        block = checked_ids("ids", ids[begin:end], (None,), config.vocab_size)
        lines += int(np.count_nonzero(block == config.eos_id))
    lines -= int(ids[-1]) == config.eos_id
    size = len(ids) + lines
    if size > LARGEST_SIZE:
        raise UsageError(
            f"n-grams: {size:,} tokens with line starts; at most {LARGEST_SIZE:,} can be counted"
        )
    stream, at = storage.empty(size, np.int32), 0
    for begin, end in _blocks(len(ids), storage.block):
        padded = padded_lines(np.asarray(ids[begin:end], np.int32), config)
        if begin and int(ids[begin - 1]) != config.eos_id:
            padded = padded[1:]
        stream[at : at + len(padded)] = padded
        at += len(padded)
    return release(stream)


def _keys(stream: np.ndarray, numbers: np.ndarray, begin: int, end: int, V: int) -> np.ndarray:
    """Return the keys (N,) int64 of the n-grams that end in a block of the stream.

    There is none on a start symbol, nor where it would reach over the start of its line.
    """
    begin = max(begin, 1)
    words, contexts = stream[begin:end], numbers[begin - 1 : end - 1]
    inside = (words < V) & (contexts != ABSENT)
    keys = contexts[inside].astype(np.int64)
    keys *= V + 1
    keys += words[inside]
    return keys


Run = tuple[np.ndarray, np.ndarray]
"""Increasing keys, int64, and how often each occurs, int32."""


def _run(keys: np.ndarray, storage: Storage) -> Run:
    keys.sort()
    begins = np.empty(len(keys), bool)
    begins[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    places = np.flatnonzero(begins)
    times = np.diff(places, append=len(keys)).astype(np.int32)
    return storage.store(keys[places]), storage.store(times)


def _merged(
    runs: list[Run], contexts: int, V: int, storage: Storage
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return last words, where each context's begin, and occurrences, of all keys of the runs."""
    most = sum(len(keys) for keys, _ in runs)
    all_words, all_times, size = storage.empty(most, np.int32), storage.empty(most, np.int32), 0
    first = storage.empty(contexts + 1, np.int32)
    first[:] = 0
    for keys, times in _in_ranges(runs, storage.block):
        prefixes, words = np.divmod(keys, V + 1)
        base = int(prefixes[0])
        counts = np.bincount(prefixes - base)
        first[base + 1 : base + 1 + len(counts)] += counts.astype(np.int32)
        all_words[size : size + len(words)] = words
        all_times[size : size + len(words)] = times
        size += len(words)
        release(all_words), release(all_times), release(first)
    for begin, end in _blocks(len(first), storage.block):
        carry = int(first[begin - 1]) if begin else 0
        first[begin:end] = np.cumsum(first[begin:end], dtype=np.int64) + carry
    return release(all_words)[:size], release(first), release(all_times)[:size]


def _in_ranges(runs: list[Run], block: int) -> Iterator[Run]:
    """Merge runs: iterate over ranges of keys, of about ``block`` entries of the runs each; none is empty."""
    if len(runs) == 1:
        for begin, end in _blocks(len(runs[0][0]), block):
            yield runs[0][0][begin:end], runs[0][1][begin:end]
        return
    # Every sampled key ends block / runs entries of its run, so a range between two neighbours holds few.
    step = max(1, block // len(runs))
    bounds = np.unique(np.concatenate([keys[step - 1 :: step] for keys, _ in runs]))
    bounds = bounds[len(runs) - 1 :: len(runs)]
    cuts = [np.concatenate(([0], np.searchsorted(keys, bounds, "right"), [len(keys)])) for keys, _ in runs]
    for i in range(len(bounds) + 1):
        parts = [slice(cut[i], cut[i + 1]) for cut in cuts]
        keys = np.concatenate([run[0][part] for run, part in zip(runs, parts, strict=True)])
        times = np.concatenate([run[1][part] for run, part in zip(runs, parts, strict=True)])
        if len(keys):
            order = np.argsort(keys, kind="stable")
            keys = keys[order]
            places = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
            yield keys[places], np.add.reduceat(times[order], places)
        for array in itertools.chain.from_iterable(runs):
            release(array)


def _advance(stream: np.ndarray, numbers: np.ndarray, trie: NGramTrie, storage: Storage) -> np.ndarray:
    """Change the numbers to those of the trie's last order; return the suffix of each of its n-grams."""
    k, V = trie.order, trie.vocab_size
    suffixes = storage.empty(trie.size(k), np.int32)
    for begin, end in reversed(_blocks(len(stream), storage.block)):
        # Backwards, since a place needs the number of the place before it as it was.
        words, before = stream[begin:end], numbers[begin:end].copy()
        contexts = np.empty_like(before)
        contexts[0] = numbers[begin - 1] if begin else ABSENT
        contexts[1:] = before[:-1]
        contexts[words == V] = ABSENT
        found = trie.find(k, contexts, words)
        hit = found != ABSENT
        suffixes[found[hit]] = before[hit]
        numbers[begin:end] = found
        for array in (stream, numbers, suffixes):
            release(array)
    for array in (trie.words[k - 1], trie.first[k - 2]):
        release(array)
    return suffixes
