"""The n-grams of a model as a trie: every order sorted, the continuations of a context side by side."""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels import kernels
from seqkit.models.ngrams.config import NGramConfig

ABSENT = -1
"""The number of an n-gram that the model does not have."""


class NGramTrie:
    """The n-grams of a model, numbered by order.

    An n-gram of order k is a number: its place among those of its order, sorted by their context, which is
    the number of their first k-1 words, and then by their last word. Of order 1 the number is the word
    itself, with one more, V, for the start of a line. So an n-gram takes 4 bytes for its last word, and 4
    more where longer ones may continue it; a search goes through the continuations of its context only.

    Args:
        vocab_size: V, the number of ids.
    """

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self.words: list[np.ndarray] = [np.empty(0, np.int32)]
        """Of each order k the last words (M_k,) int32; of order 1 none, since the number is the word."""
        self.first: list[np.ndarray] = []
        """Of each order k but the highest (M_k + 1,) int32: the continuations of number i are the n-grams
        ``first[i]`` to ``first[i + 1]`` of the next order."""

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return len(self.words)

    def size(self, k: int) -> int:
        """Return the number of n-grams of order k, of order 1 with the start of a line."""
        return len(self.words[k - 1]) if k > 1 else self.vocab_size + 1

    def append(self, words: np.ndarray, first: np.ndarray) -> None:
        """Add the n-grams of the next order: their last words, and where those of each context begin."""
        self.words.append(words)
        self.first.append(first)

    def append_keys(self, keys: np.ndarray) -> None:
        """Add the n-grams of the next order from sorted keys: context * (V + 1) + last word."""
        contexts, words = np.divmod(keys, self.vocab_size + 1)
        first = np.zeros(self.size(self.order) + 1, np.int32)
        np.cumsum(np.bincount(contexts, minlength=len(first) - 1), out=first[1:])
        self.append(words.astype(np.int32), first)

    def find(self, k: int, contexts: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return the numbers (N,) int32 of n-grams of order k >= 2, ABSENT where there is none.

        Args:
            k: Their order.
            contexts: Numbers (N,) int32 of their first k-1 words, or ABSENT.
            words: Their last words (N,) int32.
        """
        found = np.empty(len(words), np.int32)
        ngrams = kernels("ngrams", np, np.dtype(np.float32))
        ngrams.find(self.words[k - 1], self.first[k - 2], contexts, words, found)
        return found

    def continuations(self, k: int, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the n-grams of order k >= 2 that continue the contexts (N,), none of which is ABSENT.

        Returns:
            For each of them the index of its context, and its number.
        """
        begin = self.first[k - 2][contexts].astype(np.int64)
        length = self.first[k - 2][contexts + 1] - begin
        rows = np.repeat(np.arange(len(contexts)), length)
        return rows, np.arange(len(rows)) + np.repeat(begin - (np.cumsum(length) - length), length)

    def contexts(self, k: int, numbers: np.ndarray) -> np.ndarray:
        """Return the numbers (N,) of the first k-1 words of n-grams (N,) of order k >= 2."""
        return np.searchsorted(self.first[k - 2], numbers, side="right") - 1

    def ids(self, k: int, numbers: np.ndarray) -> np.ndarray:
        """Return the ids (N, k) of n-grams (N,) of order k; the start of a line is V."""
        columns = []
        for order in range(k, 1, -1):
            columns.append(self.words[order - 1][numbers])
            numbers = self.contexts(order, numbers)
        return np.stack([numbers, *columns[::-1]], axis=1)


def padded_lines(ids: np.ndarray, config: NGramConfig) -> np.ndarray:
    """Return the stream ``ids`` (N,) with one start symbol, V, before every line.

    Lines begin at the first id and after each ``eos_id``. One symbol, not order - 1 of them: the
    convention of the published figures (four of them cost 4 points of perplexity on PTB).
    """
    if len(ids) == 0:
        return ids
    starts = np.flatnonzero(ids[:-1] == config.eos_id) + 1
    return np.insert(ids, np.concatenate([[0], starts]), config.vocab_size)
