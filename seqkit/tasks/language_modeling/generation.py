"""Text generation by models that predict the next token."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seqkit.backend.random import Generator
from seqkit.decoding import Decodable, Generated, beam_search, greedy, sample
from seqkit.decoding.sampling import check_sampling
from seqkit.errors import UsageError

LENGTH_PENALTY = 0.6
"""The exponent of the length normalisation unless another is given."""


@dataclass(frozen=True)
class Prompt:
    """The beginning of a text as a model reads it.

    Attributes:
        start_id: The id that is fed first.
        ids: The ids of the prompt after it.
        banned: The ids that are never generated.
        stop: The ids that end a text.
        text_of: Returns the whole text for the ids generated after the prompt.
        token_of: Returns the text of an id.
    """

    start_id: int
    ids: tuple[int, ...]
    banned: tuple[int, ...]
    stop: tuple[int, ...]
    text_of: Callable[[Sequence[int]], str]
    token_of: Callable[[int], str]


@dataclass(frozen=True)
class Sample:
    """A generated text.

    Attributes:
        text: The text, prompt included.
        log_prob: Natural logarithm of the probability of the generated tokens, before temperature.
        tokens: Number of generated tokens.
        stopped: Whether a stop token ended the text.
    """

    text: str
    log_prob: float
    tokens: int
    stopped: bool


_UNNOTICED, _PAUSE = 0.001, 9
"""Seconds that making the text may take after every token; beyond, it pauses that many times as long."""


class _GrowingText:
    """Shows the text so far. It is made of all tokens each time, so that long texts are shown less often."""

    def __init__(self, text_of: Callable[[Sequence[int]], str], on_text: Callable[[str], None]) -> None:
        self.text_of, self.on_text = text_of, on_text
        self.ids: list[int] = []
        self.shown, self.next = 0, 0.0

    def add(self, new: int) -> None:
        """Take a token, and show the text unless that would take more than about a tenth of the time."""
        self.ids.append(new)
        if time.perf_counter() >= self.next:
            self._show()

    def end(self) -> None:
        """Show what has not been shown."""
        if self.shown < len(self.ids):
            self._show()

    def _show(self) -> None:
        before = time.perf_counter()
        text = self.text_of(self.ids)
        after = time.perf_counter()
        took = after - before
        self.shown, self.next = len(self.ids), after + (_PAUSE * took if took > _UNNOTICED else 0.0)
        self.on_text(text)


def generate_samples(
    model: Decodable,
    prompt: Prompt,
    *,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
    beam: int | None,
    length_penalty: float,
    on_text: Callable[[str], None] | None,
    batch: int,
) -> list[Sample]:
    """Generate texts.

    Args:
        model: The model.
        prompt: The beginning of the texts.
        max_new_tokens: Number of tokens to generate at most.
        temperature: Divisor of the logits; 0 takes the most probable token at each step.
        top_k: Sample from the k most probable tokens.
        top_p: Sample from the most probable tokens that together have this probability.
        seed: Seed of the sampling.
        beam: Search the most probable texts with a beam of this width instead.
        length_penalty: Exponent of the length normalisation of the search.
        on_text: Called with the text so far, after each token of a single text; as it gets long, less often.
        batch: Number of texts.

    Raises:
        UsageError: A setting is out of range or without effect beside the others.
    """
    text_of = prompt.text_of
    decoding: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "start_id": prompt.start_id,
        "prompt": prompt.ids,
        "banned": prompt.banned,
        "stop": prompt.stop,
    }
    if beam is not None:
        unused = {
            "temperature": temperature != 1,
            "top_k": top_k is not None,
            "top_p": top_p is not None,
            "seed": seed != 0,
        }
        for name in (name for name, given in unused.items() if given):
            raise UsageError(f"{name} has no effect here: it is for sampling, without beam")
        if on_text is not None:
            raise UsageError("on_text has no effect here: it is for texts without beam")
        found = beam_search(model, beam=beam, n_best=batch, length_penalty=length_penalty, **decoding)
        results: Sequence[Generated] = found[0]
    else:
        if length_penalty != LENGTH_PENALTY:
            raise UsageError("length_penalty has no effect here: it is for searches, with beam")
        check_sampling(temperature, top_k, top_p)
        growing = None if on_text is None else _GrowingText(text_of, on_text)
        decoding |= {"batch": batch, "on_id": None if growing is None else growing.add}
        try:
            if temperature == 0:
                results = greedy(model, **decoding)
            else:
                rng = Generator(seed, "generate")
                results = sample(
                    model, **decoding, temperature=temperature, top_k=top_k, top_p=top_p, generator=rng
                )
        finally:  # what was generated before an interruption is shown as well
            if growing is not None:
                growing.end()
    return [
        Sample(text_of(result.ids), result.log_prob, len(result.ids), result.stopped) for result in results
    ]
