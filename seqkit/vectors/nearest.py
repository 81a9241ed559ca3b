"""The nearest keys to a key, a vector or a sum of them: gensim's searches, and many at once."""

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from seqkit.backend import array_module, to_device, to_numpy
from seqkit.backend import device as parse_device
from seqkit.errors import ShapeError, UsageError
from seqkit.vectors.keys import KEY_TYPES, Key, require_list
from seqkit.vectors.table import VectorTable

Neighbours = list[tuple[Any, float]]
"""(key, similarity), the nearest first."""
_BLOCK_SCORES = 1 << 24
"""Scores that a batch of queries holds at once: 64 MiB in float32."""


def top_indices(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the ``count`` highest of ``scores`` (V,), the highest first.

    Ties are broken by the lower index, so that an answer never depends on chance. The time is linear in V: a
    partition, then a sort of the few. NaN must not be among the scores.
    """
    V = len(scores)
    if count <= 0 or V == 0:
        return np.empty(0, np.int64)
    if count < V:
        least = np.partition(scores, V - count)[V - count]
        above = np.flatnonzero(scores > least)
        level = np.flatnonzero(scores == least)[: count - len(above)]
        chosen = np.concatenate([above, level])
    else:
        chosen = np.arange(V)
    return chosen[np.lexsort((chosen, -scores[chosen]))]


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector scaled to length 1; zero stays zero. Integers become float32."""
    vector = np.asarray(vector)
    if vector.dtype.kind != "f":
        vector = vector.astype(np.float32)
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def searched_rows(total: int, restrict_vocab: int | None) -> int:
    """Return how many rows of ``total`` a search looks at. Raises UsageError for a negative restriction."""
    if restrict_vocab is not None and restrict_vocab < 0:
        raise UsageError(f"expected restrict_vocab of at least 0 (no restriction), got {restrict_vocab}")
    return min(restrict_vocab or total, total)


class Indexer(Protocol):
    """An index that answers queries: gensim's protocol."""

    def most_similar(self, vector: np.ndarray, num_neighbors: int) -> Neighbours:
        """Return [(key, similarity)] near a vector."""
        ...


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, KEY_TYPES) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return [value]
    if not isinstance(value, Iterable):
        raise UsageError(f"expected a key, a vector, or a list of them, got {value!r}")
    return list(value)


