"""Questions about nearness: every one of gensim's, and many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from seqkit.backend import array_module, to_device, to_numpy
from seqkit.backend import device as parse_device
from seqkit.errors import ShapeError, UsageError
from seqkit.vectors.nearest import top_indices
from seqkit.vectors.table import KEY_TYPES, VectorTable

Neighbours = list[tuple[Any, float]]
_BLOCK_SCORES = 1 << 24
"""Scores that a batch of queries holds at once: 64 MiB in float32."""


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector scaled to length 1; zero stays zero. Integers become float32."""
    vector = np.asarray(vector)
    if vector.dtype.kind != "f":
        vector = vector.astype(np.float32)
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, KEY_TYPES) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return [value]
    return list(value)


class SimilarityTable(VectorTable):
    """Nearest keys, similarities and distances; all by cosine."""

    def get_mean_vector(
        self,
        keys: Any,
        weights: Any = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> np.ndarray:
        """The weighted mean of vectors, (D,): the sum divided by the sum of the absolute weights.

        keys: keys, or vectors (D,), which are taken as they are. weights: (K,), 1 by default.
        pre_normalize: scale the vectors of keys to length 1 first. post_normalize: the mean too.

        Raises ValueError for no keys or another number of weights, UnknownWordError for an unknown key
        unless ``ignore_missing``.
        """
        if len(keys) == 0:
            raise UsageError("a mean of no keys", remedy="give at least one")
        dtype = self._vectors.dtype
        weights = np.ones(len(keys), dtype) if weights is None else weights
        weights = np.array(weights, dtype) if isinstance(weights, list) else weights
        if len(weights) != len(keys):
            raise UsageError(f"{len(weights)} weights for {len(keys)} keys")
        mean, total = np.zeros(self.vector_size, dtype), 0.0
        for key, weight in zip(keys, weights, strict=True):
            if isinstance(key, np.ndarray):
                vector = key
            elif key in self:
                vector = self.get_vector(key, norm=pre_normalize)
            elif ignore_missing:
                continue
            else:
                raise self._unknown(key)
            if vector.shape != mean.shape:
                raise ShapeError(f"a vector of shape {vector.shape} among those of {mean.shape}")
            mean += weight * vector
            total += abs(weight)
        if total > 0:
            mean = mean / total
        return unit(mean).astype(np.float32) if post_normalize else mean

    def _cosines(self, direction: np.ndarray, start: int = 0, end: int | None = None) -> np.ndarray:
        """Cosine of the rows from ``start`` to ``end`` with a vector of length 1: one product."""
        divisors = self._divisors()
        scores = self._vectors[start:end] @ direction
        if self._unproved is not None and not np.isfinite(scores).all():
            self._prove()  # names the row
        return scores / divisors[start:end]

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> Any:
        """The ``topn`` keys nearest to the mean of ``positive`` minus ``negative``, the given keys left out.

        positive, negative: a key, a vector (D,), or a list of either, each perhaps with a weight.
        topn: None gives the similarities of all, (N,). clip_start, clip_end: search only these places;
        restrict_vocab: only the first so many. indexer: an index with ``most_similar(vector, topn)``.

        Gives [(key, cosine)], best first, ties by place. Raises UnknownWordError, UsageError for no input.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        plus, minus = _as_list(positive), _as_list(negative)
        weights = np.concatenate([np.ones(len(plus)), -np.ones(len(minus))])
        keys = []
        for i, item in enumerate(plus + minus):
            if isinstance(item, (*KEY_TYPES, np.ndarray)):
                keys.append(item)
            else:
                key, weights[i] = item
                keys.append(key)
        mean = self.get_mean_vector(keys, weights, post_normalize=True, ignore_missing=False)
        if indexer is not None and isinstance(topn, int):
            return indexer.most_similar(mean, topn)
        start, end = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end or len(self))
        scores = self._cosines(mean, start, end)
        if not topn:
            return scores
        given = {
            int(self.get_index(key)) - start
            for key in keys
            if isinstance(key, KEY_TYPES) and self.has_index_for(key)
        }
        return self._best(scores, topn, given, start)

    def _best(self, scores: np.ndarray, topn: int, given: set[int], start: int = 0) -> Neighbours:
        """The best keys, those in ``given`` left out (places counted from ``start``)."""
        order = top_indices(scores, topn + len(given)).tolist()
        return [(self._key_at(i + start), float(scores[i])) for i in order if i not in given][:topn]

    def similar_by_key(self, key: Any, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """The keys nearest to a key; see :meth:`most_similar`."""
        return self.most_similar(positive=[key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(self, word: Any, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """The keys nearest to a key; see :meth:`most_similar`."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: np.ndarray, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """The keys nearest to a vector (D,); see :meth:`most_similar`."""
        return self.most_similar(positive=[vector], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_batch(
        self,
        queries: Sequence[Any] | np.ndarray,
        topn: int = 10,
        *,
        restrict_vocab: int | None = None,
        device: str = "cpu",
    ) -> list[Neighbours]:
        """:meth:`most_similar` for many queries at once: a matrix product for each block of them.

        queries: keys, or vectors (Q, D). device: where the products run; the vectors are moved there once.

        Gives a list for each query, the query's own key left out. Raises UnknownWordError, ShapeError.
        """
        given = [{int(self.get_index(query))} if isinstance(query, KEY_TYPES) else set() for query in queries]
        rows = [self.get_vector(q) if isinstance(q, KEY_TYPES) else np.asarray(q) for q in queries]
        if any(row.shape != (self.vector_size,) for row in rows):
            raise ShapeError(f"queries must be keys or vectors of shape ({self.vector_size},)")
        if topn < 1 or not rows:
            return [[] for _ in rows]
        directions = np.stack([unit(row) for row in rows]).astype(self._vectors.dtype, copy=False)
        V = min(restrict_vocab or len(self), len(self))
        table, divisors = self._on_device(device)
        step, results = max(1, _BLOCK_SCORES // max(1, V)), []
        for first in range(0, len(rows), step):
            block = to_device(directions[first : first + step], device)
            scores = to_numpy(array_module(table).matmul(block, table[:V].T) / divisors[:V])
            if self._unproved is not None and not np.isfinite(scores).all():
                self._prove()
            for q, row in enumerate(scores, first):
                results.append(self._best(row, topn, given[q]))
        return results

    def _on_device(self, device: str) -> tuple[Any, Any]:
        """Vectors and divisors there. On a GPU they are kept for the next batch while they are the same."""
        divisors = self._divisors()
        if parse_device(device).kind == "cpu":
            return self._vectors, divisors
        cached = self.__dict__.get("_device_copy")
        if (
            cached is None
            or cached[0] != device
            or cached[1] is not self._vectors
            or cached[2] is not divisors
        ):
            cached = (
                device,
                self.vectors,
                divisors,
                to_device(self.vectors, device),
                to_device(divisors, device),
            )
            self._device_copy = cached
        return cached[3], cached[4]

    def most_similar_cosmul(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Any:
        """Nearest keys by the product of similarities (Levy and Goldberg 2014, equation 4), not the sum.

        Cosines are moved to [0, 1] (their footnote 7), 1e-6 guards the quotient. ``restrict_vocab`` searches
        only the first so many.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        plus, minus = _as_list(positive), _as_list(negative)
        if not plus:
            raise UsageError("a similarity to no keys", remedy="give at least one positive")
        given = {
            int(self.get_index(k)) for k in plus + minus if isinstance(k, KEY_TYPES) and self.has_index_for(k)
        }

        def factor(terms: list[Any]) -> Any:
            result: Any = 1.0
            for term in terms:
                direction = self.get_vector(term, norm=True) if isinstance(term, KEY_TYPES) else term
                result = result * ((1 + self._cosines(direction, 0, restrict_vocab)) / 2)
            return result

        scores = factor(plus) / (factor(minus) + 0.000001)
        return self._best(scores, topn, given) if topn else scores

    def most_similar_by_dot(self, positive: Any = None, negative: Any = None, topn: int = 10) -> Neighbours:
        """Nearest keys by the dot product with the sum of ``positive`` less ``negative``, at length 1.

        Neither the sum's terms nor the vectors compared are normalised, so that long vectors, those of words
        seen in many places, count for more; as in "Deep Learning from Scratch 2", chapter 4.
        """
        plus, minus = _as_list(positive), _as_list(negative)
        if not plus + minus:
            raise UsageError("a similarity to no keys", remedy="give at least one")
        rows = [self.get_vector(k) if isinstance(k, KEY_TYPES) else np.asarray(k) for k in plus + minus]
        direction = sum(rows[len(plus) :], start=np.zeros(self.vector_size, self._vectors.dtype))
        direction = unit(sum(rows[: len(plus)], start=-direction))
        given = {
            int(self.get_index(k)) for k in plus + minus if isinstance(k, KEY_TYPES) and self.has_index_for(k)
        }
        return self._best(self._cosines(direction) * self._divisors(), topn, given)

    # between given keys

    @staticmethod
    def cosine_similarities(vector_1: np.ndarray, vectors_all: np.ndarray) -> np.ndarray:
        """Cosine of a vector (D,) with each row of (M, D): (M,); 0 where one of them is zero."""
        lengths = np.linalg.norm(vector_1) * np.linalg.norm(vectors_all, axis=1)
        return (vectors_all @ vector_1) / np.where(lengths == 0, 1, lengths).astype(lengths.dtype)

    def distances(self, word_or_vector: Any, other_words: Iterable[Any] = ()) -> np.ndarray:
        """1 - cosine of a key or vector to each of ``other_words``, or to all keys when there are none."""
        vector = self.get_vector(word_or_vector) if isinstance(word_or_vector, KEY_TYPES) else word_or_vector
        others = list(other_words) if other_words is not None else []
        table = self.vectors[[self.get_index(word) for word in others]] if others else self.vectors
        return 1 - self.cosine_similarities(vector, table)

    def distance(self, w1: Any, w2: Any) -> Any:
        """1 - cosine of two keys."""
        return 1 - self.similarity(w1, w2)

    def similarity(self, w1: Any, w2: Any) -> Any:
        """Cosine of two keys."""
        return unit(self[w1]) @ unit(self[w2])

    def n_similarity(self, ws1: Sequence[Any], ws2: Sequence[Any]) -> Any:
        """Cosine of the means of two lists of keys. Raises ZeroDivisionError when one is empty, as gensim."""
        if not (len(ws1) and len(ws2)):
            raise ZeroDivisionError("at least one of the lists of keys is empty")
        means = [self.get_mean_vector(keys, pre_normalize=False) for keys in (ws1, ws2)]
        return unit(means[0]) @ unit(means[1])

    def most_similar_to_given(self, key1: Any, keys_list: Sequence[Any]) -> Any:
        """That of ``keys_list`` nearest to ``key1``."""
        return keys_list[int(np.argmax([self.similarity(key1, key) for key in keys_list]))]

    def closer_than(self, key1: Any, key2: Any) -> list[Any]:
        """All keys nearer to ``key1`` than ``key2`` is, in their order."""
        distances = self.distances(key1)
        own, limit = self.get_index(key1), distances[self.get_index(key2)]
        return [self._key_at(int(i)) for i in np.flatnonzero(distances < limit) if i != own]

    def words_closer_than(self, word1: Any, word2: Any) -> list[Any]:
        """gensim's old name of :meth:`closer_than`."""
        return self.closer_than(word1, word2)

    def rank(self, key1: Any, key2: Any) -> int:
        """The place of ``key2`` among the keys by distance from ``key1``, 1 for the nearest."""
        return len(self.closer_than(key1, key2)) + 1

    def rank_by_centrality(self, words: Sequence[Any], use_norm: bool = True) -> list[tuple[Any, Any]]:
        """[(similarity to the mean of all, key)], the most central first; unknown keys are left out.

        Raises UsageError (a ValueError) when none is known.
        """
        known = [word for word in words if word in self]
        if not known:
            raise UsageError("none of the words has a vector")
        vectors = np.vstack([self.get_vector(word, norm=use_norm) for word in known]).astype(np.float32)
        mean = self.get_mean_vector(vectors, post_normalize=True)
        return sorted(zip(vectors @ mean, known, strict=True), reverse=True)

    def doesnt_match(self, words: Sequence[Any]) -> Any:
        """The key farthest from the mean of all."""
        return self.rank_by_centrality(words)[-1][1]

    def relative_cosine_similarity(self, wa: Any, wb: Any, topn: int = 10) -> Any:
        """Cosine of two keys as a share of the sum over the ``topn`` nearest to ``wa``.

        Leeuwenberg et al. 2016, "A minimally supervised approach for synonym extraction with word
        embeddings", equation 1.
        """
        nearest = self.similar_by_word(wa, topn)
        if not nearest:
            raise UsageError("no nearest words to compare with", remedy="give topn of at least 1")
        return float(self.similarity(wa, wb)) / sum(score for _, score in nearest)
