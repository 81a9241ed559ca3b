"""Counting n-grams in bounded memory, one order after another, by sorting integer keys.

Several processes count together: each reads its own piece of the text, and each has a range of the n-grams of
every order, in their order, of which it adds up what all have counted. The numbers that n-grams have are
thereby those that a single process gives them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.backend.kernels import kernels
from seqkit.distributed.group import ProcessGroup
from seqkit.errors import UsageError
from seqkit.files.mapped import release
from seqkit.models.ngrams.config import LARGEST_SIZE, NGramConfig
from seqkit.models.ngrams.runs import Counts, Run, merged, run_of
from seqkit.models.ngrams.storage import Pile, Storage, blocks
from seqkit.models.ngrams.trie import ABSENT, NGramTrie, padded_lines
from seqkit.progress import tracked

_SAMPLES = 1 << 16
"""Keys, of all processes together, by which the n-grams are divided among them."""


@dataclass
class Order:
    """The n-grams of one order, in the order of their numbers.

    Attributes:
        occurrences: How often each occurs: (M_k,) int32, (V + 1,) of order 1.
        suffixes: The number of each without its first word: (M_k,) int32; empty of order 1.
    """

    occurrences: np.ndarray
    suffixes: np.ndarray


def count_orders(
    ids: np.ndarray,
    config: NGramConfig,
    trie: NGramTrie,
    storage: Storage,
    group: ProcessGroup | None = None,
) -> Iterator[Order]:
    """Count the n-grams of a stream and iterate over the orders from 1; each is added to the trie.

    For each order the stream's keys, context * (V + 1) + last word, are sorted in runs of bounded size, one
    of each block of the stream. The runs are merged into the n-grams, and each n-gram's number goes back to
    the places of the stream where it ends: the contexts of the next order.

    Args:
        ids: (N,) integers, N at least 1.
        config: Vocabulary size, order, and the id that ends each line.
        trie: An empty trie. Of several processes only the first one's is filled.
        storage: Where large arrays lie.
        group: The processes that count together; all have the same ids. The orders come out of the first
            one, and empty ones of the others.

    Raises:
        ShapeError: ``ids`` is not a vector of integers.
        UsageError: Ids outside 0 … V-1, or too many of them.
    """
    group, V = group or ProcessGroup(), config.vocab_size
    stream = _stream(ids, config, storage, group)
    occurrences = np.zeros(V + 1, np.int64)
    for begin, end in blocks(len(stream), storage.block):
        occurrences += np.bincount(stream[begin:end], minlength=V + 1)
        release(stream)
    yield Order(group.sum(occurrences).astype(np.int32), np.empty(0, np.int32))
    numbers = storage.store(stream)  # of the n-gram of the last order that ends at each place
    contexts = V + 1
    for k in range(2, config.order + 1):
        counts = _counted(k, stream, numbers, V, storage, group)
        size = int(group.sum(np.array([len(counts.words)]))[0])
        if group.size > 1:
            counts = _collected(counts, storage, group)
        if group.is_first:
            trie.append(counts.words, _first(counts.contexts, contexts, storage))
        yield Order(counts.occurrences, counts.suffixes)
        contexts = size


def _counted(
    k: int, stream: np.ndarray, numbers: np.ndarray, V: int, storage: Storage, group: ProcessGroup
) -> Counts:
    """Count one order; change the numbers to those of its n-grams, and return this process's range."""
    before = _number_before(numbers, group)
    splitters = _splitters(stream, numbers, V, group)
    own = blocks(len(stream), storage.block)
    rounds = max(len(x) for x in group.gather(np.zeros((1, 0), np.int8).repeat(len(own), 0)))
    places = [*own, *[(0, 0)] * (rounds - len(own))][::-1]
    piles = [Pile(storage, len(stream), dtype) for dtype in (np.int64, np.int32, np.int32)]
    runs: list[Run] = []  # of each round, of each process
    # Backwards, since a block needs the number of the place before it as it was.
    for begin, end in tracked(places, f"counting {k}-grams", "blocks"):
        run = run_of(stream, numbers, begin, end, before, V)
        cuts = [0, *np.searchsorted(run.keys, splitters), len(run.keys)]
        received = [group.exchange([x[i:j] for i, j in itertools.pairwise(cuts)]) for x in run]
        runs += [
            Run(*(pile.store(array) for pile, array in zip(piles, arrays, strict=True)))
            for arrays in zip(*received, strict=True)
        ]
    counts, answers = merged(runs, V, storage)
    del runs, piles
    sizes = [int(x[0]) for x in group.gather(np.array([len(counts.words)]))]
    start = np.int32(sum(sizes[: group.rank]))
    for i, (begin, end) in enumerate(places):
        known = answers[i * group.size : (i + 1) * group.size]
        found = np.concatenate([*group.exchange([start + a for a in known]), [np.int32(ABSENT)]])
        numbers[begin:end] = found[numbers[begin:end]]  # where there is no n-gram, -1: the last one
        release(numbers, *known)
    return counts


