"""Texts that a model continues token by token, with the distribution of each next token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.backend.random import Generator, as_generator
from seqkit.decoding import Decodable
from seqkit.decoding.prefill import prefill
from seqkit.decoding.sampling import check_sampling, inverse_cdf, tempered, truncate
from seqkit.errors import UsageError
from seqkit.tasks.language_modeling.generation import Prompt


@dataclass(frozen=True)
class Continuation:
    """A prompt and the ids generated after it; :meth:`after` returns a longer one and leaves this as it is.

    Attributes:
        model: The model.
        prompt: The prompt.
        ids: The ids after the prompt.
        log_probs: Natural log-probabilities (V,) float64 of the next id.
    """

    model: Decodable
    prompt: Prompt
    ids: tuple[int, ...]
    log_probs: np.ndarray
    _state: Any

    @classmethod
    def begin(cls, model: Decodable, prompt: Prompt) -> Continuation:
        """Return the prompt without a continuation."""
        start = prefill(
            model,
            batch=1,
            max_new_tokens=1,
            start_id=prompt.start_id,
            prompt=prompt.ids,
            banned=prompt.banned,
            stop=prompt.stop,
            context=None,
            with_attention=False,
        )
        return cls(model, prompt, (), _float64(start.log_probs), start.state)

    @property
    def text(self) -> str:
        """The whole text, prompt included."""
        return self.prompt.text_of(self.ids)

    def most_probable(self, count: int) -> list[tuple[int, float]]:
        """Return the ``count`` most probable next ids with their log-probabilities, best first."""
        return most_probable(self.log_probs, count)

    def after(self, token_id: int) -> Continuation:
        """Return the continuation by one more id."""
        if not 0 <= token_id < len(self.log_probs):
            raise UsageError(f"expected an id between 0 and {len(self.log_probs) - 1}, got {token_id}")
        log_probs, state = self.model.step(np.array([token_id], np.int64), self._state)
        return Continuation(self.model, self.prompt, (*self.ids, token_id), _float64(log_probs), state)

    def draw(
        self,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        generator: Generator | int | None = None,
    ) -> int:
        """Return a next id, drawn as :func:`seqkit.decoding.sample` does.

        Args:
            temperature: Divisor of the logits; 0 takes the most probable id.
            top_k: Draw from the k most probable ids.
            top_p: Draw from the most probable ids that together have this probability.
            generator: Source of the draw: a generator, a seed, or None for fresh entropy.

        Raises:
            UsageError: A setting is out of range.
        """
        check_sampling(temperature, top_k, top_p)
        left = self.log_probs[None].copy()
        left[:, list(self.prompt.banned)] = -np.inf
        if temperature == 0:
            return int(left.argmax())
        source = as_generator(generator, "generate")
        p = truncate(tempered(left, temperature), top_k, top_p)
        return int(inverse_cdf(p, source.uniform((1,), dtype=np.float64))[0])


def _float64(log_probs: Any) -> np.ndarray:
    return np.asarray(to_numpy(log_probs), np.float64)[0]


def most_probable(log_probs: np.ndarray, count: int) -> list[tuple[int, float]]:
    """Return the ``count`` highest of log-probabilities (V,) with their ids; the lower id first of equals."""
    count = min(count, len(log_probs))
    if count < 1:
        return []
    ids = np.flatnonzero(log_probs >= np.partition(log_probs, -count)[-count])
    ids = ids[np.argsort(-log_probs[ids], kind="stable")][:count]
    return list(zip(ids.tolist(), log_probs[ids].tolist(), strict=True))
