"""The loop that every one-path decoder shares: feed, choose, stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.decoding.protocol import Decodable
from seqkit.errors import UsageError

Choose = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(log-probabilities (B, V) float64 with -inf for banned ids, the rows' numbers (B,)) -> chosen ids (B,)."""


@dataclass(frozen=True)
class Generated:
    """One generated sequence.

    ``ids`` are the new ids, without the start id, the prompt and the stop id. ``log_prob`` is the sum of the
    model's own natural-log probabilities, in float64, of the new ids and of the stop id where there was one:
    before temperature, truncation and bans. ``stopped`` tells whether a stop id ended it.
    """

    ids: list[int]
    log_prob: float
    stopped: bool


def _id_list(name: str, ids: Sequence[int] | np.ndarray) -> list[int]:
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise UsageError(f"{name} must be a flat list of ids, not {ids!r}")
    return [int(i) for i in array]


def _check_vocabulary(V: int, **named: list[int]) -> None:
    for name, ids in named.items():
        for i in ids:
            if not 0 <= i < V:
                raise UsageError(f"{name} must hold ids between 0 and {V - 1}, not {i}")


def _allowed(log_probs: np.ndarray, banned: list[int]) -> np.ndarray:
    left = log_probs.copy()
    left[:, banned] = -np.inf
    best = left.max(axis=1)
    if not np.isfinite(best).all():
        row = int(np.flatnonzero(~np.isfinite(best))[0])
        raise UsageError(
            f"no id that is not banned has a finite log-probability in row {row} (the best: {best[row]})",
            remedy="ban fewer ids; if it is nan, the model's weights are not finite",
        )
    return left


def decode(
    model: Decodable,
    choose: Choose,
    *,
    batch: int,
    max_new_tokens: int,
    start_id: int,
    prompt: Sequence[int] | np.ndarray | None,
    banned: Sequence[int],
    stop: Sequence[int],
    context: Any,
) -> list[Generated]:
    """Generate ``batch`` sequences, choosing each id by ``choose``; see :func:`~seqkit.decoding.sample`."""
    for name, value in (("batch", batch), ("max_new_tokens", max_new_tokens)):
        if not isinstance(value, Integral) or value < 1:
            raise UsageError(f"{name} must be an integer of at least 1, not {value!r}")
    prompt = _id_list("prompt", () if prompt is None else prompt)
    banned, stop = sorted(set(_id_list("banned", banned))), _id_list("stop", stop)

    on_device, state = model.step(np.full(batch, start_id, np.int64), model.start(batch, context))
    V = on_device.shape[1]
    _check_vocabulary(V, prompt=prompt, banned=banned, stop=stop)
    if len(banned) == V:
        raise UsageError(f"banned must leave an id to produce, not name all {V}")
    for i in prompt:
        on_device, state = model.step(np.full(batch, i, np.int64), state)

    rows = np.arange(batch)  # the sequences still growing
    new_ids: list[list[int]] = [[] for _ in range(batch)]
    log_prob = np.zeros(batch)
    stopped = np.zeros(batch, bool)
    for left in reversed(range(max_new_tokens)):
        log_probs = np.asarray(to_numpy(on_device), np.float64)  # the one crossing from a GPU
        ids = choose(_allowed(log_probs, banned), rows)
        log_prob[rows] += log_probs[np.arange(len(rows)), ids]
        done = np.isin(ids, stop)
        stopped[rows[done]] = True
        for row, i in zip(rows[~done], ids[~done], strict=True):
            new_ids[row].append(int(i))
        if left == 0 or done.all():
            break
        if done.any():
            keep = np.flatnonzero(~done)
            rows, ids, state = rows[keep], ids[keep], model.reorder(state, keep)
        on_device, state = model.step(ids, state)
    return [Generated(new_ids[row], float(log_prob[row]), bool(stopped[row])) for row in range(batch)]
