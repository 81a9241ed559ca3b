"""Sorted runs of n-grams: made of a block of the stream each, and merged into all n-grams of an order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seqkit.files.mapped import release
from seqkit.models.ngrams.storage import Storage
from seqkit.models.ngrams.trie import ABSENT


class Run(NamedTuple):
    """The distinct n-grams of a block, sorted.

    Attributes:
        keys: (D,) int64, increasing: context * (V + 1) + last word.
        occurrences: How often each occurs: (D,) int32.
        suffixes: The number of each without its first word: (D,) int32.
    """

    keys: np.ndarray
    occurrences: np.ndarray
    suffixes: np.ndarray


class Counts(NamedTuple):
    """The n-grams of an order, or a range of them, sorted; all arrays are (M,) int32.

    Attributes:
        contexts: The number of the first k-1 words of each.
        words: The last word of each.
        occurrences: How often each occurs.
        suffixes: The number of each without its first word.
    """

    contexts: np.ndarray
    words: np.ndarray
    occurrences: np.ndarray
    suffixes: np.ndarray


def run_of(stream: np.ndarray, numbers: np.ndarray, begin: int, end: int, before: int, V: int) -> Run:
    """Return the n-grams that end in a block; replace the block's numbers by places in the run.

    There is no n-gram on a start symbol, nor where it would reach over the start of its line: ABSENT is the
    place in the run there.

    Args:
        stream: Ids with start symbols, V.
        numbers: The number of the n-gram of the order before that ends at each place, or ABSENT.
        begin: The block's first place.
        end: The place after its last one.
        before: The number of the place before the stream.
        V: The number of ids.
    """
    words, suffixes = stream[begin:end], numbers[begin:end].copy()
    contexts = np.empty_like(suffixes)
    contexts[:1] = numbers[begin - 1] if begin else before
    contexts[1:] = suffixes[:-1]
    inside = np.flatnonzero((words < V) & (contexts != ABSENT))
    keys = contexts[inside].astype(np.int64)
    keys *= V + 1
    keys += words[inside]
    keys, order = _sorted(keys)
    begins = _begins(keys)
    places = np.flatnonzero(begins)
    ends = inside[order]
    numbers[begin:end] = ABSENT
    numbers[begin + ends] = np.cumsum(begins, dtype=np.int32) - 1
    occurrences = np.diff(places, append=len(keys)).astype(np.int32)
    release(stream, numbers)
    return Run(keys[places], occurrences, suffixes[ends[places]])


def merged(runs: Sequence[Run], V: int, storage: Storage) -> tuple[Counts, list[np.ndarray]]:
    """Merge runs; return the n-grams, and for each run the places among them of the run's own: (D,) int32."""
    most = sum(len(run.keys) for run in runs)
    counts, size = Counts(*(storage.zeros(most, np.int32) for _ in Counts._fields)), 0
    cuts = np.cumsum([len(run.keys) for run in runs])
    answers = np.split(storage.zeros(most, np.int32), cuts[:-1])
    for parts in _ranges([run.keys for run in runs], storage.block):
        keys = np.concatenate([run.keys[part] for run, part in zip(runs, parts, strict=True)])
        if not len(keys):
            continue
        occurrences = np.concatenate([run.occurrences[part] for run, part in zip(runs, parts, strict=True)])
        suffixes = np.concatenate([run.suffixes[part] for run, part in zip(runs, parts, strict=True)])
        keys, order = _sorted(keys)
        begins = _begins(keys)
        numbers = np.empty(len(keys), np.int32)
        numbers[order] = np.cumsum(begins, dtype=np.int32) + np.int32(size - 1)
        at = 0
        for answer, part in zip(answers, parts, strict=True):
            answer[part] = numbers[at : at + part.stop - part.start]
            at += part.stop - part.start
        places = np.flatnonzero(begins)
        new = slice(size, size + len(places))
        counts.contexts[new], counts.words[new] = np.divmod(keys[places], V + 1)
        counts.occurrences[new] = np.add.reduceat(occurrences[order], places)
        counts.suffixes[new] = suffixes[order[places]]
        size = new.stop
        release(*counts, *answers, *(array for run in runs for array in run))
    return Counts(*(array[:size] for array in counts)), answers


def _ranges(runs: Sequence[np.ndarray], block: int) -> Iterator[list[slice]]:
    """Iterate over ranges of keys, about ``block`` entries of all runs each, as slices of the runs."""
    # Every sampled key ends block / runs entries of its run; a range has as many samples as there are runs.
    # The runs of a text that repeats itself have equal samples, which count one by one.
    step = max(1, block // len(runs))
    samples, cuts = [], []
    for keys in runs:
        samples.append(keys[step - 1 :: step].copy())
        release(keys)
    bounds = np.unique(np.sort(np.concatenate(samples))[len(runs) - 1 :: len(runs)])
    for keys in runs:
        cuts.append(np.concatenate(([0], np.searchsorted(keys, bounds, "right"), [len(keys)])))
        release(keys)
    for i in range(len(bounds) + 1):
        yield [slice(int(cut[i]), int(cut[i + 1])) for cut in cuts]


def _begins(keys: np.ndarray) -> np.ndarray:
    """Return where a key differs from the one before it: (N,) bool."""
    begins = np.empty(len(keys), bool)
    begins[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    return begins


def _sorted(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return keys (N,) int64 sorted, and the place that each had; of equal keys in their order.

    Where a key and its place fit in 63 bits they are sorted as one number, which takes 20 ns a key, where
    ``argsort`` takes 130 (a million keys, one core of an AMD EPYC).
    """
    if not len(keys):
        return keys, np.empty(0, np.int64)
    base, bits = int(keys.min()), int(len(keys) - 1).bit_length()
    if (int(keys.max()) - base).bit_length() + bits > 63:
        order = np.argsort(keys, kind="stable")
        return keys[order], order
    packed = keys - base
    packed <<= bits
    packed |= np.arange(len(keys))
    packed.sort()
    order = packed & ((1 << bits) - 1)
    packed >>= bits
    packed += base
    return packed, order
