"""Check that arrays read from a file are the counts of a Kneser-Ney model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqkit.errors import DamagedFileError, ShapeError
from seqkit.models.kneser_ney.config import LARGEST_SIZE, KneserNeyConfig


def _tensor(arrays: Mapping[str, Any], name: str, dtype: type, length: int | None) -> np.ndarray:
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
    config: KneserNeyConfig, arrays: Mapping[str, Any]
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
