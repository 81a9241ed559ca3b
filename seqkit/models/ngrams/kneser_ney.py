"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.distributed.group import ProcessGroup
from seqkit.errors import UsageError
from seqkit.files.mapped import release
from seqkit.models.ngrams.config import NGramConfig
from seqkit.models.ngrams.counting import Order, continuation_counts, count_orders
from seqkit.models.ngrams.model import NGramModel
from seqkit.models.ngrams.storage import Storage, blocks
from seqkit.models.ngrams.trie import NGramTrie
from seqkit.progress import tracked

MEMORY = 1 << 29
"""Bytes that a fit takes at most by default, beside its model and the smallest arrays."""

_BLOCK = 1 << 16


def fit_kneser_ney(
    ids: np.ndarray,
    config: NGramConfig,
    *,
    prune: Sequence[int] = (),
    discount_fallback: Sequence[float] | None = None,
    memory: int = MEMORY,
    folder: Path | None = None,
    dtype: Any = np.float32,
) -> NGramModel:
    """Fit a model to a stream of ids; lines begin at its first id and after each ``eos_id``.

    For a context h of k-1 words that was seen, with h' the context without its first word,

        p_k(w | h) = max(c(hw) - D(c(hw)), 0) / c(h)  +  b(h) p_{k-1}(w | h')

    where c are the adjusted counts of :func:`~seqkit.models.ngrams.counting.continuation_counts`, c(h) is
    their sum over w, D the discounts of that order, and b(h) = sum_w D(c(hw)) / c(h) redistributes exactly
    what they took. A context never seen leaves p_k = p_{k-1}. Below the unigrams is the uniform 1/V, so every
    id has a positive probability in every context and they sum to 1. The context of a line's first word is
    one start symbol, which is never predicted.

    Args:
        ids: (N,) integers, N at least 1.
        config: Vocabulary size, order, and the id that ends each line.
        prune: Of each order from 1 on, an n-gram that occurs at most that many times is left out, as KenLM's
            ``--prune`` has it: the first number is 0, they do not fall, the last one holds for all higher
            orders, and what an n-gram had goes to its context's back-off weight. Discounts are those of all
            n-grams.
        discount_fallback: The discounts of counts of 1, 2 and 3 or more for orders whose counts do not
            determine all three, as KenLM's ``--discount_fallback`` has it; by default only what is not
            determined is 0.5, 1 and 1.5.
        memory: Bytes to take beside the model; what is larger lies in temporary files.
        folder: The folder of temporary files; None for the system's.
        dtype: Type of the logarithms of the model.

    Raises:
        ShapeError: ``ids`` is not a vector of integers.
        UsageError: Ids outside 0 … V-1 or none at all, or arguments out of range.
        DataError: The temporary files cannot be written.
    """
    model = fit_in_group(
        ids,
        config,
        ProcessGroup(),
        prune=prune,
        discount_fallback=discount_fallback,
        memory=memory,
        folder=folder,
        dtype=dtype,
    )
    assert model is not None
    return model


def fit_in_group(
    ids: np.ndarray,
    config: NGramConfig,
    group: ProcessGroup,
    *,
    prune: Sequence[int] = (),
    discount_fallback: Sequence[float] | None = None,
    memory: int = MEMORY,
    folder: Path | None = None,
    dtype: Any = np.float32,
) -> NGramModel | None:
    """Fit a model by several processes, each of which counts a piece of the same ids.

    The model, which the first process returns and the others do not have, is that of :func:`fit_kneser_ney`
    to the bit. ``memory`` is that of each process; for the rest see there.
    """
    if np.size(ids) == 0:
        raise UsageError("Kneser-Ney: no tokens to count")
    thresholds = pruning_thresholds(prune, config.order)
    if discount_fallback is not None:
        check_discounts(discount_fallback)
    storage, trie = Storage(memory, folder), NGramTrie(config.vocab_size)
    fitter = _Fitter(config, trie, storage, thresholds, discount_fallback, dtype)
    below: Order | None = None
    orders = count_orders(ids, config, trie, storage, group)
    for order in tracked(orders, "fitting n-grams", "orders", total=config.order):
        if below is not None and group.is_first:
            fitter.add(below, continuation_counts(below, order, storage))
        below = order
    if not group.is_first:
        return None
    assert below is not None
    fitter.add(below, below.occurrences)
    return fitter.model()


