"""The keys and values that decoding keeps, so that a step costs one token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqkit.autograd import Tensor, concatenate
from seqkit.backend import Array, array_module
from seqkit.backend.device import empty


class _Room:
    """Memory for more keys and values than there are.

    Args:
        keys: (B, N, C, D)
        values: (B, N, C, D)
    """

    def __init__(self, keys: Array, values: Array) -> None:
        self.keys, self.values = keys, values
        self._owners: dict[int, object] = {}

    def claim(self, start: int, end: int) -> bool:
        """Take the places from ``start`` to ``end``, unless there are none or others were put there.

        Who begins at ``start`` is decided by the first call, in one step also among threads.
        """
        owner = object()
        return end <= self.keys.shape[2] and self._owners.setdefault(start, owner) is owner


def _kind(x: Tensor) -> tuple[int, int, int, Any]:
    """Return all that two arrays must share for one to be written behind the other."""
    B, N, _, D = x.shape
    return B, N, D, x.data.dtype


class KeysValues:
    """Keys and values of each head. They never change; :meth:`extended` returns more of them.

    Args:
        keys: (B, N, S, D)
        values: (B, N, S, D)

    Example:
        >>> import numpy as np
        >>> token = Tensor(np.zeros((1, 2, 1, 3), np.float32))
        >>> KeysValues(token, token).extended(KeysValues(token, token)).keys.shape
        (1, 2, 2, 3)
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values
        self._room: _Room | None = None

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.keys, self.values))

    def __len__(self) -> int:
        """S, the number of keys."""
        return self.keys.shape[2]

    def extended(self, new: KeysValues) -> KeysValues:
        """Return these with further ones (B, N, T, D) behind them.

        From the second time on there is room for half as many again, so that most tokens are written where
        they belong and nothing else moves. Extending the same keys a second time makes a copy.
        """
        pairs = list(zip(self, new, strict=True))
        if any(a.requires_grad or b.requires_grad or _kind(a) != _kind(b) for a, b in pairs):
            return KeysValues(*(concatenate(a, b, axis=2) for a, b in pairs))
        start, end = len(self), len(self) + len(new)
        if start == end:
            return self
        room = self._room
        if room is None or not room.claim(start, end):
            room = self._moved(end if room is None else end + end // 2)
        room.keys[:, :, start:end] = new.keys.data
        room.values[:, :, start:end] = new.values.data
        longer = KeysValues(Tensor(room.keys[:, :, :end]), Tensor(room.values[:, :, :end]))
        longer._room = room
        return longer

    def of_rows(self, rows: Array) -> KeysValues:
        """Return those of some rows of the batch, in that order; rows may repeat or be left out."""
        return KeysValues(Tensor(self.keys.data[rows]), Tensor(self.values.data[rows]))

    def _moved(self, capacity: int) -> _Room:
        """Return room for ``capacity`` keys and values, with a copy of these at its beginning."""

        def copied(x: Array) -> Array:
            B, N, S, D = x.shape
            larger = empty(array_module(x), (B, N, capacity, D), x.dtype)
            larger[:, :, :S] = x
            return larger

        return _Room(copied(self.keys.data), copied(self.values.data))
