"""A Transformer encoder that was trained elsewhere as the start of a classifier."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import RunError, UsageError
from seqkit.files.what_is import not_as_expected, what_is
from seqkit.models import TransformerEncoderConfig, bert
from seqkit.nn import initializers
from seqkit.tasks.checkpoint_folders import fitting_tokenizer, is_checkpoint_folder
from seqkit.tasks.masked_language_modeling.trained import open_encoder
from seqkit.tasks.sentence_encoding import read_modules
from seqkit.tasks.text import run_tokenizer, run_vocabulary
from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.training import RunDirectory

_ENCODER = "encoder.encoder."  # what the names of a classifier's arrays begin with
_WORDS = "embedding.tokens.weight"
_FINE_TUNING = 5e-5
"""The learning rate of Adam: the largest of those that Devlin et al. (2019, appendix A.3) found to work."""
_REMEDY = "give one of train-lm --objective masked, or a checkpoint folder of a BERT"


@dataclass(frozen=True)
class InitialEncoder:
    """An encoder's config, and what makes its ids; ``weights`` reads its arrays, by the names of
    ``TransformerEncoder``.

    published: it comes from a checkpoint folder, which says what its dropout is and where a text begins; its
    tokenizer makes whole texts, special tokens and all.
    """

    config: TransformerEncoderConfig
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    weights: Callable[[], dict[str, np.ndarray]]
    published: bool = False

    def settings(self, asked: Any) -> dict[str, Any]:
        """The settings that the encoder decides. UsageError for one that was ``asked`` to be different."""
        own = {
            "embedding_size": self.config.embedding_size,
            "hidden_size": self.config.hidden_size,
            "num_layers": self.config.num_layers,
            "num_heads": self.config.num_heads,
            "tokenizer": self.tokenizer.name,
            "lowercase": self.tokenizer.lowercase,
            "vocab_size": None,
        }
        if not self.takes_words(asked):
            own["min_count"] = 1  # its words are those that it knows
        for name, value in own.items():
            if getattr(asked, name) not in (None, value):
                raise UsageError(
                    f"{name} {getattr(asked, name)} for an encoder with {value}", remedy=f"leave out {name}"
                )
        if self.published and asked.pooling is None:
            own["pooling"] = "cls"
        return {**own, "max_length": min(asked.max_length, self.config.max_length)}

    def takes_words(self, asked: Any) -> bool:
        """Whether the new texts' words join its own: those of whole words can be learned, unless frozen."""
        return not asked.freeze and not isinstance(self.tokenizer, SubwordTokenizer)

    def with_words(self, vocabulary: Vocabulary, seed: int) -> InitialEncoder:
        """Of a vocabulary that begins with its own: the words behind get vectors as spread as its own."""
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

    def learning_rate(self, asked: Any) -> float | None:
        """Return the given rate, or that of a published encoder; None means the optimiser's usual rate."""
        tuned = self.published and not asked.freeze and asked.optimizer in ("adam", "adamw")
        return _FINE_TUNING if asked.lr is None and tuned else asked.lr

    def with_dropout(self, rate: float) -> TransformerEncoderConfig:
        """Its config for a training with that dropout."""
        return self.config if self.published else dataclasses.replace(self.config, dropout=rate)


def initial_encoder(source: str | Path, max_length: int) -> InitialEncoder:
    """The encoder of a checkpoint folder of the BERT family, of a run of `train-lm --objective masked`, or of
    one of `train-classifier` that has one.

    max_length: tokens at most that a text will have. RunError for anything else.

    Other kinds of encoders come in here: what becomes an :class:`InitialEncoder` can be fine-tuned.
    """
    if is_checkpoint_folder(source):
        return _published(source, max_length)
    if not RunDirectory.exists(source):
        raise not_as_expected(source, f"no run and no checkpoint folder at {source}", remedy=_REMEDY)
    run = RunDirectory.open(source)
    task = run.config.get("task")
    if task == "masked_language_modeling":
        return InitialEncoder(*open_encoder(run))
    if task == "text_classification" and run.entry("settings")["model"] == "transformer":
        return _of_classifier(run, max_length)
    opened_by = what_is(source).opened_by
    raise RunError(
        f"{source} is a run of {task}, which has no encoder to start from",
        remedy=_REMEDY if opened_by is None else f"{_REMEDY} (this run is for {opened_by})",
    )


def _published(source: str | Path, max_length: int) -> InitialEncoder:
    modules = read_modules(source)
    config, weights = bert.open_encoder(modules.folder)
    tokenizer = fitting_tokenizer(modules.folder, config.vocab_size, lowercase=modules.lowercase)
    tokens = tokenizer.vocabulary(config.vocab_size)
    whole = tokenizer.for_model(min(max_length, config.max_length))
    return InitialEncoder(config, tokens, whole, weights, published=True)


def _of_classifier(run: RunDirectory, max_length: int) -> InitialEncoder:
    def weights() -> dict[str, np.ndarray]:
        arrays = run.load_model()
        return {name.removeprefix(_ENCODER): a for name, a in arrays.items() if name.startswith(_ENCODER)}

    config = TransformerEncoderConfig(**run.entry("model")["encoder"])
    vocabulary, tokenizer = run_vocabulary(run), run_tokenizer(run)
    if not isinstance(tokenizer, SubwordTokenizer) or tokenizer.max_length is None:
        return InitialEncoder(config, vocabulary, tokenizer, weights)
    whole = tokenizer.for_model(min(max_length, config.max_length))
    return InitialEncoder(config, vocabulary, whole, weights, published=True)
