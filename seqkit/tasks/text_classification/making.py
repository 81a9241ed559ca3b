"""The texts that settings name, and the model that they describe."""

from __future__ import annotations

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.corpora import LabelledCorpus, corpus_names, open_labelled
from seqkit.data import EncodedLabelledCorpus, encode_labelled
from seqkit.models import (
    BagConfig,
    RecurrentConfig,
    SequenceClassifier,
    SequenceClassifierConfig,
    TransformerEncoderConfig,
)
from seqkit.models.classifier import EncoderConfig
from seqkit.tasks.encoders import encoder_config
from seqkit.tasks.settings import absolute_path, text_choices
from seqkit.tasks.text_classification.initial_encoder import InitialEncoder, initial_encoder
from seqkit.tasks.text_classification.initial_vectors import vector_size
from seqkit.tasks.text_classification.settings import TextClassificationSettings
from seqkit.tasks.tokens import text_tokenizer


def open_data(settings: TextClassificationSettings) -> LabelledCorpus:
    """The labelled texts that the settings name."""
    return open_labelled(
        settings.corpus,
        on_bad_line=settings.on_bad_line,
        label_column=settings.label_column,
        text_column=settings.text_column,
    )


def complete(settings: TextClassificationSettings, corpus: LabelledCorpus) -> TextClassificationSettings:
    """The settings with everything that was left to the data, the model or the optimiser written out."""
    made: dict[str, Any] = {
        "corpus": absolute_path(settings.corpus, corpus_names("labelled")),
        "model": settings.kind,
    }
    for name in ("vectors", "init"):
        if getattr(settings, name) is not None:
            made[name] = absolute_path(getattr(settings, name))
    if settings.init is not None:
        start = initial_encoder(settings.init, settings.max_length)
        made |= start.settings(settings)
        if start.takes_words(settings):
            made["min_count"] = settings.min_count or corpus.defaults.min_count
        settings = dataclasses.replace(settings, lr=start.learning_rate(settings))
    else:
        made |= text_choices(settings, corpus.defaults) | _sizes(settings)
    settings = settings.settled(**made)
    pooling = model_config(settings, vocab_size=2, classes=2).pooling  # UsageError before the texts are read
    return settings.settled(pooling=pooling)


def _sizes(settings: TextClassificationSettings) -> dict[str, int | None]:
    embedding_size, hidden_size = settings.embedding_size, settings.hidden_size
    if settings.vectors is not None:
        embedding_size = vector_size(settings.vectors, embedding_size)
    embedding_size = embedding_size or 128
    if hidden_size is None and settings.kind != "bag":
        hidden_size = 4 * embedding_size if settings.kind == "transformer" else 128
    return {
        "embedding_size": embedding_size,
        "hidden_size": hidden_size,
        "num_layers": settings.num_layers or 1,
        "num_heads": settings.num_heads or 4,
    }


def encode(
    settings: TextClassificationSettings, corpus: LabelledCorpus, start: InitialEncoder | None = None
) -> EncodedLabelledCorpus:
    """The texts as ids, by completed settings; as the encoder reads them, where one was trained elsewhere."""
    train = corpus.sources.get("train")
    lines = None if train is None else lambda: (text for text, _ in train())
    return encode_labelled(
        corpus.sources,
        text_tokenizer(settings, lines) if start is None else start.tokenizer,
        max_length=settings.max_length,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count or 1,
        cls=settings.pooling == "cls",
        vocabulary=None if start is None else start.vocabulary,
        more_words=start is not None and start.takes_words(settings),
    )


def _encoder(settings: TextClassificationSettings, vocab_size: int) -> EncoderConfig:
    assert settings.embedding_size
    assert settings.num_layers
    if settings.model == "bag":
        hidden = (settings.hidden_size,) * settings.num_layers if settings.hidden_size else ()
        return BagConfig(vocab_size, settings.embedding_size, hidden, settings.word_dropout)
    assert settings.hidden_size
    if settings.model == "transformer":
        return encoder_config(settings, vocab_size, settings.max_length)
    return RecurrentConfig(
        vocab_size,
        settings.embedding_size,
        settings.hidden_size,
        settings.num_layers,
        settings.kind,
        settings.bidirectional,
        settings.dropout,
    )


def model_config(
    settings: TextClassificationSettings,
    vocab_size: int,
    classes: int,
    start: InitialEncoder | None = None,
) -> SequenceClassifierConfig:
    """The model of completed settings, with an encoder of its own or one that was trained elsewhere.

    UsageError for a pooling that it does not have.
    """
    if start is not None:
        made: EncoderConfig = start.with_dropout(settings.dropout)
    else:
        made = _encoder(settings, vocab_size)
    return SequenceClassifierConfig(made, classes, settings.pooling, settings.dropout)


_ENCODERS: dict[str, Any] = {
    "bag": BagConfig,
    "lstm": RecurrentConfig,
    "gru": RecurrentConfig,
    "transformer": TransformerEncoderConfig,
}


def saved_config(model: str, values: dict[str, Any]) -> SequenceClassifierConfig:
    """The config that ``to_dict`` gave."""
    return SequenceClassifierConfig(**{**values, "encoder": _ENCODERS[model](**values["encoder"])})


def make_model(settings: TextClassificationSettings, config: SequenceClassifierConfig) -> SequenceClassifier:
    """The model of a config, freshly initialised from the settings' seed."""
    return SequenceClassifier(config, generator=Generator(settings.seed, "init"))
