"""Text generation by models that predict the next token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seqkit.backend.random import Generator
from seqkit.decoding import Decodable, greedy, sample
from seqkit.decoding.sampling import check_sampling


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


def generate_samples(
    model: Decodable,
    text_of: Callable[[Sequence[int]], str],
    *,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
    **decoding: Any,
) -> list[Sample]:
    """Generate texts.

    Args:
        model: The model.
        text_of: Returns the whole text for the generated ids.
        temperature: Divisor of the logits; 0 takes the most probable token at each step.
        top_k: Sample from the k most probable tokens.
        top_p: Sample from the most probable tokens that together have this probability.
        seed: Seed of the sampling.
        **decoding: Arguments that greedy search and sampling share.
    """
    check_sampling(temperature, top_k, top_p)
    if temperature == 0:
        results = greedy(model, **decoding)
    else:
        rng = Generator(seed, "generate")
        results = sample(model, **decoding, temperature=temperature, top_k=top_k, top_p=top_p, generator=rng)
    return [
        Sample(text_of(result.ids), result.log_prob, len(result.ids), result.stopped) for result in results
    ]
