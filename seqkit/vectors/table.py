"""Keys and their vectors: the storage under :class:`~seqkit.vectors.KeyedVectors`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from seqkit.errors import DataError, ShapeError, UsageError
from seqkit.vectors.keys import KEY_TYPES, Key, KeyTable

if TYPE_CHECKING:
    from typing import Self

    from seqkit.vectors.formats.content import Content


def row_norms(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths of the rows of (N, D): (N,) in 32 bits or more, without all squares in memory."""
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.result_type(vectors, np.float32)))


class VectorTable(KeyTable):
    """N keys with a vector (D,) each; names and behaviour are gensim's."""

    def __init__(self, vector_size: int, count: int = 0, dtype: DTypeLike = np.float32) -> None:
        if not all(isinstance(size, int | np.integer) and size >= 0 for size in (vector_size, count)):
            raise UsageError(
                f"expected vector_size and count to be whole numbers of at least 0, got {vector_size!r} and "
                f"{count!r}"
            )
        if np.dtype(dtype).kind != "f":
            raise UsageError(f"expected vectors of a floating-point dtype, got {np.dtype(dtype)}")
        super().__init__(count)
        self.vector_size = vector_size
        self.next_index = 0
        self.norms: np.ndarray | None = None
        self.vectors_lockf: np.ndarray = np.ones(1, np.float32)
        """The factors of the updates in training, (N,), or (1,) for all; 0 holds a vector still."""
        self._vectors = np.zeros((count, vector_size), dtype)
        self._unproved: Callable[[int], DataError] | None = None

    @classmethod
    def _of(cls, content: Content) -> Self:
        """Return a table over what a format has read."""
        table = cls(content.vectors.shape[1], 0, content.vectors.dtype)
        table._vectors, table._words = content.vectors, content.words
        table._keys = table._index = None
        table._unproved, table.norms = content.unproved, content.norms
        table.expandos = dict(content.attributes)
        table.next_index = len(content.words)
        return table

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    @property
    def vectors(self) -> np.ndarray:
        """All vectors, (N, D), in the order of ``index_to_key``.

        Raises DataError when those of a large mapped file are not all finite (checked on first use). Code
        that changes them in place calls :meth:`fill_norms` with ``force``.
        """
        if self._unproved is not None:
            self._prove()
        return self._vectors

    @vectors.setter
    def vectors(self, vectors: np.ndarray) -> None:
        self._vectors, self._unproved, self.norms = vectors, None, None

    def _prove(self) -> None:
        from seqkit.vectors.formats.content import first_not_finite

        row = first_not_finite(self._vectors)
        if row is not None and self._unproved is not None:
            raise self._unproved(row)
        self._unproved = None

    def get_vector(self, key: Key, norm: bool = False) -> np.ndarray:
        """Return the vector of a key, (D,), read-only.

        Args:
            key: A key.
            norm: Whether to scale it to length 1; a zero vector stays zero.

        Raises:
            UnknownWordError: A KeyError, for an unknown key.
        """
        index = self.get_index(key)
        result = self._vectors[index]
        if self._unproved is not None and not np.isfinite(result).all():
            raise self._unproved(index)
        if norm:
            self.fill_norms()
            assert self.norms is not None
            result = result / (self.norms[index] or 1)
        result.setflags(write=False)
        return result

    def word_vec(self, word: Key, norm: bool = False) -> np.ndarray:
        """Call :meth:`get_vector`, under gensim's old name."""
        return self.get_vector(word, norm)

    def __getitem__(self, key_or_keys: Any) -> np.ndarray:
        """Return the vector of a key, (D,), or those of a list of keys, (K, D)."""
        if isinstance(key_or_keys, KEY_TYPES):
            return self.get_vector(key_or_keys)
        return np.vstack([self.get_vector(key) for key in key_or_keys])

    def fill_norms(self, force: bool = False) -> None:
        """Compute the lengths of the vectors, unless they are there.

        Args:
            force: Whether to compute them anew, for code that has changed ``vectors`` in place.

        Raises:
            ShapeError: ``vectors`` is not (N, D).
            UsageError: A vector is not finite.
        """
        if self.norms is not None and not force:
            return
        vectors, shape = self.vectors, (len(self), self.vector_size)
        if vectors.shape != shape:
            raise ShapeError(f"expected vectors of shape {shape}, got {vectors.shape}")
        norms = row_norms(vectors)
        if not np.isfinite(norms).all():
            key = self._key_at(int(np.argmin(np.isfinite(norms))))
            raise UsageError(f"the vector of {key!r} is not finite, or too long for {norms.dtype}")
        self.norms = norms

    def init_sims(self, replace: bool = False) -> None:
        """Call :meth:`fill_norms`, or with ``replace`` :meth:`unit_normalize_all`: gensim's old name."""
        self.fill_norms()
        if replace:
            self.unit_normalize_all()

    def _divisors(self) -> np.ndarray:
        """The norms, (N,), with 1 for zero vectors: their similarity to anything is 0, not NaN."""
        self.fill_norms()
        assert self.norms is not None
        if self.norms.all():
            return self.norms
        return np.where(self.norms == 0, self.norms.dtype.type(1), self.norms)

    def get_normed_vectors(self) -> np.ndarray:
        """Return a copy of all vectors scaled to length 1, (N, D)."""
        return self.vectors / self._divisors()[:, None]

    def unit_normalize_all(self) -> None:
        """Scale all vectors to length 1, in place."""
        divisors, norms = self._divisors(), self.norms
        assert norms is not None
        self.vectors /= divisors[:, None]
        self.norms = (norms != 0).astype(np.float32)

    def add_vector(self, key: Key, vector: ArrayLike) -> int:
        """Add one vector, into the next free place of those made ahead, else at the end (slow; warns).

        Returns its place.
        """
        place = self.next_index
        if place >= len(self) or self.index_to_key[place] is not None:
            warnings.warn(
                "appending a single vector copies all others; add many with add_vectors, or give count",
                UserWarning,
                stacklevel=2,
            )
            place = len(self)
            self.add_vectors([key], [vector])
            self.next_index = place + 1
            return place
        self._vectors[place] = self._finite(np.asarray(vector)[None])[0]
        self.index_to_key[place] = key
        self.key_to_index[key] = place
        self.norms = None
        self.next_index += 1
        return place

    def add_vectors(
        self,
        keys: Key | Sequence[Any],
        weights: object,
        extras: Mapping[str, np.ndarray] | None = None,
        replace: bool = False,
    ) -> None:
        """Append keys with their vectors.

        Args:
            keys: K keys, or one.
            weights: Their vectors, (K, D).
            extras: Attribute -> (K,) values.
            replace: Whether keys that are known get the new vector; else they keep theirs.

        Raises:
            ShapeError: Vectors or extras of another number or size.
            UsageError: Vectors that are no finite numbers.
        """
        if isinstance(keys, KEY_TYPES):
            keys, weights = [keys], np.asarray(weights).reshape(1, -1)
        weights = np.asarray(weights)
        if weights.shape != (len(keys), self.vector_size) and len(keys):
            expected = (len(keys), self.vector_size)
            raise ShapeError(f"expected vectors of shape {expected}, got {weights.shape}")
        weights = self._finite(weights)
        extras = dict(extras or {})
        for name, array in extras.items():
            if len(array) != len(keys):
                raise ShapeError(
                    f"expected {len(keys)} values of {name!r}, one for each key, got {len(array)}"
                )
        self.allocate_vecattrs(extras.keys(), [array.dtype for array in extras.values()])
        index, all_keys, vectors = self.key_to_index, self.index_to_key, self.vectors
        new, known = [], []
        for i, key in enumerate(keys):
            if key in index:
                known.append(i)
            else:
                index[key] = len(all_keys)
                all_keys.append(key)
                new.append(i)
        # a key given twice is new once and then known, as if added one by one
        if new:
            vectors = np.vstack([vectors, weights[new].astype(vectors.dtype)])
        if replace and known:
            places = [index[keys[i]] for i in known]
            vectors = vectors if vectors.flags.writeable else vectors.copy()
            vectors[places] = weights[known]
        self.vectors = vectors
        if new:
            self.allocate_vecattrs()
        first = len(all_keys) - len(new)
        for name, array in extras.items():
            self.expandos[name][first:] = array[new]
            if replace and known:
                self.expandos[name][places] = array[known]
        self.norms = None

    def _finite(self, weights: np.ndarray) -> np.ndarray:
        """Return vectors (K, D) in the table's dtype. Raises UsageError if they are not finite."""
        if weights.size and weights.dtype.kind in "fiub":
            with np.errstate(over="ignore"):
                weights = weights.astype(self._vectors.dtype, copy=False)
            if np.isfinite(weights).all():
                return weights
        elif not weights.size:
            return weights
        raise UsageError(f"expected vectors of finite numbers that fit {self._vectors.dtype}")

    def __setitem__(self, keys: Key | list[Any], weights: ArrayLike) -> None:
        """Add keys with their vectors; known keys get the new one."""
        if not isinstance(keys, list):
            keys, weights = [keys], np.asarray(weights).reshape(1, -1)
        self.add_vectors(keys, weights, replace=True)

    def resize_vectors(self, seed: int = 0) -> None:
        """Give ``vectors`` a row for each of ``index_to_key``; new rows are uniform in ±1/D, by ``seed``."""
        vectors, shape = self.vectors, (len(self), self.vector_size)
        if vectors.shape != shape:
            fresh = np.random.default_rng(seed).random(shape, dtype=np.float32)
            fresh *= 2.0
            fresh -= 1.0
            fresh /= self.vector_size
            rows, columns = vectors.shape
            fresh[:rows, :columns] = vectors
            self.vectors = fresh
        self.allocate_vecattrs()
        self.norms = None

    def lock_factors(self) -> np.ndarray | None:
        """Return ``vectors_lockf`` as (N,) float32; None where it changes nothing.

        Raises ShapeError when it is neither (N,) nor (1,) finite numbers.
        """
        factors = np.asarray(self.vectors_lockf, np.float32)
        if factors.shape not in ((1,), (len(self),)) or not np.isfinite(factors).all():
            what = f"expected ({len(self)},) or (1,) finite numbers in vectors_lockf, got {factors}"
            raise ShapeError(what)
        return None if (factors == 1).all() else np.broadcast_to(factors, len(self))

    def sort_by_descending_frequency(self) -> None:
        """Reorder everything by the attribute "count", the highest first, later keys first among equals."""
        if not len(self):
            return
        if "count" not in self.expandos:
            raise UsageError("no attribute 'count' to sort by", remedy="set it with set_vecattr")
        locks = self.lock_factors()
        counts = np.asarray(self.expandos["count"], np.int64)
        order = np.lexsort((-np.arange(len(counts)), -counts))
        self.index_to_key = [self.index_to_key[i] for i in order]
        self.allocate_vecattrs()
        self.expandos = {name: array[order] for name, array in self.expandos.items()}
        if len(self.vectors):
            self.vectors = self.vectors[order]
        if locks is not None:
            self.vectors_lockf = locks[order]
        self.norms = None
        self.key_to_index = {key: i for i, key in enumerate(self.index_to_key)}
