"""The arrays of an n-gram model by name, and their check.

Of order 1 ``order1.log10_probs`` and ``order1.log10_backoffs`` (V + 1,); of each order k >= 2
``orderK.words`` (M_K,) int32, ``orderK.log10_probs`` and, but for the highest order,
``orderK.log10_backoffs`` (M_K,); of each order but the highest ``orderK.first`` (M_K + 1,) int32, as
:class:`~seqkit.models.ngrams.trie.NGramTrie` has them. Logarithms are float32 or float64; quantised ones
are two tensors, ``NAME.codes`` (uint8 or uint16) and ``NAME.values`` (float32).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqkit.errors import DamagedFileError, ShapeError
from seqkit.models.ngrams.config import LARGEST_SIZE, NGramConfig
from seqkit.models.ngrams.quantization import QuantizedArray
from seqkit.models.ngrams.trie import NGramTrie

Logarithms = np.ndarray | QuantizedArray


def tensors(
    trie: NGramTrie, log10_probs: Sequence[Logarithms], log10_backoffs: Sequence[Logarithms]
) -> dict[str, np.ndarray]:
    """Return the arrays of a model by name."""
    arrays: dict[str, np.ndarray] = {}
    for k in range(1, trie.order + 1):
        if k > 1:
            arrays[f"order{k}.words"] = trie.words[k - 1]
        if k < trie.order:
            arrays[f"order{k}.first"] = trie.first[k - 1]
            arrays |= _stored(f"order{k}.log10_backoffs", log10_backoffs[k - 1])
        arrays |= _stored(f"order{k}.log10_probs", log10_probs[k - 1])
    return arrays


def _stored(name: str, array: Logarithms) -> dict[str, np.ndarray]:
    if isinstance(array, QuantizedArray):
        return {f"{name}.codes": array.codes, f"{name}.values": array.values}
    return {name: array}


class _Arrays:
    """The arrays of a model, which are taken out one by one."""

    def __init__(self, arrays: Mapping[str, object], items: bool) -> None:
        self.left, self.items = dict(arrays), items

    def take(self, name: str, types: tuple[type, ...], length: int | None) -> np.ndarray:
        if name not in self.left:
            raise DamagedFileError(f"n-grams: the tensor {name!r} is missing")
        array = self.left.pop(name)
        if not isinstance(array, np.ndarray):
            raise ShapeError(
                f"n-grams: expected the tensor {name!r} to be a NumPy array, got {type(array).__name__}"
            )
        if array.dtype not in types or array.ndim != 1 or (length is not None and len(array) != length):
            raise ShapeError(
                f"n-grams: expected the tensor {name!r} to be {' or '.join(str(np.dtype(t)) for t in types)} "
                f"({'N' if length is None else length},), got {array.dtype} {array.shape}"
            )
        return array

    def require(self, holds: Any, name: str, rule: str) -> None:
        if not holds:
            raise DamagedFileError(f"n-grams: the tensor {name!r} is damaged: {rule}")

    def logarithms(self, name: str, length: int, *, probs: bool) -> Logarithms:
        """Take an array of logarithms: of probabilities, at most 0 or NaN, or of weights, finite."""
        array: Logarithms
        quantized = f"{name}.codes" in self.left
        if quantized:
            values = self.take(f"{name}.values", (np.float32,), None)
            codes = self.take(f"{name}.codes", (np.uint8, np.uint16), length)
            array = QuantizedArray(codes, values)
            if self.items and length:
                self.require(codes.max() < len(values), f"{name}.codes", "a code without a value")
        else:
            values = array = self.take(name, (np.float32, np.float64), length)
        if self.items:
            shown = f"{name}.values" if quantized else name
            if probs:
                # NaN passes: an n-gram that is only a context.
                self.require(not (values > 0).any(), shown, "a probability is above 1")
                self.require(not np.isneginf(values).any(), shown, "a probability is 0")
            else:
                finite = np.isfinite(values[2:] if quantized else values)  # code 1 stands for NaN
                self.require(finite.all(), shown, "a weight is not finite")
        return array


def checked_tensors(
    config: NGramConfig, arrays: Mapping[str, object], *, items: bool
) -> tuple[NGramTrie, list[Logarithms], list[Logarithms]]:
    """Return the trie, the probabilities and the weights of a model.

    Whatever passes can be searched without leaving an array, and gives no probability of 0.

    Args:
        config: The settings of the model.
        arrays: Its arrays by name.
        items: Whether to look at every item, not at types and shapes only.

    Raises:
        DamagedFileError: A tensor is missing, extra or of impossible content.
        ShapeError: A tensor of another shape or type.
    """
    V, order = config.vocab_size, config.order
    source, trie = _Arrays(arrays, items), NGramTrie(config.vocab_size)
    probs, backoffs = [source.logarithms("order1.log10_probs", V + 1, probs=True)], []
    if items:
        given = ~np.isnan(np.asarray(probs[0])[:V])
        source.require(given.all(), "order1.log10_probs", "a word has no probability")
    for k in range(2, order + 1):
        before, name = f"order{k - 1}.first", f"order{k}.words"
        backoffs.append(source.logarithms(f"order{k - 1}.log10_backoffs", trie.size(k - 1), probs=False))
        first = source.take(before, (np.int32,), trie.size(k - 1) + 1)
        words = source.take(name, (np.int32,), None)
        source.require(len(words) <= LARGEST_SIZE, name, f"more than {LARGEST_SIZE} n-grams")
        if items:
            source.require(first[0] == 0 and first[-1] == len(words), before, f"it does not cover order {k}")
            source.require((first[1:] >= first[:-1]).all(), before, "it falls")
        if items and len(words):
            source.require(words.min() >= 0 and words.max() < V, name, "a word is not in the vocabulary")
            rises = words[1:] > words[:-1]
            rises[first[(first > 0) & (first < len(words))] - 1] = True  # where another context begins
            source.require(rises.all(), name, "the words of a context do not increase")
        trie.append(words, first)
        probs.append(source.logarithms(f"order{k}.log10_probs", len(words), probs=True))
    if source.left:
        raise DamagedFileError(
            f"n-grams: the tensor {min(source.left)!r} does not belong to a model of order {order}"
        )
    return trie, probs, backoffs
