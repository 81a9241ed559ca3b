"""The part of a batch that a process of a group has: some of its rows, with their padding."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

from seqkit.backend.random import Rows

B = TypeVar("B")

_LENGTHS = ("lengths", "source_lengths", "target_lengths")
"""Attributes of batches with the lengths of the sequences in their rows."""


def _arrays(batch: Any) -> list[np.ndarray]:
    values = (
        batch if isinstance(batch, tuple) else [getattr(batch, f.name) for f in dataclasses.fields(batch)]
    )
    return [value for value in values if isinstance(value, np.ndarray)]


def row_count(batch: Any) -> int:
    """Return the rows of a batch: a tuple or a dataclass of arrays with rows on their first axis."""
    return len(_arrays(batch)[0])


def part(batch: B, rows: slice) -> B:
    """Return some rows of a batch; what is no array stays, and so does what all rows share (OF_ALL_ROWS)."""

    def cut(value: Any) -> Any:
        return value[rows] if isinstance(value, np.ndarray) else value

    if isinstance(batch, tuple):
        return type(batch)(map(cut, batch))
    shared = getattr(batch, "OF_ALL_ROWS", ())
    names = [field.name for field in dataclasses.fields(batch) if field.name not in shared]
    return dataclasses.replace(batch, **{name: cut(getattr(batch, name)) for name in names})


def place(batch: Any, rows: slice) -> Rows:
    """Return the place of rows in a batch, for the generators of random numbers."""
    lengths = {}
    for name in _LENGTHS:
        if (of_rows := getattr(batch, name, None)) is not None:
            lengths[tuple(of_rows[rows].tolist())] = tuple(of_rows[: rows.start].tolist())
    return Rows(rows.start, rows.stop - rows.start, lengths)
