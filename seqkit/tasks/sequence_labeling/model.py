"""The models of the sequence labelling task, and the settings that depend on them."""

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.corpora import corpus_names
from seqkit.data import EncodedTaggedCorpus, TaggedBatch
from seqkit.data.tagging import SHAPES
from seqkit.errors import DamagedFileError, UsageError
from seqkit.files import fill_json
from seqkit.models import Tagger, TaggerConfig, TaggerInput
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


def model_config(
    settings: ResolvedSequenceLabelingSettings, vocab_size: int, letters: int, tags: int
) -> TaggerConfig:
    """Return the config of the model. Raise UsageError for sizes that make no model."""
    return TaggerConfig(
        vocab_size=vocab_size,
        tags=tags,
        letters=letters if settings.characters != "none" else 0,
        shapes=len(SHAPES) if settings.capitalization else 0,
        embedding_size=settings.embedding_size,
        characters=settings.characters,
        character_embedding_size=settings.character_embedding_size,
        character_hidden_size=settings.character_hidden_size,
        encoder=settings.model,
        hidden_size=settings.hidden_size,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        dropout=settings.dropout,
        locked=settings.locked_dropout,
        output=settings.output,
    )


def saved_config(values: dict[str, Any], source: str) -> TaggerConfig:
    """Return the config of a run's config.json. Raise DamagedFileError if ``source`` is damaged."""

    def damaged(message: str) -> DamagedFileError:
        return DamagedFileError(f"model: {message}", where=source)

    try:
        config: TaggerConfig = fill_json(TaggerConfig, values, damaged, strict=True)
    except UsageError as error:
        raise damaged(str(error)) from error
    return config


def legal_of(labels: tuple[str, ...], input_scheme: str, scheme: str) -> Legal | None:
    """Return what the scheme allows, or None for tags without spans."""
    return None if input_scheme == "none" else legal_transitions(labels, scheme)


def make_model(
    settings: ResolvedSequenceLabelingSettings, config: TaggerConfig, labels: tuple[str, ...]
) -> Tagger:
    """Return the model of a config, initialised from the settings' seed."""
    legal = legal_of(labels, settings.input_scheme, settings.scheme)
    return Tagger(config, legal=legal, generator=Generator(settings.seed, "init"))


def model_input(batch: TaggedBatch, config: TaggerConfig) -> TaggerInput:
    """Return a batch as the model takes it, without the features that it does not have."""
    spelt = config.characters != "none"
    return TaggerInput(
        batch.ids,
        batch.lengths,
        batch.words if spelt else None,
        batch.letters if spelt else None,
        batch.letter_lengths if spelt else None,
        batch.shapes if config.shapes else None,
    )
