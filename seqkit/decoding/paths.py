"""The ids chosen so far as a forest, from which whole sequences are read at the end."""

from dataclasses import dataclass

import numpy as np

from seqkit.backend import Array, to_numpy


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
