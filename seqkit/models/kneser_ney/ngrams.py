"""Counting n-grams in sorted integer keys.

An n-gram of order k is a number: its place in the sorted array of the keys of order k. Its key is
``prefix * (V + 1) + word``, where ``prefix`` is the number of its first k-1 words in the order below; the
n-grams that share a context therefore stand side by side. Of order 1 the number is the word itself, with
one more, V, for the start of a line. So a key fits in int64 for any order, and counting, scoring and
listing all continuations of a context are sorts and binary searches over whole arrays.
"""

from collections.abc import Mapping

import numpy as np

from seqkit.errors import DamagedFileError, ShapeError, UsageError
from seqkit.models.kneser_ney.config import LARGEST_SIZE, KneserNeyConfig

ABSENT = -1
"""The number of an n-gram that was never counted."""


def padded_lines(ids: np.ndarray, config: KneserNeyConfig) -> np.ndarray:
    """The stream ``ids`` (N,) with one start symbol, V, before every line.

    Lines begin at the first id and after each ``eos_id``. One symbol, not order - 1 of them: the
    convention of the published figures (four of them cost 4 points of perplexity on PTB).
    """
    if len(ids) == 0:
        return ids
    starts = np.flatnonzero(ids[:-1] == config.eos_id) + 1
    return np.insert(ids, np.concatenate([[0], starts]), config.vocab_size)


def find(keys: np.ndarray, prefixes: np.ndarray, words: np.ndarray, vocab_size: int) -> np.ndarray:
    """The numbers (N,) of the n-grams ``prefixes`` + ``words`` (N,) among ``keys``, ABSENT where unseen."""
    if len(keys) == 0:
        return np.full(len(words), ABSENT, np.int64)
    wanted = prefixes * (vocab_size + 1) + words
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((prefixes != ABSENT) & (keys[place] == wanted), place, ABSENT)


def advanced(
    keys: list[np.ndarray], ids: np.ndarray, state: np.ndarray, config: KneserNeyConfig
) -> np.ndarray:
    """The state after tokens ``ids`` (B,): (B, order - 1), the numbers of the last 1, 2, … as n-grams.

    ``eos_id`` leads to the start of a line.
    """
    V, after = config.vocab_size, np.empty_like(state)
    at_start = ids == config.eos_id
    for k in range(1, config.order):
        if k == 1:
            after[:, 0] = np.where(at_start, V, ids)
        else:
            found = find(keys[k - 1], state[:, k - 2], ids, V)
            after[:, k - 1] = np.where(at_start, ABSENT, found)
    return after


