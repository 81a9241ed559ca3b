"""Beam search."""

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seqkit.decoding.loop import Generated, Paths, likeliest, require_finite
from seqkit.decoding.prefill import check_count, prefill
from seqkit.decoding.protocol import Decodable, in_evaluation
from seqkit.errors import UsageError

MAX_BEAM = 1000
"""The largest width; more would exceed any machine's memory."""


@dataclass(frozen=True)
class Hypothesis(Generated):
    """A sequence found by a search; ``score`` ranks it, the higher the better."""

    score: float


class BeamStep(NamedTuple):
    """The continuations that survived a step of the search, of all rows; those of a row best first.

    The i-th continues the hypothesis ``parents[i]`` of the step before, or at the first step row
    ``parents[i]``.
    """

    parents: np.ndarray
    """(N,)"""
    ids: np.ndarray
    """(N,)"""
    log_prob: np.ndarray
    """(N,) of the whole hypothesis."""
    score: np.ndarray
    """(N,) the score if the hypothesis ended here."""
    complete: np.ndarray
    """(N,) bool: whether it ends here."""


@in_evaluation
def beam_search(
    model: Decodable,
    *,
    batch: int = 1,
    max_new_tokens: int,
    start_id: int,
    beam: int = 5,
    n_best: int = 1,
    length_penalty: float = 0.6,
    prompt: Sequence[int] | np.ndarray | None = None,
    banned: Sequence[int] = (),
    stop: Sequence[int] = (),
    context: object = None,
    with_attention: bool = False,
    on_step: Callable[[BeamStep], None] | None = None,
) -> list[list[Hypothesis]]:
    """Search the best continuations of ``batch`` rows.

    Of all continuations of a row's live hypotheses by one id, the ``beam`` of the highest summed log
    probability survive. Those that end in an id of ``stop`` are set apart as finished, and so are, at
    ``max_new_tokens``, those that did not stop. Width 1 is greedy decoding. Among equals the continuation of
    the better hypothesis comes first, then the lower id; among finished ones, the earlier. Where a hypothesis
    could end in several stop ids, only the likeliest end counts, so that no list holds the same ids twice.

    Finished hypotheses are ranked by ``score`` = log_prob / ((5 + n) / 6) ** ``length_penalty``, where n
    counts the new ids and the stop id: Wu et al. (2016), equation 14, without their coverage term. A live
    hypothesis is dropped once it cannot reach a better score than the n-th best finished one. That never
    changes the result: at one length the likelier hypothesis can also reach more, so that those without hope
    survive only in places which no other takes.

    Args:
        model: A :class:`~seqkit.decoding.Decodable`.
        batch: Number of rows.
        max_new_tokens: Greatest length of a hypothesis.
        start_id: Id that is fed to every row first.
        beam: Width of the search.
        n_best: Hypotheses to return for each row, at most ``beam``.
        length_penalty: 0 ranks by the plain sum of log probabilities, which favours short sequences; the
            default is that of Vaswani et al. (2017).
        prompt: As of :func:`~seqkit.decoding.sample`, like the rest.
        banned: Ids that are never produced.
        stop: Ids that end a hypothesis.
        context: Argument of ``model.start``.
        with_attention: Also return attention weights.
        on_step: Called after each step with the hypotheses that survived it.

    Returns:
        For each row its :class:`~seqkit.decoding.Hypothesis` list, best first; shorter than ``n_best`` only
        if there are no more.

    Raises:
        UsageError: Besides those of sample, a ``beam``, ``n_best`` or ``length_penalty`` out of range.
    """
    check_count("beam", beam, MAX_BEAM)
    check_count("n_best", n_best)
    if n_best > beam:
        raise UsageError(f"expected n_best to be at most the width of the beam, {beam}, got {n_best}")
    if not (math.isfinite(length_penalty) and length_penalty >= 0):
        raise UsageError(f"expected length_penalty to be 0 or a positive finite number, got {length_penalty}")
    start = prefill(
        model,
        batch=batch,
        max_new_tokens=max_new_tokens,
        start_id=start_id,
        prompt=prompt,
        banned=banned,
        stop=stop,
        context=context,
        with_attention=with_attention,
    )
    on_device, state = start.log_probs, start.state
    paths = Paths(batch)
    finished = [_NBest(n_best) for _ in range(batch)]
    # Of the live hypotheses, sorted by owner and then best first: the row they belong to, and their log_prob.
    owner, log_prob = np.arange(batch), np.zeros(batch)
    for length in range(1, max_new_tokens + 1):
        log_probs, ids = likeliest(on_device, start.excluded, beam + max(len(start.stop) - 1, 0))
        dead = np.isneginf(log_probs[:, 0])
        require_finite(log_probs[~dead, 0], owner[~dead])
        ends = np.isin(ids, start.stop)
        log_probs[ends & (np.cumsum(ends, axis=1) > 1)] = -np.inf  # only the likeliest end
        sums = log_prob[:, None] + log_probs
        parents, picked = _survivors(sums, owner, beam)
        owner, log_prob, ids = owner[parents], sums[parents, picked], ids[parents, picked]
        paths.grow(parents, ids, start.attention_of(state))

        stopped = ends[parents, picked]
        complete = stopped | (length == max_new_tokens)
        scores = log_prob / length_divisor(length, length_penalty)
        if on_step is not None:
            on_step(BeamStep(paths.nodes_before(), ids, log_prob, scores, complete))
        for node in np.flatnonzero(complete).tolist():
            end = _End(float(scores[node]), float(log_prob[node]), bool(stopped[node]), length, node)
            finished[owner[node]].offer(end)
        to_beat = np.array([found.worst for found in finished])
        hopeful = _reachable(log_prob, max_new_tokens, length_penalty) > to_beat[owner]
        live = np.flatnonzero(hopeful & ~complete)
        if not live.size:
            break
        owner, log_prob, ids, rows = owner[live], log_prob[live], ids[live], parents[live]
        paths.keep(live)
        if not np.array_equal(rows, np.arange(len(on_device))):
            state = model.reorder(state, rows)
        on_device, state = model.step(ids, state)

    nothing = np.array([not found.best for found in finished])
    require_finite(np.full(nothing.sum(), -np.inf), np.flatnonzero(nothing))
    return [[_hypothesis(paths, end) for end in found.best] for found in finished]


