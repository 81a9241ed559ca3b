"""Similarities and distances between given keys, by cosine."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from seqkit.errors import UsageError
from seqkit.vectors.keys import KEY_TYPES, Key, require_list
from seqkit.vectors.nearest import NearestNeighbours, unit


class SimilarityTable(NearestNeighbours):
    """Comparisons of given keys, and of lists of them."""

    @staticmethod
    def cosine_similarities(vector_1: np.ndarray, vectors_all: np.ndarray) -> np.ndarray:
        """Return the cosine of a vector (D,) with each row of (M, D): (M,); 0 where one of them is zero."""
        lengths = np.linalg.norm(vector_1) * np.linalg.norm(vectors_all, axis=1)
        return (vectors_all @ vector_1) / np.where(lengths == 0, 1, lengths).astype(lengths.dtype)

    def distances(self, word_or_vector: Key | np.ndarray, other_words: Iterable[Key] = ()) -> np.ndarray:
        """Return 1 - cosine of a key or vector to each of ``other_words``, or to all keys without them."""
        vector = self.get_vector(word_or_vector) if isinstance(word_or_vector, KEY_TYPES) else word_or_vector
        require_list(other_words)
        others = list(other_words) if other_words is not None else []
        table = self.vectors[[self.get_index(word) for word in others]] if others else self.vectors
        return 1 - self.cosine_similarities(vector, table)

    def distance(self, w1: Key, w2: Key) -> Any:
        """Return 1 - cosine of two keys."""
        return 1 - self.similarity(w1, w2)

    def similarity(self, w1: Key, w2: Key) -> Any:
        """Return the cosine of two keys."""
        return unit(self[w1]) @ unit(self[w2])

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> Any:
        """Return the cosine of the means of two lists of keys.

        Raises:
            ZeroDivisionError: One of the lists is empty, as in gensim.
        """
        require_list(ws1)
        require_list(ws2)
        if not (len(ws1) and len(ws2)):
            raise ZeroDivisionError("at least one of the lists of keys is empty")
        means = [self.get_mean_vector(keys, pre_normalize=False) for keys in (ws1, ws2)]
        return unit(means[0]) @ unit(means[1])

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Key:
        """Return the key of ``keys_list`` nearest to ``key1``."""
        require_list(keys_list)
        if not len(keys_list):
            raise UsageError("the nearest of no keys", remedy="give at least one")
        return keys_list[int(np.argmax([self.similarity(key1, key) for key in keys_list]))]

    def closer_than(self, key1: Key, key2: Key) -> list[Any]:
        """Return all keys nearer to ``key1`` than ``key2`` is, in their order."""
        distances = self.distances(key1)
        own, limit = self.get_index(key1), distances[self.get_index(key2)]
        return [self._key_at(int(i)) for i in np.flatnonzero(distances < limit) if i != own]

    def words_closer_than(self, word1: Key, word2: Key) -> list[Any]:
        """Call :meth:`closer_than`, under gensim's old name."""
        return self.closer_than(word1, word2)

    def rank(self, key1: Key, key2: Key) -> int:
        """Return the place of ``key2`` among the keys by distance from ``key1``, 1 for the nearest."""
        return len(self.closer_than(key1, key2)) + 1

    def rank_by_centrality(self, words: Sequence[Key], use_norm: bool = True) -> list[tuple[Any, Any]]:
        """Return [(similarity to the mean of all, key)], the most central first; unknown keys are left out.

        Raises:
            UsageError: A ValueError, when none is known.
        """
        require_list(words)
        known = [word for word in words if word in self]
        if not known:
            raise UsageError("none of the words has a vector")
        vectors = np.vstack([self.get_vector(word, norm=use_norm) for word in known]).astype(np.float32)
        mean = self.get_mean_vector(vectors, post_normalize=True)
        return sorted(zip(vectors @ mean, known, strict=True), reverse=True)

    def doesnt_match(self, words: Sequence[Key]) -> Any:
        """Return the key farthest from the mean of all."""
        return self.rank_by_centrality(words)[-1][1]

    def relative_cosine_similarity(self, wa: Key, wb: Key, topn: int = 10) -> float:
        """Return the cosine of two keys as a fraction of the sum over the ``topn`` nearest to ``wa``.

        Leeuwenberg et al. 2016, "A minimally supervised approach for synonym extraction with word
        embeddings", equation 1.
        """
        nearest = self.similar_by_word(wa, topn)
        if not nearest:
            raise UsageError("no nearest words to compare with", remedy="give topn of at least 1")
        return float(self.similarity(wa, wb)) / sum(score for _, score in nearest)