def discounts(counts: np.ndarray, fallback: Sequence[float] | None = None) -> np.ndarray:
    """Return the discounts of counts of 0, 1, 2, and 3 or more: (4,) float64, the first 0.

    With n_j the number of n-grams counted j times and Y = n_1 / (n_1 + 2 n_2), D_j = j - (j + 1) Y n_{j+1} /
    n_j for j = 1, 2, 3 (Chen & Goodman 1999, modified Kneser-Ney smoothing). Where one of these numbers is
    zero, or the result is not strictly between 0 and j, there is nothing to estimate from (small corpora;
    characters, of which none is rare) and D_j = j / 2: some probability goes to the lower order, some stays.
    Every D_j is thus positive and below the counts it is subtracted from.

    Args:
        counts: The adjusted counts of the n-grams of one order.
        fallback: Three discounts to take instead if any of the three has nothing to be estimated from.
    """
    counted = np.zeros(6, np.int64)
    for begin in range(0, len(counts), _BLOCK):
        counted += np.bincount(np.minimum(counts[begin : begin + _BLOCK], 5), minlength=6)
        release(counts)
    n = counted.tolist()
    result, estimated = np.array([0.0, 0.5, 1.0, 1.5]), 0
    if n[1] and n[2]:
        y = n[1] / (n[1] + 2 * n[2])
        for j in (1, 2, 3):
            if n[j] > 0 and n[j + 1] > 0:
                estimate = j - (j + 1) * y * n[j + 1] / n[j]
                if 0 < estimate < j:
                    result[j] = estimate
                    estimated += 1
    if fallback is not None and estimated < 3:
        result[1:] = fallback
    return result


def check_discounts(fallback: Sequence[float]) -> None:
    """Raise UsageError unless these are discounts of counts of 1, 2, and 3 or more."""
    if len(fallback) != 3 or not all(0 < given < j for j, given in enumerate(fallback, 1)):
        raise UsageError(
            f"expected discounts between 0 and 1, 0 and 2, and 0 and 3 to fall back to, got {list(fallback)}"
        )


def pruning_thresholds(prune: Sequence[int], order: int) -> list[int]:
    """Return the occurrences up to which n-grams of each order are left out.

    Raises:
        UsageError: More numbers than orders, numbers that fall, or words to be left out.
    """
    given = list(prune)
    if len(given) > order:
        raise UsageError(
            f"expected at most {order} numbers to prune by, for orders 1 to {order}, got {given}"
        )
    if any(not isinstance(t, int) or t < 0 for t in given) or given != sorted(given):
        raise UsageError(f"expected numbers to prune by of at least 0 that do not fall, got {given}")
    if given and given[0]:
        raise UsageError(f"expected the first number to prune by, for single words, to be 0, got {given}")
    return given + [given[-1] if given else 0] * (order - len(given))


