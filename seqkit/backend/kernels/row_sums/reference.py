"""Add up the rows that share an id: the backward of an embedding lookup."""

from __future__ import annotations

from typing import Any

from seqkit.backend.device import array_module


def sum_by_id(ids: Any, values: Any) -> tuple[Any, Any]:
    """ids (N,) and values (N, E) to unique ascending ids (R,) and their sums (R, E)."""
    xp = array_module(ids, values)
    rows, place = xp.unique(ids, return_inverse=True)
    sums = xp.zeros((len(rows), values.shape[1]), values.dtype)
    xp.add.at(sums, place.reshape(-1), values)
    return rows, sums