def count_ngrams(ids: np.ndarray, config: KneserNeyConfig) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Keys and adjusted counts of every order, from a stream ``ids`` (N,) of N >= 1 int64 ids.

    Returns ``keys[k-1]`` (M_k,) int64, sorted (empty for order 1, whose numbers are the words) and
    ``counts[k-1]`` (M_k,) int32, (V,) for order 1. The count of an n-gram of the highest order, or of one
    that begins with the start symbol and so has nothing to its left, is how often it occurs; of any other,
    how many distinct words occur to its left (Kneser & Ney 1995; the exception for the start symbol as in
    Heafield et al. 2013, "Scalable modified Kneser-Ney language model estimation"). Time goes into one sort
    of N keys an order; beside the result it holds about ten int64 arrays of N at a time.
    """
    stream = padded_lines(ids, config)
    if len(stream) > LARGEST_SIZE:
        raise UsageError(
            f"Kneser-Ney: {len(stream)} tokens with line starts; at most {LARGEST_SIZE} can be counted"
        )
    V = config.vocab_size
    ends = np.flatnonzero(stream < V)  # where an n-gram can end: everywhere but on a start symbol
    words = stream[ends]
    numbers = stream  # of the n-gram of the current order that ends at each place of the stream
    occurrences = np.bincount(stream, minlength=V + 1)
    keys, counts = [np.empty(0, np.int64)], []
    for _ in range(2, config.order + 1):
        prefixes = numbers[ends - 1]  # the stream begins with a start symbol, so ends >= 1
        inside = prefixes != ABSENT  # else the n-gram would reach over the start of its line
        ends, words, prefixes = ends[inside], words[inside], prefixes[inside]
        higher, inverse, times = np.unique(
            prefixes * (V + 1) + words, return_inverse=True, return_counts=True
        )
        suffixes = np.empty(len(higher), np.int64)
        suffixes[inverse] = numbers[ends]
        distinct = np.bincount(suffixes, minlength=len(occurrences))
        counts.append(np.where(distinct > 0, distinct, occurrences).astype(np.int32))
        keys.append(higher)
        numbers = np.full(len(stream), ABSENT, np.int64)
        numbers[ends] = inverse
        occurrences = times
    counts.append(occurrences.astype(np.int32))
    counts[0] = counts[0][:V].copy()  # the start symbol is never predicted
    return keys, counts


def discounts(counts: np.ndarray) -> np.ndarray:
    """Return the discounts of counts of 0, 1, 2, and 3 or more: (4,) float64, the first 0.

    With n_j the number of n-grams counted j times and Y = n_1 / (n_1 + 2 n_2), D_j = j - (j + 1) Y n_{j+1} /
    n_j for j = 1, 2, 3 (Chen & Goodman 1999, modified Kneser-Ney smoothing). Where one of these numbers is
    zero, or the result is not strictly between 0 and j, there is nothing to estimate from (small corpora;
    characters, of which none is rare) and D_j = j / 2: some probability goes to the lower order, some stays.
    Every D_j is thus positive and below the counts it is subtracted from.
    """
    n = [int(np.count_nonzero(counts == j)) if j else 0 for j in range(5)]
    result = np.array([0.0, 0.5, 1.0, 1.5])
    if n[1] == 0 or n[2] == 0:
        return result
    y = n[1] / (n[1] + 2 * n[2])
    for j in (1, 2, 3):
        if n[j] > 0 and n[j + 1] > 0:
            estimate = j - (j + 1) * y * n[j + 1] / n[j]
            if 0 < estimate < j:
                result[j] = estimate
    return result


def _tensor(arrays: Mapping[str, object], name: str, dtype: type, length: int | None) -> np.ndarray:
    if name not in arrays:
        raise DamagedFileError(f"Kneser-Ney: the tensor {name!r} is missing")
    array = arrays[name]
    if not isinstance(array, np.ndarray):
        raise ShapeError(
            f"Kneser-Ney: expected the tensor {name!r} to be a NumPy array, got {type(array).__name__}"
        )
    if array.dtype != dtype or array.ndim != 1 or (length is not None and len(array) != length):
        raise ShapeError(
            f"Kneser-Ney: expected the tensor {name!r} to be {np.dtype(dtype)} "
            f"({'N' if length is None else length},), got {array.dtype} {array.shape}"
        )
    return array


def _require(holds: bool | np.bool_, name: str, rule: str) -> None:
    if not holds:
        raise DamagedFileError(f"Kneser-Ney: the tensor {name!r} is damaged: {rule}")


def checked_arrays(
    config: KneserNeyConfig, arrays: Mapping[str, object]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Keys and counts by order, as ``count_ngrams`` returns them.

    Whatever passes gives probabilities that are positive and sum to 1. Raises DamagedFileError for a
    tensor that is missing, extra or of impossible content, ShapeError for a wrong shape or dtype; both name
    the tensor.
    """
    V = config.vocab_size
    unigrams = _tensor(arrays, "order1.counts", np.int32, V)
    _require(unigrams.min() >= 0, "order1.counts", "a count is negative")
    _require(unigrams.max() > 0, "order1.counts", "all counts are zero")
    keys, counts, names = [np.empty(0, np.int64)], [unigrams], {"order1.counts"}
    prefixes = V + 1  # how many n-grams the order below has, with the start symbol in order 1
    for k in range(2, config.order + 1):
        key_name, count_name = f"order{k}.keys", f"order{k}.counts"
        key = _tensor(arrays, key_name, np.int64, None)
        count = _tensor(arrays, count_name, np.int32, len(key))
        _require(len(key) <= LARGEST_SIZE, key_name, f"more than {LARGEST_SIZE} keys")
        if len(key):
            _require(np.all(key[1:] > key[:-1]), key_name, "the keys do not increase")
            _require(key[0] >= 0, key_name, "a key is negative")
            _require(key[-1] < prefixes * (V + 1), key_name, f"a key lies beyond order {k - 1}")
            _require(np.all(key % (V + 1) < V), key_name, "a key predicts the start symbol")
            _require(count.min() >= 1, count_name, "a count is below 1")
        keys.append(key)
        counts.append(count)
        names |= {key_name, count_name}
        prefixes = len(key)
    extra = sorted(str(name) for name in arrays if name not in names)
    if extra:
        raise DamagedFileError(
            f"Kneser-Ney: the tensor {extra[0]!r} does not belong to a model of order {config.order}"
        )
    return keys, counts
