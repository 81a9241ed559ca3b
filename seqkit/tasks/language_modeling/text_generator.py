"""Generation of text by any language model that can read a prompt."""

from collections.abc import Callable, Sequence
from typing import Any

from seqkit.tasks.language_modeling.continuation import Continuation
from seqkit.tasks.language_modeling.generation import LENGTH_PENALTY, Prompt, Sample, generate_samples


class TextGenerator:
    """Base of language models that generate texts; a subclass makes the ids of a prompt.

    Attributes:
        model: Predicts the next id.
    """

    model: Any

    def prompt(
        self, text: str = "", *, stop: Sequence[str] | None = None, allow_unknown: bool = False
    ) -> Prompt:
        """Return the ids of a prompt, and those that end a text or are never generated.

        Arguments and errors as of :meth:`generate`.
        """
        raise NotImplementedError

    def generate(
        self,
        prompt: str = "",
        *,
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        num_samples: int = 1,
        stop: Sequence[str] | None = None,
        allow_unknown: bool = False,
        seed: int = 0,
        beam: int | None = None,
        length_penalty: float = LENGTH_PENALTY,
        on_text: Callable[[str], None] | None = None,
    ) -> list[Sample]:
        """Generate continuations of ``prompt``.

        Args:
            prompt: The beginning of the text.
            max_new_tokens: Number of tokens to generate at most.
            temperature: Divisor of the logits; 0 takes the most probable token at each step.
            top_k: Sample from the k most probable tokens.
            top_p: Sample from the most probable tokens that together have this probability.
            num_samples: Number of texts.
            stop: Tokens that end a text; by default the model's end of a line or text, none for characters.
            allow_unknown: Whether the unknown token may be generated.
            seed: Seed of the sampling.
            beam: Search the ``num_samples`` most probable texts with a beam of this width instead of
                sampling; the best comes first.
            length_penalty: Exponent of the length normalisation of the search; 0 favours short texts.
            on_text: Called with the text so far, prompt included, after each token, and less often as it gets
                long; for one text without beam.

        Returns:
            The texts, prompt included.

        Raises:
            UsageError: A stop text is no token of the model, or a number is out of range.
        """
        return generate_samples(
            self.model,
            self.prompt(prompt, stop=stop, allow_unknown=allow_unknown),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            beam=beam,
            length_penalty=length_penalty,
            on_text=on_text,
            batch=num_samples,
            max_new_tokens=max_new_tokens,
        )

    def continuation(self, prompt: str = "") -> Continuation:
        """Return a prompt to be continued token by token, with the probabilities of the next token."""
        return Continuation.begin(self.model, self.prompt(prompt))
