"""Check the settings that all decoders share, and feed the start id and the prompt to the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from seqkit.backend import Array, array_module
from seqkit.decoding.protocol import Decodable, Prefillable
from seqkit.errors import UsageError


@dataclass(frozen=True)
class Prefilled:
    """The state of a model that has read the start id and the prompt, and the checked settings.

    ``log_probs`` (B, V), on the model's device, and ``state`` stand before the first new id. ``attention_of``
    gives the attention weights of a state; None where they were not asked for or the model has none.
    """

    log_probs: Array
    state: Any
    banned: list[int]
    stop: list[int]
    attention_of: Callable[[Any], Array | None]

    @cached_property
    def excluded(self) -> Array:
        """Whether each id is banned, (V,) bool on the model's device."""
        excluded = np.zeros(self.log_probs.shape[1], bool)
        excluded[self.banned] = True
        return array_module(self.log_probs).asarray(excluded)


MAX_BATCH, MAX_NEW_TOKENS = 100_000, 1 << 20
"""Sequences at once, and tokens of each; more would exceed any machine's memory."""


def check_count(name: str, value: object, most: int | None = None) -> None:
    """Raise UsageError unless ``value`` is an integer of at least 1, and at most ``most``."""
    if not isinstance(value, Integral) or value < 1:
        raise UsageError(f"expected {name} to be an integer of at least 1, got {value!r}")
    if most is not None and int(value) > most:
        raise UsageError(f"expected {name} to be at most {most:,}, got {int(value):,}")


def _id_list(name: str, ids: Sequence[int] | np.ndarray) -> list[int]:
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise UsageError(f"expected {name} to be a flat list of ids, got {ids!r}")
    return [int(i) for i in array]


def _check_vocabulary(V: int, **named: list[int]) -> None:
    for name, ids in named.items():
        for i in ids:
            if not 0 <= i < V:
                raise UsageError(f"expected {name} to hold ids between 0 and {V - 1}, got {i}")


def _attention_of(model: Decodable, wanted: bool) -> Callable[[Any], Array | None]:
    if not wanted:
        return lambda _state: None
    attention_of = getattr(model, "attention_of", None)
    if attention_of is None:
        raise UsageError(
            f"{type(model).__name__} has no attention weights to return", remedy="leave with_attention off"
        )
    return attention_of


def prefill(
    model: Decodable,
    *,
    batch: int,
    max_new_tokens: int,
    start_id: int,
    prompt: Sequence[int] | np.ndarray | None,
    banned: Sequence[int],
    stop: Sequence[int],
    context: object,
    with_attention: bool,
) -> Prefilled:
    """Start ``batch`` rows of ``model``; arguments and errors as in :func:`~seqkit.decoding.sample`."""
    check_count("batch", batch, MAX_BATCH)
    check_count("max_new_tokens", max_new_tokens, MAX_NEW_TOKENS)
    prompt = _id_list("prompt", () if prompt is None else prompt)
    banned, stop = sorted(set(_id_list("banned", banned))), sorted(set(_id_list("stop", stop)))
    attention_of = _attention_of(model, with_attention)

    rows = 1 if context is None else batch  # all rows read the same, which depends on their sources alone
    state = model.start(rows, context)
    if prompt and isinstance(model, Prefillable):
        _check_vocabulary(model.vocab_size, prompt=prompt)
        log_probs, state = model.prefill(np.tile(np.array([start_id, *prompt]), (rows, 1)), state)
    else:
        log_probs, state = model.step(np.full(rows, start_id, np.int64), state)
        _check_vocabulary(log_probs.shape[1], prompt=prompt)
        for i in prompt:
            log_probs, state = model.step(np.full(rows, i, np.int64), state)
    V = log_probs.shape[1]
    _check_vocabulary(V, banned=banned, stop=stop)
    if len(banned) == V:
        raise UsageError(f"expected banned to leave an id to produce, got all {V}")
    if rows != batch:
        first = np.zeros(batch, np.int64)
        log_probs, state = log_probs[array_module(log_probs).asarray(first)], model.reorder(state, first)
    return Prefilled(log_probs, state, banned, stop, attention_of)