def _number_before(numbers: np.ndarray, group: ProcessGroup) -> int:
    """Return the number of the place before this process's piece of the stream."""
    last = [piece for piece in group.gather(numbers[-1:].copy())[: group.rank] if len(piece)]
    return int(last[-1][0]) if last else ABSENT


def _splitters(stream: np.ndarray, numbers: np.ndarray, V: int, group: ProcessGroup) -> np.ndarray:
    """Return the keys at which the ranges of processes 1, 2, … begin, by a sample of distinct n-grams."""
    if group.size == 1:
        return np.empty(0, np.int64)
    step = max(1, len(stream) * group.size // _SAMPLES)
    places = np.arange(1, len(stream), step)
    words, contexts = stream[places], numbers[places - 1]
    keys = (contexts.astype(np.int64) * (V + 1) + words)[(words < V) & (contexts != ABSENT)]
    sample = np.unique(np.concatenate(group.gather(keys)))
    if not len(sample):
        return np.zeros(group.size - 1, np.int64)
    return sample[len(sample) * np.arange(1, group.size) // group.size]


def _collected(counts: Counts, storage: Storage, group: ProcessGroup) -> Counts:
    """Return the ranges of all processes one after another, in the first process; nothing in the others."""
    sizes = [int(x[0]) for x in group.gather(np.array([len(counts.words)]))]
    total = sum(sizes) if group.is_first else 0
    whole = Counts(*(storage.zeros(total, np.int32) for _ in counts))
    starts = np.cumsum([0, *sizes])
    for begin, end in blocks(max(sizes), storage.block):
        for source, target in zip(counts, whole, strict=True):
            piece = source[begin:end]
            received = group.exchange([piece, *[piece[:0]] * (group.size - 1)])
            if group.is_first:
                for start, array in zip(starts + begin, received, strict=False):
                    target[start : start + len(array)] = array
                release(target)
            release(source)
    return whole


def _first(contexts: np.ndarray, size: int, storage: Storage) -> np.ndarray:
    """Return where the continuations of each of ``size`` contexts begin: (size + 1,) int32."""
    first = storage.zeros(size + 1, np.int32)
    for begin, end in blocks(len(contexts), storage.block):
        base = int(contexts[begin])
        counted = np.bincount(contexts[begin:end] - base)
        first[base + 1 : base + 1 + len(counted)] += counted.astype(np.int32)
        release(contexts, first)
    for begin, end in blocks(len(first), storage.block):
        carry = int(first[begin - 1]) if begin else 0
        first[begin:end] = np.cumsum(first[begin:end], dtype=np.int64) + carry
    return release(first)


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
    counts = storage.zeros(len(order.occurrences), np.int32)
    count = kernels("ngrams", np, np.dtype(np.float32)).count
    windows = storage.windows(counts)
    for low, high in windows:
        for begin, end in blocks(len(above.suffixes), storage.block):
            suffixes = above.suffixes[begin:end]
            if len(windows) > 1:
                suffixes = suffixes[(suffixes >= low) & (suffixes < high)]
            count(suffixes, counts)
            release(above.suffixes)
        release(counts)
    for begin, end in blocks(len(counts), storage.block):
        block = counts[begin:end]
        np.copyto(block, order.occurrences[begin:end], where=block == 0)
        release(order.occurrences, counts)
    return counts


def _stream(ids: np.ndarray, config: NGramConfig, storage: Storage, group: ProcessGroup) -> np.ndarray:
    """Return this process's piece of the ids, with a start symbol before every line: int32."""
    ids = np.asarray(ids)
    checked_ids("ids", ids[:0] if ids.ndim == 1 else ids, (None,), config.vocab_size)
    first, last = len(ids) * group.rank // group.size, len(ids) * (group.rank + 1) // group.size
    places = [(first + begin, first + end) for begin, end in blocks(last - first, storage.block)]
    size = 0
    for begin, end in places:
        block = checked_ids("ids", ids[begin:end], (None,), config.vocab_size)
        size += (
            len(block) + int(np.count_nonzero(block[:-1] == config.eos_id)) + _begins_line(ids, begin, config)
        )
    total = int(group.sum(np.array([size]))[0])
    if total > LARGEST_SIZE:
        raise UsageError(
            f"n-grams: {total:,} tokens with line starts; at most {LARGEST_SIZE:,} can be counted"
        )
    stream, at = storage.zeros(size, np.int32), 0
    for begin, end in places:
        padded = padded_lines(np.asarray(ids[begin:end], np.int32), config)
        if not _begins_line(ids, begin, config):
            padded = padded[1:]
        stream[at : at + len(padded)] = padded
        at += len(padded)
        release(stream, ids)
    return stream


def _begins_line(ids: np.ndarray, place: int, config: NGramConfig) -> bool:
    return place == 0 or int(ids[place - 1]) == config.eos_id
