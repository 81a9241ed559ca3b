"""The loop that every one-path decoder shares: feed, choose, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.decoding.allowed import require_finite, without
from seqkit.decoding.opening import begin
from seqkit.decoding.paths import Paths
from seqkit.decoding.protocol import Decodable
from seqkit.decoding.results import Generated

Choose = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(log-probabilities (B, V) float64 with -inf for banned ids, the rows' numbers (B,)) -> chosen ids (B,)."""


def decode(
    model: Decodable, choose: Choose, *, batch: int, max_new_tokens: int, **shared: Any
) -> list[Generated]:
    """Generate ``batch`` sequences, choosing each id by ``choose``; see :func:`~seqkit.decoding.sample`.

    ``shared`` are the other settings of :func:`~seqkit.decoding.opening.begin`.
    """
    opening = begin(model, batch=batch, max_new_tokens=max_new_tokens, **shared)
    on_device, state = opening.log_probs, opening.state
    paths = Paths(batch)
    rows = np.arange(batch)  # the sequences still growing
    log_prob = np.zeros(batch)
    length_of, node_of = np.zeros((2, batch), np.int64)  # where the path of each sequence ends
    stopped = np.zeros(batch, bool)
    for length in range(1, max_new_tokens + 1):
        log_probs = np.asarray(to_numpy(on_device), np.float64)  # the one crossing from a GPU
        left = without(log_probs, opening.banned)
        require_finite(left.max(axis=1), rows)
        ids = choose(left, rows)
        log_prob[rows] += log_probs[np.arange(len(rows)), ids]
        paths.grow(np.arange(len(rows)), ids, opening.attention_of(state))
        stopped[rows] = np.isin(ids, opening.stop)
        done = stopped[rows] | (length == max_new_tokens)
        length_of[rows[done]], node_of[rows[done]] = length, np.flatnonzero(done)
        if done.all():
            break
        if done.any():
            keep = np.flatnonzero(~done)
            rows, ids, state = rows[keep], ids[keep], model.reorder(state, keep)
            paths.keep(keep)
        on_device, state = model.step(ids, state)

    results = []
    for row in range(batch):
        ended = bool(stopped[row])
        new_ids, attention = paths.read(int(length_of[row]), int(node_of[row]), ended)
        results.append(Generated(new_ids, float(log_prob[row]), ended, attention=attention))
    return results
