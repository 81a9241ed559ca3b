"""The word vectors of an opened item: of a vector file, of a run of word vectors, or inside another model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from seqkit.errors import DataError
from seqkit.explorer.opening import VECTORS, Item
from seqkit.vectors import KeyedVectors

_WITH_VOCABULARY = ("language_modeling", "masked_language_modeling", "text_classification", "seq2seq")
_COUNTS = ("kneser-ney", "counts")
KINDS = frozenset({VECTORS, "embeddings", *_WITH_VOCABULARY})


def has_words(item: Item) -> bool:
    """Return whether an item holds word vectors, without loading it."""
    if item.kind not in KINDS:
        return False
    if item.run is None or item.kind == "embeddings":
        return True
    config = item.run.config
    return "mixture" not in config and config.get("settings", {}).get("model") not in _COUNTS


def words_of(item: Item) -> KeyedVectors:
    """Load the word vectors of an item; those inside a model are the rows of its (source) embedding.

    Raises:
        DataError: A model has no embedding of its words.
        SeqkitError: The item cannot be loaded.
    """
    with item.use() as model:
        if isinstance(model, KeyedVectors):
            return model
        if item.kind == "embeddings":
            vectors: KeyedVectors = model.wv
            return vectors
        return _embedding(item, model)


def _embedding(item: Item, model: Any) -> KeyedVectors:
    vocabulary: Any = getattr(model, "vocabulary", None) or getattr(model, "source_vocabulary", None)
    named = getattr(model.model, "named_parameters", None)
    for name, parameter in named() if named is not None and vocabulary is not None else ():
        rows = parameter.data
        if "embedding" in name and rows.ndim == 2 and len(rows) == len(vocabulary):
            keys = list(vocabulary.tokens)
            table = KeyedVectors(rows.shape[1])
            table.add_vectors(keys, np.array(rows, np.float32))
            if vocabulary.counts is not None and len(vocabulary.counts) == len(keys):
                table.expandos["count"] = np.asarray(vocabulary.counts)
            return table
    raise DataError(f"{item.name} has no embedding of its words")


class Completions:
    """Finds words that begin with a text, or contain it, in either case: all are searched as one string."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        folded = [word.casefold().replace("\n", " ") for word in words]
        self._text = "\n" + "\n".join(folded) + "\n"
        self._starts = np.cumsum([0, *(len(word) + 1 for word in folded)])

    def find(self, text: str, count: int) -> list[str]:
        """Return up to ``count`` words: those that begin with ``text``, then those that contain it."""
        wanted = text.casefold().replace("\n", " ")
        found = dict.fromkeys(islice(self._places("\n" + wanted), count))
        if len(found) < count and wanted:
            found.update(dict.fromkeys(islice(self._places(wanted), 2 * count)))
        return [self._words[i] for i in found][:count]

    def _places(self, needle: str) -> Iterator[int]:
        place, last = self._text.find(needle), -1
        while place >= 0:
            index = int(np.searchsorted(self._starts, place, side="right")) - 1
            if index != last and index < len(self._words):
                yield index
            last = index
            place = self._text.find(needle, place + 1)
