"""Keys, their vectors and their attributes: the storage under :class:`~seqkit.vectors.KeyedVectors`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import DataError, ShapeError, UnknownWordError, UsageError
from seqkit.vectors.words import Words

if TYPE_CHECKING:
    from seqkit.vectors.formats.content import Content

Key = str | int | np.integer
KEY_TYPES = (str, int, np.integer)
_LOOKUPS_BY_SEARCH = 16
"""Lookups in the words of a file (1 ms each among 400,000) before the dict of all is made (100 ms)."""


def row_norms(vectors: np.ndarray) -> np.ndarray:
    """The lengths of the rows of (N, D): (N,). Without the squares of all in memory, as linalg.norm makes."""
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors))


class VectorTable:
    """N keys (words, mostly) with a vector (D,) each, and named attributes such as "count".

    Names and behaviour are gensim's. ``index_to_key`` and ``key_to_index`` of a file that is mapped are made
    when they are first asked for.
    """

    def __init__(self, vector_size: int, count: int = 0, dtype: Any = np.float32) -> None:
        self.vector_size = vector_size
        self.next_index = 0
        self.norms: np.ndarray | None = None
        self.expandos: dict[str, np.ndarray] = {}
        self.vectors_lockf: np.ndarray = np.ones(1, np.float32)
        """The factors of the updates in training, (N,), or (1,) for all; 0 holds a vector still."""
        self._vectors = np.zeros((count, vector_size), dtype)
        self._unproved: Callable[[int], DataError] | None = None
        self._words: Words | None = None
        self._keys: list[Any] | None = [None] * count
        self._index: dict[Any, int] | None = {}
        self._searches = 0

    @classmethod
    def _of(cls, content: Content) -> Any:
        """A table over what a format has read."""
        table = cls(content.vectors.shape[1], 0, content.vectors.dtype)
        table._vectors, table._words = content.vectors, content.words
        table._keys = table._index = None
        table._unproved, table.norms = content.unproved, content.norms
        table.expandos = dict(content.attributes)
        table.next_index = len(content.words)
        return table

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __len__(self) -> int:
        return len(self._words) if self._keys is None and self._words is not None else len(self.index_to_key)

    # keys

    @property
    def index_to_key(self) -> list[Any]:
        """The keys in the order of their vectors."""
        if self._keys is None:
            assert self._words is not None
            self._keys = self._words.to_list()
        return self._keys

    @index_to_key.setter
    def index_to_key(self, keys: list[Any]) -> None:
        self._keys = keys

    @property
    def key_to_index(self) -> dict[Any, int]:
        """The place of each key."""
        if self._index is None:
            self._index = {key: i for i, key in enumerate(self.index_to_key)}
        return self._index

    @key_to_index.setter
    def key_to_index(self, index: dict[Any, int]) -> None:
        self._index = index

    def _key_at(self, index: int) -> Any:
        if self._keys is None and self._words is not None:
            return self._words[index]
        return self.index_to_key[index]

    def _find(self, key: Any) -> int:
        if self._index is None and self._words is not None and isinstance(key, str):
            self._searches += 1
            if self._searches <= _LOOKUPS_BY_SEARCH:
                return self._words.find(key)
        return self.key_to_index.get(key, -1)

    def get_index(self, key: Any, default: Any = None) -> Any:
        """The place of a key; an int that is no key is taken as a place itself.

        Raises UnknownWordError (a KeyError) for an unknown key without a ``default``.
        """
        index = self._find(key)
        if index >= 0:
            return index
        if isinstance(key, (int, np.integer)) and 0 <= key < len(self):
            return key
        if default is not None:
            return default
        raise self._unknown(key)

    def _unknown(self, key: Any) -> UnknownWordError:
        def suggest() -> list[str]:
            from seqkit.vectors.spelling import nearest_spellings

            return nearest_spellings(key, [k for k in self.index_to_key if isinstance(k, str)])

        return UnknownWordError(key, suggest if isinstance(key, str) else None)

    def has_index_for(self, key: Any) -> bool:
        """Whether the key has a vector of its own here."""
        return bool(self.get_index(key, -1) >= 0)

    def __contains__(self, key: Any) -> bool:
        return self.has_index_for(key)

    # vectors

    @property
    def vectors(self) -> np.ndarray:
        """All vectors, (N, D), in the order of ``index_to_key``.

        Raises DataError when those of a large mapped file are not all finite (looked at on first use).
        """
        if self._unproved is not None:
            self._prove()
        return self._vectors

    @vectors.setter
    def vectors(self, vectors: np.ndarray) -> None:
        self._vectors, self._unproved = vectors, None

    def _prove(self) -> None:
        from seqkit.vectors.formats.content import first_not_finite

        row = first_not_finite(self._vectors)
        if row is not None and self._unproved is not None:
            raise self._unproved(row)
        self._unproved = None

    def get_vector(self, key: Any, norm: bool = False) -> np.ndarray:
        """The vector of a key, (D,), read-only; ``norm``: scaled to length 1 (a zero vector stays zero).

        Raises UnknownWordError (a KeyError).
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

    def word_vec(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """gensim's old name of :meth:`get_vector`."""
        return self.get_vector(*args, **kwargs)

    def __getitem__(self, key_or_keys: Any) -> np.ndarray:
        """The vector of a key, (D,), or those of a list of keys, (K, D)."""
        if isinstance(key_or_keys, KEY_TYPES):
            return self.get_vector(key_or_keys)
        return np.vstack([self.get_vector(key) for key in key_or_keys])

    def fill_norms(self, force: bool = False) -> None:
        """Compute the lengths of the vectors, unless they are there.

        ``force``: anew, for code that has changed ``vectors`` in place.
        """
        if self.norms is None or force:
            self.norms = row_norms(self.vectors)

    def init_sims(self, replace: bool = False) -> None:
        """gensim's old name of :meth:`fill_norms`, or with ``replace`` of :meth:`unit_normalize_all`."""
        self.fill_norms()
        if replace:
            self.unit_normalize_all()

    def _divisors(self) -> np.ndarray:
        """The norms, (N,), with 1 for zero vectors: their similarity to anything is 0, not NaN."""
        self.fill_norms()
        assert self.norms is not None
        return (
            self.norms
            if self.norms.all()
            else np.where(self.norms == 0, self.norms.dtype.type(1), self.norms)
        )

    def get_normed_vectors(self) -> np.ndarray:
        """A copy of all vectors scaled to length 1, (N, D)."""
        return self.vectors / self._divisors()[:, None]

    def unit_normalize_all(self) -> None:
        """Scale all vectors to length 1, in place."""
        self.vectors /= self._divisors()[:, None]
        assert self.norms is not None
        self.norms = (self.norms != 0).astype(np.float32)

    def add_vector(self, key: Key, vector: Any) -> int:
        """Add one vector, into the next free place of those made ahead, else at the end (slow; warns).

        Gives its place.
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
        self._vectors[place] = vector
        self.index_to_key[place] = key
        self.key_to_index[key] = place
        self.norms = None
        self.next_index += 1
        return place

    def add_vectors(
        self,
        keys: Key | Sequence[Any],
        weights: Any,
        extras: Mapping[str, np.ndarray] | None = None,
        replace: bool = False,
    ) -> None:
        """Append keys with their vectors; of known ones the vector is kept, or with ``replace`` replaced.

        keys: K of them. weights: (K, D). extras: attribute -> (K,).
        """
        if isinstance(keys, KEY_TYPES):
            keys, weights = [keys], np.asarray(weights).reshape(1, -1)
        weights = np.asarray(weights)
        if weights.shape != (len(keys), self.vector_size) and len(keys):
            raise ShapeError(
                f"vectors of shape {weights.shape} for {len(keys)} keys of {self.vector_size} dimensions"
            )
        extras = dict(extras or {})
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

    def __setitem__(self, keys: Any, weights: Any) -> None:
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
            raise ShapeError(
                f"expected ({len(self)},) or (1,) finite numbers in vectors_lockf, got {factors}"
            )
        return None if (factors == 1).all() else np.broadcast_to(factors, len(self))

    # attributes

    def allocate_vecattrs(
        self, attrs: Iterable[str] | None = None, types: Iterable[Any] | None = None
    ) -> None:
        """Make room for attributes of the given names and types, one value a key; without names, for all.

        Raises TypeError when an attribute is there with another type.
        """
        if attrs is None:
            attrs, types = list(self.expandos), [array.dtype for array in self.expandos.values()]
        size = len(self)
        for name, kind in zip(attrs, types or (), strict=True):
            kind = {int: np.int64, str: object}.get(kind, kind)
            old = self.expandos.get(name)
            if old is None:
                self.expandos[name] = np.zeros(size, kind)
                continue
            if not np.issubdtype(kind, old.dtype):
                raise TypeError(f"attribute {name!r} has type {old.dtype}, not {kind}")
            if len(old) != size:
                kept = min(len(old), size)
                self.expandos[name] = np.zeros(size, old.dtype)
                self.expandos[name][:kept] = old[:kept]

    def set_vecattr(self, key: Any, attr: str, val: Any) -> None:
        """Set an attribute of a key; the first value of the name settles its type."""
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][self.get_index(key)] = val

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """An attribute of a key. Raises KeyError for an unknown key or attribute."""
        return self.expandos[attr][self.get_index(key)]

    def sort_by_descending_frequency(self) -> None:
        """Reorder everything by the attribute "count", the highest first, later keys first among equals."""
        if not len(self):
            return
        if "count" not in self.expandos:
            raise UsageError("no attribute 'count' to sort by", remedy="set it with set_vecattr")
        counts = np.asarray(self.expandos["count"], np.int64)
        order = np.lexsort((-np.arange(len(counts)), -counts))
        self.index_to_key = [self.index_to_key[i] for i in order]
        self.allocate_vecattrs()
        self.expandos = {name: array[order] for name, array in self.expandos.items()}
        if len(self.vectors):
            self.vectors = self.vectors[order]
        self.norms = None
        self.key_to_index = {key: i for i, key in enumerate(self.index_to_key)}
