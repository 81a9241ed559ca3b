"""The models of the sequence labelling task, and the settings that depend on them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.corpora import corpus_names
from seqkit.data import EncodedTaggedCorpus, PieceEncoder, TaggedBatch, TaggingEncoder, WordEncoder
from seqkit.data.tagging import SHAPES
from seqkit.errors import DamagedFileError, UsageError
from seqkit.files import fill_json
from seqkit.models import (
    EncoderTagger,
    EncoderTaggerConfig,
    PieceInput,
    Tagger,
    TaggerConfig,
    TaggerInput,
)
from seqkit.nn.crf import Legal
from seqkit.tasks.sequence_labeling.settings import (
    COUNTS,
    ResolvedSequenceLabelingSettings,
    SequenceLabelingSettings,
)
from seqkit.tasks.text_classification.initial_weights import vector_size
from seqkit.text.tag_schemes import legal_transitions
from seqkit.training.base_settings import absolute_path


def with_paths(settings: SequenceLabelingSettings) -> SequenceLabelingSettings:
    """Return the settings with absolute paths, and the size of the words' vectors."""
    values: dict[str, Any] = {"corpus": absolute_path(settings.corpus, corpus_names("tagged"))}
    for name in ("lowercase", "zero_digits"):
        given = getattr(settings, name)
        values[name] = settings.model not in COUNTS if given is None else given
    if settings.vectors is not None:
        values["vectors"] = absolute_path(settings.vectors)
        values["embedding_size"] = vector_size(settings.vectors, settings.embedding_size)
    return dataclasses.replace(settings, **values)


def resolve(
    settings: SequenceLabelingSettings, encoded: EncodedTaggedCorpus
) -> ResolvedSequenceLabelingSettings:
    """Return the settings with the defaults of the corpus and the model filled in."""
    spans = encoded.scheme is not None
    return settings.resolve_to(
        ResolvedSequenceLabelingSettings,
        input_scheme=encoded.input_scheme or "none",
        output=settings.output or ("crf" if spans else "softmax"),
        embedding_size=settings.embedding_size or 100,
    )


def model_config(settings: ResolvedSequenceLabelingSettings, encoder: WordEncoder, tags: int) -> TaggerConfig:
    """Return the config of the model. Raise UsageError for sizes that make no model."""
    return TaggerConfig(
        vocab_size=len(encoder.words),
        tags=tags,
        letters=len(encoder.letters) if settings.characters != "none" else 0,
        shapes=len(SHAPES) if settings.capitalization else 0,
        embedding_size=settings.embedding_size,
        characters=settings.characters,
        character_embedding_size=settings.character_embedding_size,
        character_hidden_size=settings.character_hidden_size,
        feature_columns=tuple(map(len, encoder.feature_columns)),
        feature_size=settings.feature_size,
        encoder=settings.model,
        hidden_size=settings.hidden_size,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        dropout=settings.dropout,
        locked=settings.locked_dropout,
        output=settings.output,
    )


def saved_config(values: dict[str, Any], source: str) -> TaggerConfig | EncoderTaggerConfig:
    """Return the config of a run's config.json. Raise DamagedFileError if ``source`` is damaged."""

    def damaged(message: str) -> DamagedFileError:
        return DamagedFileError(f"model: {message}", where=source)

    on_encoder = isinstance(values.get("encoder"), dict)
    config: type[TaggerConfig | EncoderTaggerConfig] = EncoderTaggerConfig if on_encoder else TaggerConfig
    try:
        saved: TaggerConfig | EncoderTaggerConfig = fill_json(config, values, damaged, strict=True)
    except UsageError as error:
        raise damaged(str(error)) from error
    return saved


def legal_of(labels: tuple[str, ...], input_scheme: str, scheme: str) -> Legal | None:
    """Return what the scheme allows, or None for tags without spans."""
    return None if input_scheme == "none" else legal_transitions(labels, scheme)


def make_model(
    config: TaggerConfig | EncoderTaggerConfig, legal: Legal | None, generator: Generator
) -> Tagger | EncoderTagger:
    """Return the model of a config, initialised by the generator."""
    if isinstance(config, EncoderTaggerConfig):
        return EncoderTagger(config, legal=legal, generator=generator)
    return Tagger(config, legal=legal, generator=generator)


Features = Callable[[TaggedBatch], TaggerInput | PieceInput]
"""Turns a batch to what a model takes."""


def features_of(config: TaggerConfig | EncoderTaggerConfig, encoder: TaggingEncoder) -> Features:
    """Return the function that makes the batches of a model."""
    if isinstance(config, EncoderTaggerConfig):
        assert isinstance(encoder, PieceEncoder)
        return functools.partial(_pieces, encoder)
    return functools.partial(_words, config)


def _words(config: TaggerConfig, batch: TaggedBatch) -> TaggerInput:
    """Return a batch without the features that the model does not have."""
    spelt = config.characters != "none"
    return TaggerInput(
        batch.ids,
        batch.lengths,
        batch.words if spelt else None,
        batch.letters if spelt else None,
        batch.letter_lengths if spelt else None,
        batch.shapes if config.shapes else None,
        feature_columns=batch.feature_columns if config.feature_columns else None,
    )


def _pieces(encoder: PieceEncoder, batch: TaggedBatch) -> PieceInput:
    """Return the pieces of the words of each sentence in a row, between special tokens."""
    B, T = batch.words.shape
    held = np.arange(T) < batch.lengths[:, None]
    sizes = np.where(held, batch.letter_lengths[batch.words], 0)
    ends = len(encoder.begin) + sizes.cumsum(axis=1)
    first = ends - sizes
    lengths = ends[:, -1] + len(encoder.end)
    ids = np.zeros((B, lengths.max()), np.int32)
    ids[:, : len(encoder.begin)] = encoder.begin
    for number in range(batch.letters.shape[1]):
        row, word = np.nonzero(sizes > number)
        ids[row, first[row, word] + number] = batch.letters[batch.words[row, word], number]
    for number, special in enumerate(encoder.end):
        ids[np.arange(B), ends[:, -1] + number] = special
    return PieceInput(ids, lengths, np.where(held, first, 0), batch.lengths)
