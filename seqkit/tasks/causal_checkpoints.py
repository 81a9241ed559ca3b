"""Text generation by the GPT-2 of a checkpoint folder, as by a run of `train-lm`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqkit.backend import Device
from seqkit.errors import UsageError
from seqkit.files import read_json
from seqkit.models import TransformerLanguageModel, gpt2
from seqkit.models.checkpoints import CONFIG
from seqkit.tasks.language_modeling.generation import Sample, generate_samples
from seqkit.tasks.runs import fitting_tokenizer
from seqkit.text import SubwordTokenizer
from seqkit.text.special_tokens import EOS

_GENERATION = "generation_config.json"
_END_TOKENS = ("<|endoftext|>", EOS)
"""Tokens that end a text if config.json names none; the second ends a line in our own runs."""


class CausalCheckpoint:
    """A causal language model with its tokenizer.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        end_id: The id that ends a text, and begins one without a prompt; None if there is none.
        end_ids: All ids that end a text, where there are several.

    Threads may share it, once its model is in evaluation mode, as that of :func:`load` is.
    """

    def __init__(
        self,
        model: TransformerLanguageModel,
        tokenizer: SubwordTokenizer,
        end_id: int | None = None,
        *,
        end_ids: Sequence[int] = (),
    ) -> None:
        self.model, self.tokenizer, self.end_id = model, tokenizer, end_id
        self.end_ids = list(end_ids) or ([] if end_id is None else [end_id])

    def __repr__(self) -> str:
        config = self.model.config
        return (
            f"CausalCheckpoint({config.num_layers}×{config.embedding_size}, {len(self.tokenizer):,} tokens)"
        )

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
        length_penalty: float = 0.6,
        on_text: Callable[[str], None] | None = None,
    ) -> list[Sample]:
        """Generate continuations of ``prompt``.

        The model reads the prompt's tokens and none before them, as the reference implementation does.

        Args:
            prompt: The beginning of the text.
            max_new_tokens: Number of tokens to generate at most.
            temperature: Divisor of the logits; 0 takes the most probable token at each step.
            top_k: Sample from the k most probable tokens.
            top_p: Sample from the most probable tokens that together have this probability.
            num_samples: Number of texts.
            stop: Tokens that end a text; by default the end-of-text token.
            allow_unknown: Whether the unknown token may be generated.
            seed: Seed of the sampling.
            beam: Search the ``num_samples`` most probable texts with a beam of this width instead of
                sampling; the best comes first.
            length_penalty: Exponent of the length normalisation of the search; 0 favours short texts.
            on_text: Called with the text so far, prompt included, after each token; for one text without
                beam.

        Returns:
            The texts, prompt included.

        Raises:
            UsageError: No prompt and no token that begins a text, or a stop text of several tokens.
        """
        ids = self.tokenizer.encode([prompt], special_tokens=False)[0]
        end = [] if self.end_id is None else [self.end_id]
        if not ids and not end:
            raise UsageError("expected a prompt, since the model has no token to begin a text with")
        start, *prompt_ids = ids or end
        unk = None if self.tokenizer.unk is None else self.tokenizer.id(self.tokenizer.unk)
        if allow_unknown and unk is None:
            raise UsageError("allow_unknown has no effect here: it is for vocabularies with an unknown token")
        banned = list(range(len(self.tokenizer), self.model.config.vocab_size))  # embeddings without a token
        return generate_samples(
            self.model,
            lambda new: self.tokenizer.decode([*ids, *new], special_tokens=True),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            beam=beam,
            length_penalty=length_penalty,
            on_text=on_text,
            batch=num_samples,
            max_new_tokens=max_new_tokens,
            start_id=start,
            prompt=prompt_ids,
            banned=banned if unk is None or allow_unknown else [*banned, unk],
            stop=self.end_ids if stop is None else [self._id_of(token) for token in stop],
        )

    def _id_of(self, text: str) -> int:
        token_id = self.tokenizer.id(text)
        if token_id is not None:
            return token_id
        ids = self.tokenizer.encode([text], special_tokens=False)[0]
        if len(ids) != 1:
            raise UsageError(f"expected stop to be single tokens of this model, got {text!r}")
        return ids[0]


def load(path: str | Path, *, device: str | Device | None = None) -> CausalCheckpoint:
    """Load the model and the tokenizer of a GPT-2 checkpoint folder.

    Args:
        path: The folder.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not that of a GPT-2, or its tokenizer does not fit the model.
        DamagedFileError: A file is damaged.
    """
    folder = Path(path)
    model = gpt2.load(folder, device=device)
    tokenizer = fitting_tokenizer(folder, model.config.vocab_size)
    stated = _end_ids(folder, len(tokenizer))
    ends = stated or [i for i in map(tokenizer.id, _END_TOKENS) if i is not None][:1]
    return CausalCheckpoint(model, tokenizer, *ends[:1], end_ids=ends)


@dataclass(frozen=True)
class _Ends:
    eos_token_id: int | list[int] | None = None


def _end_ids(folder: Path, size: int) -> list[int]:
    """Return the ids below ``size`` that end a text, of generation_config.json, else of config.json."""
    for name in (_GENERATION, CONFIG):
        if (folder / name).is_file():
            stated = read_json(folder / name, _Ends).eos_token_id
            ids = stated if isinstance(stated, list) else [] if stated is None else [stated]
            if ids:
                return [i for i in ids if 0 <= i < size]
    return []
