"""The hypotheses of a beam search as a tree."""

from dataclasses import dataclass
from typing import Any

from seqkit.decoding.beam import BeamStep, Hypothesis, beam_search
from seqkit.decoding.protocol import Decodable
from seqkit.errors import UsageError


@dataclass(frozen=True)
class BeamNode:
    """A hypothesis that survived a step of a beam search.

    Attributes:
        parent: The index of the node that it continues; -1 for the first id.
        depth: Its length.
        id: Its last id.
        log_prob: Natural logarithm of its probability.
        score: Its score, if it ended here.
        complete: Whether it ended here, by a stop id or at the greatest length.
        rank: Its place among the results, 1 for the best; None if it is none of them or goes on.
        on_path: Whether a result is this node or one after it.
    """

    parent: int
    depth: int
    id: int
    log_prob: float
    score: float
    complete: bool
    rank: int | None
    on_path: bool


@dataclass(frozen=True)
class BeamTree:
    """The results of a search, best first, and all nodes of its tree; parents come before children."""

    hypotheses: list[Hypothesis]
    nodes: list[BeamNode]


def beam_tree(model: Decodable, *, beam: int = 5, **settings: Any) -> BeamTree:
    """Search one sequence, and return the search as a tree.

    Args:
        model: As of :func:`beam_search`, like the settings; of a batch only one row can be searched.
        beam: Width of the search; all hypotheses that end within it are ranked.
        **settings: Other arguments of :func:`beam_search`.

    Raises:
        UsageError: As of :func:`beam_search`.
    """
    for name in ("n_best", "on_step"):
        if name in settings:
            raise UsageError(f"{name} has no effect here: the tree has all hypotheses")
    if settings.get("batch", 1) != 1:
        raise UsageError(f"expected batch to be 1 for a tree, got {settings['batch']}")
    steps: list[BeamStep] = []
    [hypotheses] = beam_search(model, beam=beam, n_best=beam, on_step=steps.append, **settings)
    rows: list[tuple[int, int, int, float, float, bool]] = []
    before = [-1]
    for depth, step in enumerate(steps, 1):
        first = len(rows)
        parents = [before[parent] for parent in step.parents.tolist()]
        others = (step.ids, step.log_prob, step.score, step.complete)
        for parent, *values in zip(parents, *(each.tolist() for each in others), strict=True):
            rows.append((parent, depth, *values))
        before = list(range(first, len(rows)))
    rank_of = _ranks(hypotheses, rows, settings.get("stop", ()))
    kept = set(rank_of)
    for node in reversed(range(len(rows))):  # parents come before their children
        if node in kept and rows[node][0] >= 0:
            kept.add(rows[node][0])
    return BeamTree(
        hypotheses,
        [BeamNode(*row, rank=rank_of.get(node), on_path=node in kept) for node, row in enumerate(rows)],
    )


def _ranks(hypotheses: list[Hypothesis], rows: list[Any], stop: Any) -> dict[int, int]:
    """Return the rank of each node that is a result."""
    places = {}
    for node, row in enumerate(rows):
        if row[5]:
            ids, at = [], node
            while at >= 0:
                ids.append(rows[at][2])
                at = rows[at][0]
            stopped = ids[0] in stop
            places[(tuple(ids[::-1][: len(ids) - stopped]), stopped)] = node
    return {places[(tuple(h.ids), h.stopped)]: rank for rank, h in enumerate(hypotheses, 1)}
