"""What a model must offer to be decoded, and what sampling needs of a generator."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from seqkit.backend import Array


class Decodable(Protocol):
    """A model that predicts the next id, B rows at a time.

    The state is opaque: only the model looks inside (recurrent state, a cache of keys and values, numbers
    of n-grams). A method never writes into a state that it was given, so that a search may keep old ones.
    """

    def start(self, batch: int, context: Any = None) -> Any:
        """The state of ``batch`` rows before any id.

        ``context`` is what the rows are conditioned on, in the model's own form (an encoded source
        sentence); None for a language model.
        """
        ...

    def step(self, ids: np.ndarray, state: Any) -> tuple[Array, Any]:
        """Take one id a row, (B,) NumPy integers; return what comes next, and the new state.

        The first is (B, V) natural-log probabilities on the model's own device, an array and not a Tensor.
        """
        ...

    def reorder(self, state: Any, rows: np.ndarray) -> Any:
        """The state whose row i is row ``rows[i]`` of ``state``; ``rows`` (B',) may drop and repeat rows."""
        ...


class Attentive(Decodable, Protocol):
    """A model that can also show where it looked: what ``with_attention`` asks for."""

    def attention_of(self, state: Any) -> Array | None:
        """The weights (B, S) over source positions behind the log-probabilities that came with ``state``.

        ``state`` is one that :meth:`step` returned; S is the same at every step, and positions that only
        pad a row's source have the weight 0. On the model's own device, an array and not a Tensor. None if
        this model, as it was configured, attends to nothing.
        """
        ...


class UniformSource(Protocol):
    """Where random numbers come from: ``seqkit.backend.random.Generator`` is one."""

    def uniform(self, shape: tuple[int, ...], *, dtype: Any) -> np.ndarray:
        """Independent numbers, uniform in [0, 1)."""
        ...
