"""The methods that a model needs to be decoded, and that sampling needs of a generator."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

import numpy as np

from seqkit.backend import Array


class Decodable(Protocol):
    """A model that predicts the next id, B rows at a time.

    The state is opaque: only the model looks inside (recurrent state, a cache of keys and values, numbers
    of n-grams). A method never writes into a state that it was given, so that a search may keep old ones.
    """

    def start(self, batch: int, context: Any = None) -> Any:
        """Return the state of ``batch`` rows before any id.

        ``context`` is the source that the rows are conditioned on, in the model's own form; None for a
        language model.
        """
        ...

    def step(self, ids: np.ndarray, state: Any) -> tuple[Array, Any]:
        """Feed one id a row, (B,) NumPy integers; return the log-probabilities of the next ids, and the new
        state.

        The log-probabilities (B, V), natural, are an array on the model's own device, not a Tensor.
        """
        ...

    def reorder(self, state: Any, rows: np.ndarray) -> Any:
        """Return the state whose row i is row ``rows[i]`` of ``state``; ``rows`` (B',) may drop and repeat
        rows.
        """
        ...


@runtime_checkable
class Prefillable(Decodable, Protocol):
    """A model that reads a prompt in one pass; the prompt of another is fed id by id."""

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""
        ...

    def prefill(self, ids: np.ndarray, state: Any) -> tuple[Array, Any]:
        """Feed ids (B, T), T at least 1, as T calls of :meth:`step` would; return what the last returns."""
        ...


class Attentive(Decodable, Protocol):
    """A model that also gives its attention weights, for ``with_attention``."""

    def attention_of(self, state: Any) -> Array | None:
        """Return the weights (B, S) over source positions behind the log-probabilities that came with
        ``state``.

        ``state`` is a result of :meth:`step`; S is the same at every step, and positions that only pad a
        row's source have the weight 0. An array on the model's own device, or None if this model, as
        configured, has no attention.
        """
        ...


class UniformSource(Protocol):
    """A source of random numbers, such as :class:`seqkit.Generator`."""

    def uniform(self, shape: tuple[int, ...], *, dtype: Any) -> np.ndarray:
        """Return independent numbers, uniform in [0, 1)."""
        ...


P = ParamSpec("P")
R = TypeVar("R")


def in_evaluation(search: Callable[Concatenate[Decodable, P], R]) -> Callable[Concatenate[Decodable, P], R]:
    """Let a search switch its model to evaluation once, and not in every step (100 µs for a small LSTM)."""

    @functools.wraps(search)
    def evaluated(model: Decodable, *arguments: P.args, **settings: P.kwargs) -> R:
        with getattr(model, "evaluating", contextlib.nullcontext)():
            return search(model, *arguments, **settings)

    return evaluated
