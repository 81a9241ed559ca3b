"""Pretrained Transformer encoders from which classifiers and taggers start."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import RunError, UsageError
from seqkit.files.what_is import not_as_expected, what_is
from seqkit.models import TransformerEncoderConfig, bert
from seqkit.nn import initializers
from seqkit.tasks.masked_language_modeling.trained import open_encoder
from seqkit.tasks.runs import fitting_tokenizer, is_checkpoint_folder
from seqkit.tasks.sentence_encoding import read_modules
from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.training import RunDirectory, TrainingSettings

_WORDS = "embedding.tokens.weight"
_FINE_TUNING = 5e-5
"""The learning rate of Adam: the largest of those that Devlin et al. (2019, appendix A.3) found to work."""


@dataclass(frozen=True)
class InitialEncoder:
    """A pretrained encoder.

    Attributes:
        config: The config of the encoder.
        vocabulary: Its vocabulary.
        tokenizer: Its tokenizer; that of a published encoder adds the special tokens.
        weights: Reads the arrays of the encoder, named as in ``TransformerEncoder``.
        published: Whether it comes from a checkpoint folder, whose config has its own dropout.
    """

    config: TransformerEncoderConfig
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    weights: Callable[[], dict[str, np.ndarray]]
    published: bool = False

    def with_words(self, vocabulary: Vocabulary, seed: int) -> InitialEncoder:
        """Return the encoder with new words.

        Args:
            vocabulary: Its vocabulary with the new words at the end.
            seed: Seed of their embeddings, which are normal with the standard deviation of the others.
        """
        if len(vocabulary) == len(self.vocabulary):
            return self

        def weights() -> dict[str, np.ndarray]:
            arrays = dict(self.weights())
            W = arrays[_WORDS]
            shape = (len(vocabulary) - len(W), W.shape[1])
            new = initializers.normal(shape, Generator(seed, "new words"), float(W.std()))
            return {**arrays, _WORDS: np.concatenate((W, new.astype(W.dtype)))}

        config = dataclasses.replace(self.config, vocab_size=len(vocabulary))
        return dataclasses.replace(self, config=config, vocabulary=vocabulary, weights=weights)

    def learning_rate(self, given: TrainingSettings, *, frozen: bool) -> float | None:
        """Return the given rate, or that of fine-tuning; None for the default of the optimiser."""
        return fine_tuning_rate(given, frozen=frozen) if self.published else given.lr

    def with_dropout(self, rate: float) -> TransformerEncoderConfig:
        """Return its config with a dropout rate; published encoders keep theirs."""
        return self.config if self.published else dataclasses.replace(self.config, dropout=rate)


def is_published(tokenizer: Tokenizer) -> bool:
    """Return whether a run's tokenizer is that of an encoder of a checkpoint folder."""
    return isinstance(tokenizer, SubwordTokenizer) and tokenizer.max_length is not None


def fine_tuning_rate(given: TrainingSettings, *, frozen: bool) -> float | None:
    """Return the given rate, or that of fine-tuning an encoder of a checkpoint folder."""
    tuned = given.lr is None and not frozen and given.optimizer in ("adam", "adamw")
    return _FINE_TUNING if tuned else given.lr


def require_as_in_encoder(given: TrainingSettings, values: Mapping[str, Any]) -> None:
    """Raise UsageError for a setting with another value than that which the encoder determines."""
    for name, value in values.items():
        if getattr(given, name) not in (None, value):
            raise UsageError(
                f"expected {given.shown_name(name)} to be {value}, as in the encoder, "
                f"got {getattr(given, name)}",
                remedy="leave it out",
            )


def initial_encoder(source: str | Path, max_length: int, train: str) -> InitialEncoder:
    """Open a pretrained encoder. To support others, return them as an :class:`InitialEncoder` here.

    Args:
        source: A checkpoint folder of the BERT family, or a run of `train-lm --objective masked`.
        max_length: Number of tokens of a text at most.
        train: The command that starts from it, or from its own runs, for messages.

    Raises:
        RunError: ``source`` has no encoder.
    """
    if is_checkpoint_folder(source):
        return _published(source, max_length)
    remedy = f"give one of train-lm --objective masked or {train}, or a checkpoint folder of a BERT"
    if not RunDirectory.exists(source):
        raise not_as_expected(source, f"no run and no checkpoint folder at {source}", remedy=remedy)
    run = RunDirectory.open(source)
    task = run.config.get("task")
    if task == "masked_language_modeling":
        return InitialEncoder(*open_encoder(run))
    opened_by = what_is(source).opened_by
    raise RunError(
        f"{source} is a run of {task}, which has no encoder to start from",
        remedy=remedy if opened_by is None else f"{remedy} (this run is for {opened_by})",
    )


def _published(source: str | Path, max_length: int) -> InitialEncoder:
    modules = read_modules(source)
    config, weights = bert.open_encoder(modules.folder)
    tokenizer = fitting_tokenizer(modules.folder, config.vocab_size, lowercase=modules.lowercase)
    tokens = tokenizer.vocabulary(config.vocab_size)
    whole = tokenizer.for_model(min(max_length, config.max_length))
    return InitialEncoder(config, tokens, whole, weights, published=True)
