"""Gradients that are zero in most places, stored as the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend import Array, array_module, zeros


class IndexGradient:
    """The gradient of ``x[key]``: ``values`` at ``key`` of a zero array of ``shape``.

    Indexing one array T times costs T small additions, not T arrays of its size.
    """

    __slots__ = ("key", "shape", "values")

    def __init__(self, key: Any, values: Array, shape: tuple[int, ...]) -> None:
        self.key, self.values, self.shape = key, values, shape

    def to_dense(self) -> Array:
        """The whole array."""
        dense = zeros(array_module(self.values), self.shape, self.values.dtype)
        self.add_into(dense)
        return dense

    def add_into(self, dense: Array) -> None:
        """dense += self, in place; repeated indices add up."""
        if _is_basic(self.key):
            dense[self.key] += self.values
        else:
            array_module(dense).add.at(dense, self.key, self.values)


def _is_basic(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        part is None or part is Ellipsis or isinstance(part, int | np.integer | slice) for part in parts
    )


class RowGradient:
    """The gradient of an embedding matrix (V, E) of which a batch touched R rows.

    ``rows`` (R,) are unique and ascending; ``values`` (R, E). An optimiser updates those rows alone, so a
    step costs what the batch touched and not what the vocabulary holds.
    """

    __slots__ = ("rows", "shape", "values")

    def __init__(self, rows: Array, values: Array, shape: tuple[int, ...]) -> None:
        self.rows, self.values, self.shape = rows, values, shape

    def __repr__(self) -> str:
        return f"RowGradient({len(self.rows)} of {self.shape[0]} rows, {self.values.dtype})"

    def to_dense(self) -> Array:
        """The whole (V, E) array."""
        dense = zeros(array_module(self.values), self.shape, self.values.dtype)
        dense[self.rows] = self.values
        return dense

    def add_into(self, dense: Array) -> None:
        """dense += self, in place."""
        dense[self.rows] += self.values

    def merge(self, other: RowGradient) -> RowGradient:
        """Their sum, again with unique ascending rows."""
        xp = array_module(self.values, other.values)
        rows = xp.unique(xp.concatenate((self.rows, other.rows)))
        values = xp.zeros((len(rows), *self.shape[1:]), self.values.dtype)
        values[xp.searchsorted(rows, self.rows)] = self.values
        values[xp.searchsorted(rows, other.rows)] += other.values
        return RowGradient(rows, values, self.shape)


Gradient = Any
"""An array, or a RowGradient on a parameter."""


def accumulate(total: Gradient | None, part: Gradient) -> Gradient:
    """total + part. ``total`` is owned by the caller and may be written to; so is ``part`` if it becomes it.

    Rows and rows stay rows; anything else becomes a dense array once.
    """
    if total is None:
        return part
    if isinstance(total, RowGradient) and isinstance(part, RowGradient):
        return total.merge(part)
    if isinstance(total, RowGradient | IndexGradient):
        if not isinstance(part, RowGradient | IndexGradient):  # the dense one takes the sparse one in
            total, part = part, total
        else:
            total = total.to_dense()
    if isinstance(part, RowGradient | IndexGradient):
        part.add_into(total)
    else:
        total += part
    return total


def to_dense(gradient: Gradient) -> Array:
    """An array from either kind."""
    return gradient.to_dense() if isinstance(gradient, RowGradient | IndexGradient) else gradient