@dataclass
class _Fitter:
    """Turns the counts of one order after another into probabilities and back-off weights."""

    config: NGramConfig
    trie: NGramTrie
    storage: Storage
    thresholds: list[int]
    fallback: Sequence[float] | None
    dtype: Any

    def __post_init__(self) -> None:
        self.log10_probs: list[np.ndarray] = []
        self.log10_backoffs: list[np.ndarray] = []
        self._kept: list[np.ndarray] = []
        self._below = np.empty(0)  # p of the n-grams of the last order

    def add(self, order: Order, counts: np.ndarray) -> None:
        """Add an order with its adjusted counts (M_k,)."""
        k, V = len(self.log10_probs) + 1, self.config.vocab_size
        taken = discounts(counts[:V] if k == 1 else counts, self.fallback)
        if k == 1:
            counts = counts[:V]  # the start symbol is never predicted
            lost = taken[np.minimum(counts, 3)]
            total = float(counts.sum(dtype=np.int64))
            self._below = np.append((counts - lost) / total + lost.sum() / total / V, np.nan)
            self._kept.append(np.ones(V + 1, bool))
        else:
            self._below = self._probabilities(k, order, counts, taken)
        self.log10_probs.append(self._log10(self._below))

    def _probabilities(self, k: int, order: Order, counts: np.ndarray, taken: np.ndarray) -> np.ndarray:
        first, size = self.trie.first[k - 2], self.trie.size(k)
        probs = self._lower(order.suffixes)
        backoffs = self.storage.zeros(self.trie.size(k - 1), np.float64)
        kept = self.storage.zeros(size, bool)
        threshold = self.thresholds[k - 1]
        for contexts in _context_blocks(first, self.storage.block):
            at = slice(int(first[contexts.start]), int(first[contexts.stop]))
            lengths = np.diff(first[contexts.start : contexts.stop + 1])
            seen = np.flatnonzero(lengths)
            starts = (first[contexts.start : contexts.stop][seen] - at.start).astype(np.int64)
            count = counts[at]
            lost = taken[np.minimum(count, 3)]
            kept[at] = keep = order.occurrences[at] > threshold
            weight = np.ones(len(lengths))
            if len(seen):
                total = np.add.reduceat(count, starts, dtype=np.int64)
                freed = np.add.reduceat(np.where(keep, lost, count) if threshold else lost, starts)
                weight[seen] = freed / total
                repeats = lengths[seen]
                probs[at] *= np.repeat(weight[seen], repeats)
                probs[at] += (count - lost) / np.repeat(total, repeats)
            backoffs[contexts.start : contexts.stop] = weight
            release(probs, backoffs, kept, counts, order.occurrences, first)
        self._kept.append(kept)
        self.log10_backoffs.append(self._log10(backoffs))
        release(first, backoffs, self._below)
        return probs

    def _lower(self, suffixes: np.ndarray) -> np.ndarray:
        """Return the lower order's probabilities of n-grams without their first words: (M_k,) float64."""
        result = self.storage.zeros(len(suffixes), np.float64)
        windows = self.storage.windows(self._below)
        for low, high in windows:
            for begin, end in blocks(len(suffixes), self.storage.block):
                places, block = suffixes[begin:end], result[begin:end]
                if len(windows) == 1:
                    block[:] = self._below[places]
                else:
                    here = np.flatnonzero((places >= low) & (places < high))
                    block[here] = self._below[places[here]]
                release(suffixes, result)
            release(self._below)
        return result

    def _log10(self, values: np.ndarray) -> np.ndarray:
        result = self.storage.zeros(len(values), self.dtype)
        for begin in range(0, len(values), self.storage.block):
            result[begin : begin + self.storage.block] = np.log10(values[begin : begin + self.storage.block])
            release(result, values)
        return result

    def _only(self, array: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Return the items of an array that are kept."""
        result, size = self.storage.zeros(self._number(kept), array.dtype), 0
        for begin, end in blocks(len(array), self.storage.block):
            items = array[begin:end][kept[begin:end]]
            result[size : size + len(items)] = items
            size += len(items)
            release(result, array, kept)
        return result

    def _starts(self, first: np.ndarray, kept: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        """Return where the continuations that are kept begin, of each context that is kept, and their end."""
        result, at, before = self.storage.zeros(self._number(contexts) + 1, np.int32), 0, 0
        for block in _context_blocks(first, self.storage.block):
            begin, end = int(first[block.start]), int(first[block.stop])
            places = np.concatenate(([0], np.cumsum(kept[begin:end], dtype=np.int64)))
            starts = before + places[first[block] - begin][contexts[block]]
            result[at : at + len(starts)] = starts
            at, before = at + len(starts), before + int(places[-1])
            release(result, first, kept, contexts)
        result[at] = before
        return result

    def _number(self, kept: np.ndarray) -> int:
        return sum(int(np.count_nonzero(kept[i:j])) for i, j in blocks(len(kept), self.storage.block))

    def model(self) -> NGramModel:
        """Return the model of the orders added."""
        trie = self.trie
        if any(self.thresholds):
            trie = NGramTrie(self.config.vocab_size)
            for k in range(2, self.config.order + 1):
                kept = self._kept[k - 1]
                # The n-grams of a context that is left out occur no more often, and are left out as well.
                starts = self._starts(self.trie.first[k - 2], kept, self._kept[k - 2])
                trie.append(self._only(self.trie.words[k - 1], kept), starts)
                self.log10_probs[k - 1] = self._only(self.log10_probs[k - 1], kept)
                if k < self.config.order:
                    self.log10_backoffs[k - 1] = self._only(self.log10_backoffs[k - 1], kept)
        return NGramModel(self.config, trie, list(self.log10_probs), list(self.log10_backoffs))


def _context_blocks(first: np.ndarray, block: int) -> Iterator[slice]:
    """Iterate over ranges of contexts that have about ``block`` n-grams, or one context with more."""
    contexts, begin = len(first) - 1, 0
    while begin < contexts:
        end = int(np.searchsorted(first, int(first[begin]) + block, "right")) - 1
        end = min(max(end, begin + 1), begin + block, contexts)
        yield slice(begin, end)
        begin = end
