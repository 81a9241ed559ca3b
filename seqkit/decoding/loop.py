"""The decoding loop of greedy search and sampling (feed, choose, stop), and the paths of all searches."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqkit.backend import Array, array_module, to_numpy
from seqkit.backend.kernels import kernels
from seqkit.decoding.prefill import Prefilled, prefill
from seqkit.decoding.protocol import Decodable, in_evaluation
from seqkit.errors import UsageError

Choose = Callable[[Array, Prefilled, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(log-probabilities (B, V) on their device, the settings, the rows' numbers (B,)) -> chosen ids (B,) and
their log-probabilities (B,) float64. Raises UsageError by :func:`require_finite`."""


@dataclass(frozen=True)
class Generated:
    """A generated sequence.

    ``ids`` (T,) are the new ids, without the start id, the prompt and the stop id. ``log_prob`` is the sum of
    the model's own natural-log probabilities, in float64, of the new ids and the stop id if there was one:
    before temperature, truncation and bans. ``stopped`` is True if a stop id ended it; else it was cut at the
    number of tokens allowed.

    ``attention`` (T, S), if it was requested and the model has it: row t holds the weights over the S source
    positions with which ``ids[t]`` was predicted. It takes no part in comparisons.
    """

    ids: list[int]
    log_prob: float
    stopped: bool
    attention: np.ndarray | None = field(default=None, compare=False, kw_only=True)


@dataclass
class _Step:
    parents: np.ndarray  # (N,) the nodes of the step before
    rows: np.ndarray  # (N,) the rows of the model that they were then
    ids: np.ndarray  # (N,)
    attention: Array | None  # (rows of the model, S); on its device until somebody reads it


class Paths:
    """Every step adds a layer of nodes, each an id that continues a row of the model; rows are nodes too.

    A search that copies, drops and swaps rows records only where each came from: a step costs its own
    nodes, not the lengths of the sequences.
    """

    def __init__(self, batch: int) -> None:
        self._steps: list[_Step] = []
        self._nodes = np.arange(batch)  # which node of the last layer is each row of the model

    def grow(self, rows: np.ndarray, ids: np.ndarray, attention: Array | None = None) -> None:
        """Add nodes: the i-th continues row ``rows[i]`` of the model by ``ids[i]``; both (N,).

        ``attention`` (rows, S) are the weights behind the rows' predictions. Until :meth:`keep` says
        otherwise, row i is the i-th of these nodes from now on.
        """
        self._steps.append(_Step(self._nodes[rows], rows, ids, attention))
        self._nodes = np.arange(len(ids))

    def keep(self, nodes: np.ndarray) -> None:
        """Go on with these nodes of the last layer as the rows of the model."""
        self._nodes = self._nodes[nodes]

    def nodes_before(self) -> np.ndarray:
        """The node of the layer before that each node of the last layer continues."""
        return self._steps[-1].parents

    def read(self, length: int, node: int, stopped: bool) -> tuple[list[int], np.ndarray | None]:
        """The ids (T,) from the first layer to ``node`` of layer ``length``, and their attention (T, S).

        T is ``length``; one less where the node ``stopped``, since its id is the stop id.
        """
        ids: list[int] = []
        weights: list[np.ndarray] = []
        for step in reversed(self._steps[:length]):
            ids.append(int(step.ids[node]))
            if step.attention is not None:
                step.attention = to_numpy(step.attention)  # once a step, whoever reads it first
                weights.append(step.attention[step.rows[node]])
            node = int(step.parents[node])
        T = length - stopped
        return ids[::-1][:T], np.stack(weights[::-1])[:T] if weights else None


@in_evaluation
def decode(
    model: Decodable,
    choose: Choose,
    *,
    batch: int,
    max_new_tokens: int,
    on_id: Callable[[int], None] | None = None,
    **shared: Any,
) -> list[Generated]:
    """Generate ``batch`` sequences, choosing each id by ``choose``; see :func:`~seqkit.decoding.sample`.

    ``shared`` are the other settings of :func:`~seqkit.decoding.prefill.prefill`.
    """
    if on_id is not None and batch != 1:
        raise UsageError(f"on_id has no effect here: it is for one sequence, got batch {batch}")
    start = prefill(model, batch=batch, max_new_tokens=max_new_tokens, **shared)
    on_device, state = start.log_probs, start.state
    paths = Paths(batch)
    rows = np.arange(batch)  # the sequences still growing
    places = rows  # theirs in the model's batch
    log_prob = np.zeros(batch)
    length_of, node_of = np.zeros((2, batch), np.int64)  # where the path of each sequence ends
    stopped = np.zeros(batch, bool)
    for length in range(1, max_new_tokens + 1):
        ids, log_probs = choose(on_device, start, rows)
        log_prob[rows] += log_probs
        paths.grow(places, ids, start.attention_of(state))
        if start.stop:
            stopped[rows] = [i in start.stop for i in ids.tolist()]
        if on_id is not None and not stopped[0]:
            on_id(int(ids[0]))
        if length == max_new_tokens or stopped[rows].any():
            done = stopped[rows] | (length == max_new_tokens)
            length_of[rows[done]], node_of[rows[done]] = length, np.flatnonzero(done)
            if done.all():
                break
            keep = np.flatnonzero(~done)
            rows, ids, state = rows[keep], ids[keep], model.reorder(state, keep)
            places = np.arange(len(rows))
            paths.keep(keep)
        on_device, state = model.step(ids, state)

    results = []
    for row in range(batch):
        ended = bool(stopped[row])
        new_ids, attention = paths.read(int(length_of[row]), int(node_of[row]), ended)
        results.append(Generated(new_ids, float(log_prob[row]), ended, attention=attention))
    return results


def likeliest(on_device: Array, excluded: Array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k highest log-probabilities of each row of (N, V), (N, k) float64, and their ids.

    All V, if k > V; the lower id comes first among equals, and ids where ``excluded`` (V,) is true count as
    -inf. Only N k numbers and their ids leave the device.
    """
    family = kernels("largest", array_module(on_device), on_device.dtype)
    count = min(k, on_device.shape[1])
    found = to_numpy(family.largest(on_device, excluded, count))  # the one crossing from a GPU
    return found[0].T.copy(), found[1].T.astype(np.int64)


def require_finite(best: np.ndarray, rows: np.ndarray) -> None:
    """Raise UsageError where the best remaining log-probability (N,) of one of ``rows`` is not finite."""
    if not all(map(math.isfinite, best.tolist())):  # for a few rows much less work than NumPy makes of it
        at = int(np.flatnonzero(~np.isfinite(best))[0])
        raise UsageError(
            f"no id that is not banned has a finite log-probability in row {rows[at]} (the best: {best[at]})",
            remedy="ban fewer ids; if it is nan, the model's weights are not finite",
        )