class NearestNeighbours(VectorTable):
    """Searches for the nearest keys; nearness is the cosine unless it is said otherwise."""

    def get_mean_vector(
        self,
        keys: Sequence[object] | np.ndarray,
        weights: Sequence[float] | np.ndarray | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> np.ndarray:
        """Return the weighted mean of vectors: the sum divided by the sum of the absolute weights.

        Args:
            keys: K keys, or vectors (D,), which are taken as they are.
            weights: (K,), 1 by default.
            pre_normalize: Whether to scale the vectors of keys to length 1 first.
            post_normalize: Whether to scale the mean to length 1.
            ignore_missing: Whether unknown keys are left out.

        Returns:
            The mean, (D,).

        Raises:
            UsageError: A ValueError, for no keys or another number of weights.
            UnknownWordError: For an unknown key, unless ``ignore_missing``.
        """
        require_list(keys)
        if len(keys) == 0:
            raise UsageError("a mean of no keys", remedy="give at least one")
        dtype = self._vectors.dtype
        weights = np.ones(len(keys), dtype) if weights is None else weights
        weights = np.array(weights, dtype) if isinstance(weights, list) else weights
        if len(weights) != len(keys):
            raise UsageError(f"expected {len(keys)} weights, one for each key, got {len(weights)}")
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
                raise ShapeError(f"expected vectors of shape {mean.shape}, got {vector.shape}")
            mean += weight * vector
            total += abs(weight)
        if total > 0:
            mean = mean / total
        return unit(mean).astype(np.float32) if post_normalize else mean

    def _cosines(self, direction: np.ndarray, start: int = 0, end: int | None = None) -> np.ndarray:
        """Cosine of the rows from ``start`` to ``end`` with a vector of length 1: one product."""
        if not np.isfinite(direction).all():
            raise UsageError("expected a vector or weights of finite numbers to compare with, got others")
        divisors = self._divisors()
        scores = self._vectors[start:end] @ direction
        if self._unproved is not None and not np.isfinite(scores).all():
            self._prove()  # names the row
        return scores / divisors[start:end]

    def most_similar(
        self,
        positive: object = None,
        negative: object = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Indexer | None = None,
    ) -> Any:
        """Return the keys nearest to the mean of ``positive`` minus ``negative``, the given keys left out.

        Args:
            positive: A key, a vector (D,), or a list of either, each perhaps with a weight.
            negative: The same, to be taken away.
            topn: How many keys; None for the similarities of all.
            clip_start: The first place to search.
            clip_end: The place to stop before.
            restrict_vocab: Search only this many places, the first ones, instead of the clips.
            indexer: An index with a method ``most_similar(vector, topn)``, which searches all places, such as
                :class:`~seqkit.vectors.approximate.ApproximateIndex`.

        Returns:
            [(key, cosine)], the nearest first, ties by place; (N,) cosines without ``topn``.

        Raises:
            UnknownWordError: A KeyError, for an unknown key.
            UsageError: No key was given, or two arguments exclude each other.

        Example:
            >>> from seqkit.vectors import KeyedVectors
            >>> vectors = KeyedVectors(2)
            >>> vectors.add_vectors(["east", "south-east", "north"], [[1, 0], [0.8, -0.6], [0, 1]])
            >>> [(key, round(cosine, 2)) for key, cosine in vectors.most_similar("east")]
            [('south-east', 0.8), ('north', 0.0)]
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        clips = bool(clip_start or clip_end)
        if (restrict_vocab and clips) or (indexer is not None and (restrict_vocab or clips or topn is None)):
            raise UsageError(
                "expected restrict_vocab, clip_start and clip_end, or an indexer with topn, got several"
            )
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
        if indexer is not None:
            assert topn is not None  # refused above
            return indexer.most_similar(mean, topn)
        restricted = searched_rows(len(self), restrict_vocab)
        start, end = (0, restricted) if restrict_vocab else (clip_start, clip_end or len(self))
        scores = self._cosines(mean, start, end)
        if not topn:
            return scores
        given = {place - start for place in self._places_of(keys)}
        return self._best(scores, topn, given, start)

    def _places_of(self, items: Sequence[object]) -> set[int]:
        """The places of those of ``items`` that are keys of this table."""
        return {
            int(self.get_index(key))
            for key in items
            if isinstance(key, KEY_TYPES) and self.has_index_for(key)
        }

    def _best(self, scores: np.ndarray, topn: int, given: set[int], start: int = 0) -> Neighbours:
        """The best keys, those in ``given`` left out (places counted from ``start``)."""
        order = top_indices(scores, topn + len(given)).tolist()
        return [(self._key_at(i + start), float(scores[i])) for i in order if i not in given][:topn]

    def similar_by_key(self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Return the keys nearest to a key; see :meth:`most_similar`."""
        return self.most_similar(positive=[key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Return the keys nearest to a key; see :meth:`most_similar`."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: np.ndarray, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the keys nearest to a vector (D,); see :meth:`most_similar`."""
        return self.most_similar(positive=[vector], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_batch(
        self,
        queries: Sequence[Key | np.ndarray] | np.ndarray,
        topn: int = 10,
        *,
        restrict_vocab: int | None = None,
        device: str = "cpu",
    ) -> list[Neighbours]:
        """Return the nearest keys of many queries at once: a matrix product for each block of them.

        Args:
            queries: Keys, or vectors (Q, D).
            topn: How many keys for each query.
            restrict_vocab: Search only this many places, the first ones.
            device: Where the products run; the vectors are moved there once.

        Returns:
            For each query [(key, cosine)], the nearest first, the query's own key left out.

        Raises:
            UnknownWordError: A KeyError, for an unknown key.
            ShapeError: For a vector of another width.
        """
        require_list(queries)
        given = [{int(self.get_index(query))} if isinstance(query, KEY_TYPES) else set() for query in queries]
        rows = [self.get_vector(q) if isinstance(q, KEY_TYPES) else np.asarray(q) for q in queries]
        if any(row.shape != (self.vector_size,) for row in rows):
            raise ShapeError(f"expected keys or vectors of shape ({self.vector_size},) as queries")
        if not all(np.isfinite(row).all() for row in rows):
            raise UsageError("expected vectors of finite numbers as queries, got others")
        V = searched_rows(len(self), restrict_vocab)
        if topn < 1 or not rows:
            return [[] for _ in rows]
        directions = np.stack([unit(row) for row in rows]).astype(self._vectors.dtype, copy=False)
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
        key = (device, self.vectors, divisors)
        if cached is None or cached[0] != device or cached[1] is not key[1] or cached[2] is not divisors:
            cached = (*key, to_device(self.vectors, device), to_device(divisors, device))
            self._device_copy = cached
        return cached[3], cached[4]

    def most_similar_cosmul(
        self,
        positive: object = None,
        negative: object = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Any:
        """Return the nearest keys by the product of similarities, not the sum.

        Levy and Goldberg 2014, equation 4; cosines are moved to [0, 1] (their footnote 7), and 1e-6 guards
        the quotient. Arguments and result are as in :meth:`most_similar`.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        plus, minus = _as_list(positive), _as_list(negative)
        if not plus:
            raise UsageError("a similarity to no keys", remedy="give at least one positive")
        V = searched_rows(len(self), restrict_vocab)

        def factor(terms: list[Key | np.ndarray]) -> np.ndarray:
            result = np.ones((), self._vectors.dtype)
            for term in terms:
                direction = self.get_vector(term, norm=True) if isinstance(term, KEY_TYPES) else term
                result = result * ((1 + self._cosines(direction, 0, V)) / 2)
            return result

        scores = factor(plus) / (factor(minus) + 0.000001)
        return self._best(scores, topn, self._places_of(plus + minus)) if topn else scores

    def most_similar_by_dot(
        self, positive: object = None, negative: object = None, topn: int = 10
    ) -> Neighbours:
        """Return the nearest keys by the dot product with the sum of ``positive`` less ``negative``.

        The sum is scaled to length 1; neither its terms nor the vectors compared are, so that long vectors,
        those of words seen in many places, count for more; as in "Deep Learning from Scratch 2", chapter 4.
        """
        plus, minus = _as_list(positive), _as_list(negative)
        if not plus + minus:
            raise UsageError("a similarity to no keys", remedy="give at least one")
        rows = [self.get_vector(k) if isinstance(k, KEY_TYPES) else np.asarray(k) for k in plus + minus]
        direction = sum(rows[len(plus) :], start=np.zeros(self.vector_size, self._vectors.dtype))
        direction = unit(sum(rows[: len(plus)], start=-direction))
        scores = self._cosines(direction) * self._divisors()
        return self._best(scores, topn, self._places_of(plus + minus))
