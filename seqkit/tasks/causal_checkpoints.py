"""Text from the GPT-2 of a checkpoint folder, as from a run of `train-lm`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqkit.backend import Device
from seqkit.errors import UsageError
from seqkit.models import TransformerLanguageModel, gpt2
from seqkit.models.checkpoints import CONFIG, read_json
from seqkit.tasks.checkpoint_folders import fitting_tokenizer
from seqkit.tasks.language_modeling.generation import Sample, generate_samples
from seqkit.text import SubwordTokenizer
from seqkit.text.special_tokens import EOS

_ENDS = ("<|endoftext|>", EOS)
"""Tokens that end a text where config.json names none; the second ends a line of our runs."""


class CausalCheckpoint:
    """A causal model with its tokenizer.

    end_id: what ends a text, and stands before one that begins from nothing; None: nothing does.
    """

    def __init__(
        self, model: TransformerLanguageModel, tokenizer: SubwordTokenizer, end_id: int | None = None
    ) -> None:
        self.model, self.tokenizer, self.end_id = model, tokenizer, end_id

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
    ) -> list[Sample]:
        """Texts that go on from ``prompt``, with the arguments of ``TrainedLanguageModel.generate``.

        The model reads the prompt's tokens and none before them, as the reference library has it. ``stop``:
        tokens, or texts of one token; by default the end of a text.
        """
        ids = self.tokenizer.encode([prompt], special_tokens=False)[0]
        end = [] if self.end_id is None else [self.end_id]
        if not ids and not end:
            raise UsageError("this model has no token to begin a text with", remedy="give a prompt")
        start, *rest = ids or end
        unk = None if self.tokenizer.unk is None else self.tokenizer.id(self.tokenizer.unk)
        banned = list(range(len(self.tokenizer), self.model.config.vocab_size))  # vectors without a token
        return generate_samples(
            self.model,
            lambda new: self.tokenizer.decode([*ids, *new], special_tokens=True),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            batch=num_samples,
            max_new_tokens=max_new_tokens,
            start_id=start,
            prompt=rest,
            banned=banned if unk is None or allow_unknown else [*banned, unk],
            stop=end if stop is None else [self._id_of(token) for token in stop],
        )

    def _id_of(self, text: str) -> int:
        found = self.tokenizer.id(text)
        if found is not None:
            return found
        ids = self.tokenizer.encode([text], special_tokens=False)[0]
        if len(ids) != 1:
            raise UsageError(f"the stop token {text!r} is no token of this model", remedy="give one that is")
        return ids[0]


def load(path: str | Path, *, device: str | Device | None = None) -> CausalCheckpoint:
    """The causal model of a GPT-2's folder. Errors as of :func:`seqkit.models.gpt2.load`; RunError for a
    tokenizer that does not fit the model.
    """
    folder = Path(path)
    model = gpt2.load(folder, device=device)
    tokenizer = fitting_tokenizer(folder, model.config.vocab_size)
    said = read_json(folder / CONFIG, dict).get("eos_token_id")
    if type(said) is int and 0 <= said < len(tokenizer):
        return CausalCheckpoint(model, tokenizer, said)
    ends = (tokenizer.id(token) for token in _ENDS)
    return CausalCheckpoint(model, tokenizer, next((i for i in ends if i is not None), None))
