"""Generated text of models that predict the next token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seqkit.backend.random import Generator
from seqkit.decoding import greedy, sample


@dataclass(frozen=True)
class Sample:
    """A generated text."""

    text: str
    log_prob: float
    """Natural logarithm of the probability of the generated tokens, before temperature."""
    tokens: int
    stopped: bool
    """Whether a stop token ended it."""


def generate_samples(
    model: Any,
    text_of: Callable[[Sequence[int]], str],
    *,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
    **decoding: Any,
) -> list[Sample]:
    """Texts that ``decoding``, the arguments that greedy search and sampling share, asks of ``model``.

    text_of: generated ids to the whole text. Temperature 0 takes the most probable token at each step.
    """
    if temperature == 0:
        results = greedy(model, **decoding)
    else:
        rng = Generator(seed, "generate")
        results = sample(model, **decoding, temperature=temperature, top_k=top_k, top_p=top_p, generator=rng)
    return [
        Sample(text_of(result.ids), result.log_prob, len(result.ids), result.stopped) for result in results
    ]