def length_divisor(n: int, length_penalty: float) -> float:
    """Return ((5 + n) / 6) ** length_penalty, the divisor of the log-probability of n ids."""
    return ((5 + n) / 6) ** length_penalty


def _reachable(log_prob: np.ndarray, max_new_tokens: int, length_penalty: float) -> np.ndarray:
    """Return the upper bound of the scores of all continuations of live hypotheses (N,).

    More ids never raise log_prob, which is 0 at most; the largest divisor brings it closest to 0.
    """
    return log_prob / length_divisor(max_new_tokens, length_penalty)


def _survivors(sums: np.ndarray, owner: np.ndarray, beam: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the ``beam`` best finite ``sums`` (N, k) of every owner (N,), best first."""
    k = sums.shape[1]
    flat, owners = sums.ravel(), np.repeat(owner, k)
    order = np.lexsort((-flat, owners))  # stable: equals stay in the order of their parents, then of ids
    rank = np.arange(len(order)) - np.searchsorted(owners, owners)  # owners are sorted as they come
    order = order[(rank < beam) & np.isfinite(flat[order])]
    return order // k, order % k


class _End(NamedTuple):
    score: float
    log_prob: float
    stopped: bool
    length: int  # of the path, the stop id included
    node: int


class _NBest:
    """The n best ends of a row, best first; the earlier of two equals."""

    def __init__(self, n: int) -> None:
        self._n = n
        self.best: list[_End] = []

    def offer(self, end: _End) -> None:
        bisect.insort_right(self.best, end, key=lambda end: -end.score)
        del self.best[self._n :]

    @property
    def worst(self) -> float:
        """The score that a new end must exceed; -inf while there is room."""
        return self.best[-1].score if len(self.best) == self._n else -math.inf


def _hypothesis(paths: Paths, end: _End) -> Hypothesis:
    ids, attention = paths.read(end.length, end.node, end.stopped)
    return Hypothesis(ids, end.log_prob, end.stopped, end.score, attention=attention)
