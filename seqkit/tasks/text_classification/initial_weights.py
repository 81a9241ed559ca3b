"""Pretrained word vectors and Transformer encoders from which a classifier starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import DataError, RunError, UsageError
from seqkit.files.what_is import not_as_expected, what_is
from seqkit.models import TransformerEncoderConfig, bert
from seqkit.nn import Embedding, initializers
from seqkit.tasks.embeddings import known_spelling, open_vectors
from seqkit.tasks.initial_run import InitialText, open_initial_run, refuse_growing_subwords, with_text
from seqkit.tasks.masked_language_modeling.trained import open_encoder
from seqkit.tasks.runs import fitting_tokenizer, is_checkpoint_folder
from seqkit.tasks.sentence_encoding import read_modules
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.training import RunDirectory

_WORDS = "embedding.tokens.weight"
_FINE_TUNING = 5e-5
"""The learning rate of Adam: the largest of those that Devlin et al. (2019, appendix A.3) found to work."""
_REMEDY = "give one of train-lm --objective masked or train-classifier, or a checkpoint folder of a BERT"


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

    def settings(self, given: TextClassificationSettings) -> dict[str, Any]:
        """Return the settings that the encoder determines. Raise UsageError if ``given`` has other values."""
        if not given.RESOLVED:
            given.require_effect(given.given, complete=True)
        refuse_growing_subwords(given.grow_vocabulary, self.tokenizer)
        values = {
            "model": "transformer",
            "grow_vocabulary": self.takes_words(given),
            "embedding_size": self.config.embedding_size,
            "hidden_size": self.config.hidden_size,
            "num_layers": self.config.num_layers,
            "num_heads": self.config.num_heads,
            "tokenizer": self.tokenizer.name,
            "lowercase": self.tokenizer.lowercase,
            "unicode_normalization": self.tokenizer.normalization,
            "vocab_size": None,
        }
        if not self.takes_words(given):
            values["min_count"] = 1  # its vocabulary is fixed
        for name, value in values.items():
            if name != "grow_vocabulary" and getattr(given, name) not in (None, value):
                raise UsageError(
                    f"expected {given.shown_name(name)} to be {value}, as in the encoder, "
                    f"got {getattr(given, name)}",
                    remedy="leave it out",
                )
        if self.published and given.pooling is None:
            values["pooling"] = "cls"
        return {**values, "max_length": min(given.max_length, self.config.max_length)}

    def takes_words(self, given: TextClassificationSettings) -> bool:
        """Return whether new words are added to its vocabulary: if it has whole words and is not frozen."""
        return takes_words(given, self.tokenizer)

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

    def learning_rate(self, given: TextClassificationSettings) -> float | None:
        """Return the given rate, or that of fine-tuning; None for the default of the optimiser."""
        return fine_tuning_rate(given) if self.published else given.lr

    def with_dropout(self, rate: float) -> TransformerEncoderConfig:
        """Return its config with a dropout rate; published encoders keep theirs."""
        return self.config if self.published else dataclasses.replace(self.config, dropout=rate)


def fine_tuning_rate(given: TextClassificationSettings) -> float | None:
    """Return the given rate, or that of fine-tuning an encoder of a checkpoint folder."""
    tuned = given.lr is None and not given.freeze and given.optimizer in ("adam", "adamw")
    return _FINE_TUNING if tuned else given.lr


def is_published(tokenizer: Tokenizer) -> bool:
    """Return whether a classifier's tokenizer is that of an encoder of a checkpoint folder."""
    return isinstance(tokenizer, SubwordTokenizer) and tokenizer.max_length is not None


def takes_words(given: TextClassificationSettings, tokenizer: Tokenizer) -> bool:
    """Return whether new words are added to the vocabulary of a tokenizer.

    By default they are if it has whole words and is not frozen.
    """
    if given.grow_vocabulary is not None:
        return given.grow_vocabulary
    return not given.freeze and not isinstance(tokenizer, SubwordTokenizer)


def initial_classifier(
    settings: TextClassificationSettings,
) -> InitialText[ResolvedTextClassificationSettings] | None:
    """Open the run of `train-classifier` that the settings name; None if they name none."""
    source = settings.init
    if source is None or not RunDirectory.exists(source) or is_checkpoint_folder(source):
        return None
    if RunDirectory.open(source).config.get("task") != "text_classification":
        return None
    initial = open_initial_run(
        settings, "text_classification", ResolvedTextClassificationSettings, "train-classifier"
    )
    assert initial is not None
    found = with_text(initial, growing=settings.grow_vocabulary)
    growing = takes_words(settings, found.tokenizer)
    return dataclasses.replace(found, free=("min_count",) if growing else ())


def initial_encoder(source: str | Path, max_length: int) -> InitialEncoder:
    """Open a pretrained encoder. To support others, return them as an :class:`InitialEncoder` here.

    Args:
        source: A checkpoint folder of the BERT family, or a run of `train-lm --objective masked`.
        max_length: Number of tokens of a text at most.

    Raises:
        RunError: ``source`` has no encoder.
    """
    if is_checkpoint_folder(source):
        return _published(source, max_length)
    if not RunDirectory.exists(source):
        raise not_as_expected(source, f"no run and no checkpoint folder at {source}", remedy=_REMEDY)
    run = RunDirectory.open(source)
    task = run.config.get("task")
    if task == "masked_language_modeling":
        return InitialEncoder(*open_encoder(run))
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


def vector_size(source: str, embedding_size: int | None) -> int:
    """Return the size of the vectors of a file or run. Raise UsageError unless ``embedding_size`` agrees."""
    size = int(open_vectors(source).vector_size)
    if embedding_size not in (None, size):
        raise UsageError(
            f"expected embedding_size (--emsize) to be {size}, as in {source}, got {embedding_size}",
            remedy="leave it out",
        )
    return size


def start_from_vectors(embedding: Embedding, vocabulary: Vocabulary, source: str, seed: int) -> int:
    """Initialise an embedding from pretrained vectors.

    Words without a vector, ``<unk>`` among them, get random vectors with the standard deviation of the
    others, so that rare words do not dominate the mean of a text.

    Args:
        embedding: The embedding; its weights are overwritten.
        vocabulary: Its vocabulary; a word is looked up as it is, in lower case, and in other Unicode
            normalization forms.
        source: A vector file or a run of train-embeddings.
        seed: Seed of the random vectors.

    Returns:
        The number of words with a pretrained vector.

    Raises:
        DataError: No word has a vector, or the file is damaged.
    """
    table = open_vectors(source)
    rows, vectors = [], []
    for row, token in enumerate(vocabulary):
        for key in (token, token.lower(), known_spelling(table, token)):
            if key in table.key_to_index:
                rows.append(row)
                vectors.append(table[key])
                break
    if not rows:
        raise DataError(f"expected vectors of some of the {len(vocabulary)} words, got none", where=source)
    known = np.array(vectors, np.float32)
    W = embedding.weight.data
    W[...] = Generator(seed, "unknown words").normal(W.shape) * known.std()
    W[rows] = known
    return len(rows)
