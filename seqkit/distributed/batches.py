"""The part of a batch that a process of a group has: some of its rows, with their padding."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from seqkit.backend.random import Rows

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


def part(batch: Any, rows: slice) -> Any:
    """Return some rows of a batch; what is no array stays, and so does what all rows share (OF_ALL_ROWS)."""

    def cut(value: Any) -> Any:
        return value[rows] if isinstance(value, np.ndarray) else value

    if isinstance(batch, tuple):
        return tuple(map(cut, batch))
    shared = getattr(batch, "OF_ALL_ROWS", ())
    return dataclasses.replace(batch, **{k: cut(v) for k, v in vars(batch).items() if k not in shared})


def place(batch: Any, rows: slice) -> Rows:
    """Return the place of rows in a batch, for the generators of random numbers."""
    lengths = {}
    for name in _LENGTHS:
        if (of_rows := getattr(batch, name, None)) is not None:
            lengths[tuple(of_rows[rows].tolist())] = tuple(of_rows[: rows.start].tolist())
    return Rows(rows.start, rows.stop - rows.start, lengths)
