"""Keys, their places, and their attributes such as counts."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from seqkit.errors import UnknownWordError, UsageError
from seqkit.vectors.words import Words, nearest_spellings

Key = str | int | np.integer
KEY_TYPES = (str, int, np.integer)
_LOOKUPS_BY_SEARCH = 16
"""Lookups in the words of a file (1 ms each among 400,000) before the dict of all is made (100 ms)."""


def require_list(keys: object) -> None:
    """Raise UsageError for a string in place of a list of keys: its letters would be the keys."""
    if isinstance(keys, str | bytes):
        raise UsageError(f"expected a list of keys, got the string {keys!r}", remedy=f"give [{keys!r}]")


class KeyTable:
    """N keys (words, mostly), each with a place from 0 to N - 1, and named attributes of one value a key.

    Names and behaviour are gensim's. ``index_to_key`` and ``key_to_index`` of a mapped file are made on first
    use.
    """

    def __init__(self, count: int = 0) -> None:
        self.expandos: dict[str, np.ndarray] = {}
        """Attribute -> its values, (N,)."""
        self._words: Words | None = None
        self._keys: list[Any] | None = [None] * count
        self._index: dict[Any, int] | None = {}
        self._searches = 0

    def __len__(self) -> int:
        return len(self._words) if self._keys is None and self._words is not None else len(self.index_to_key)

    @property
    def index_to_key(self) -> list[Any]:
        """The keys in the order of their places."""
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

    def _find(self, key: object) -> int:
        if self._index is None and self._words is not None and isinstance(key, str):
            self._searches += 1
            if self._searches <= _LOOKUPS_BY_SEARCH:
                return self._words.find(key)
        return self.key_to_index.get(key, -1)

    def get_index(self, key: object, default: int | None = None) -> int:
        """Return the place of a key; an int that is not a key is taken as a place itself.

        Args:
            key: A key.
            default: The result for an unknown key.

        Raises:
            UnknownWordError: A KeyError, for an unknown key without a ``default``.
        """
        index = self._find(key)
        if index >= 0:
            return index
        if isinstance(key, (int, np.integer)) and 0 <= key < len(self):
            return int(key)
        if default is not None:
            return default
        raise self._unknown(key)

    def _unknown(self, key: object) -> UnknownWordError:
        def suggest() -> list[str]:
            return nearest_spellings(str(key), [k for k in self.index_to_key if isinstance(k, str)])

        return UnknownWordError(key, suggest if isinstance(key, str) else None)

    def has_index_for(self, key: object) -> bool:
        """Return whether the key has a vector of its own here."""
        return self.get_index(key, -1) >= 0

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key)

    def allocate_vecattrs(
        self, attrs: Iterable[str] | None = None, types: Iterable[Any] | None = None
    ) -> None:
        """Make room for attributes of the given names and types, one value a key; without names, for all.

        Raises:
            TypeError: An attribute is there with another type.
        """
        if attrs is None:
            attrs, types = list(self.expandos), [array.dtype for array in self.expandos.values()]
        size = len(self)
        for name, dtype in zip(attrs, types or (), strict=True):
            dtype = {int: np.int64, str: object}.get(dtype, dtype)
            old = self.expandos.get(name)
            if old is None:
                self.expandos[name] = np.zeros(size, dtype)
                continue
            if not np.issubdtype(dtype, old.dtype):
                raise TypeError(f"expected attribute {name!r} of type {old.dtype}, got {dtype}")
            if len(old) != size:
                kept = min(len(old), size)
                self.expandos[name] = np.zeros(size, old.dtype)
                self.expandos[name][:kept] = old[:kept]

    def set_vecattr(self, key: Key, attr: str, val: object) -> None:
        """Set an attribute of a key; the first value of the name settles its type."""
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][self.get_index(key)] = val

    def get_vecattr(self, key: Key, attr: str) -> Any:
        """Return an attribute of a key. Raises KeyError for an unknown key or attribute."""
        return self.expandos[attr][self.get_index(key)]
