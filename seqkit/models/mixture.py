"""Linear mixtures of language models over one vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.backend import Array, to_numpy
from seqkit.errors import ShapeError, UsageError


class MixtureModel:
    """P(w | h) = Σᵢ weightᵢ · Pᵢ(w | h), of models with the same ids (Jelinek and Mercer 1980).

    The members keep their states side by side. Threads may share it.

    Args:
        members: The models, in evaluation mode; Kneser-Ney or neural.
        weights: One for each, not negative, with the sum 1.

    Raises:
        UsageError: Weights that are no probabilities, or as many as there are members.
        ShapeError: Members with vocabularies of different sizes.
    """

    carries_state = True

    def __init__(self, members: Sequence[Any], weights: Sequence[float]) -> None:
        self.members, self.weights = list(members), np.asarray(weights, np.float64)
        sizes = {member.vocab_size for member in members}
        if self.weights.shape != (len(members),) or len(members) < 1:
            raise UsageError(f"expected a weight for each of {len(members)} models, got {weights}")
        if not (self.weights >= 0).all() or abs(self.weights.sum() - 1) > 1e-6:
            raise UsageError(f"expected weights of at least 0 with the sum 1, got {weights}")
        if len(sizes) != 1:
            raise ShapeError(f"expected models of one vocabulary, got {sorted(sizes)} ids")

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""
        return int(self.members[0].vocab_size)

    @property
    def config(self) -> Any:
        """The configuration of the first member, for its ``vocab_size``."""
        return self.members[0].config

    def _mixed(self, log_probs: Sequence[Array]) -> np.ndarray:
        with np.errstate(divide="ignore"):
            weighted = [
                np.log(w) + np.asarray(to_numpy(each), np.float64)
                for w, each in zip(self.weights, log_probs, strict=True)
            ]
        return np.logaddexp.reduce(weighted, axis=0)

    def zero_state(self, batch: int) -> list[Any]:
        """Return the state before any text."""
        return [member.zero_state(batch) for member in self.members]

    def token_losses(
        self, ids: Array, targets: Array, state: list[Any] | None = None
    ) -> tuple[np.ndarray, list[Any]]:
        """Return -log P (B, T) float64 of each target, 0 where it is -1, and the state."""
        state = self.zero_state(len(ids)) if state is None else state
        losses, after = zip(
            *(m.token_losses(ids, targets, s) for m, s in zip(self.members, state, strict=True)), strict=True
        )
        mixed = -self._mixed([-np.asarray(to_numpy(each), np.float64) for each in losses])
        return np.where(np.asarray(targets) < 0, 0.0, mixed), list(after)

    # The decoding protocol

    def start(self, batch: int, context: None = None) -> list[Any]:
        """Return the state of ``batch`` rows before any text."""
        return [member.start(batch, context) for member in self.members]

    def step(self, ids: Array, state: list[Any]) -> tuple[np.ndarray, list[Any]]:
        """Feed ids (B,); return log P (B, V) float64 of the next token, and the state."""
        return self._fed("step", ids, state)

    def prefill(self, ids: Array, state: list[Any]) -> tuple[np.ndarray, list[Any]]:
        """Feed ids (B, T), T at least 1; return log P (B, V) of the token after them, and the state."""
        return self._fed("prefill", ids, state)

    def _fed(self, method: str, ids: Array, state: list[Any]) -> tuple[np.ndarray, list[Any]]:
        found = [getattr(m, method)(ids, s) for m, s in zip(self.members, state, strict=True)]
        return self._mixed([log_probs for log_probs, _ in found]), [after for _, after in found]

    def reorder(self, state: list[Any], rows: Array) -> list[Any]:
        """Return the state of ``rows``, in that order; rows may repeat or be left out."""
        return [member.reorder(s, rows) for member, s in zip(self.members, state, strict=True)]
