"""Taggers that start from a pretrained encoder, or from a tagger of a run."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.backend.random import Generator
from seqkit.corpora import TaggedCorpus
from seqkit.data import EncodedTaggedCorpus, PieceEncoder, WordEncoder
from seqkit.errors import RunError, UsageError
from seqkit.models import EncoderTagger, EncoderTaggerConfig
from seqkit.tasks.initial_encoder import (
    InitialEncoder,
    fine_tuning_rate,
    initial_encoder,
    is_published,
    require_as_in_encoder,
)
from seqkit.tasks.initial_run import InitialRun, open_initial_run, report_start, same_labels
from seqkit.tasks.runs import is_checkpoint_folder
from seqkit.tasks.sequence_labeling.data import encode_and_report, tagging_tokenizer
from seqkit.tasks.sequence_labeling.model import legal_of, resolve, saved_config, with_paths
from seqkit.tasks.sequence_labeling.settings import (
    COUNTS,
    OF_WORDS,
    ResolvedSequenceLabelingSettings,
    SequenceLabelingSettings,
)
from seqkit.tasks.sequence_labeling.trained import TASK, parts_of, require_fitting
from seqkit.tasks.sequence_labeling.training_tasks import (
    EncoderLabeling,
    SequenceLabeling,
    WordLabeling,
    word_encoder,
)
from seqkit.training import Callback, RunDirectory

_COMMAND = "train-tagger"
_DROPOUT = 0.1
_WORDS_ALONE = "taggers without an encoder in init"


def from_initial(
    settings: SequenceLabelingSettings, corpus: TaggedCorpus, source: str, callback: Callback
) -> SequenceLabeling:
    """Return the task of a tagger that starts from the model at ``source``.

    Raises:
        RunError: There is none.
        UsageError: A setting contradicts it.
    """
    own = RunDirectory.exists(source) and not is_checkpoint_folder(source)
    if own and RunDirectory.open(source).config.get("task") == TASK:
        initial = open_initial_run(settings, TASK, ResolvedSequenceLabelingSettings, _COMMAND)
        assert initial is not None
        if initial.settings.model in COUNTS:
            raise RunError(f"{initial.path} is a model of counts, which has no weights to start from")
        initial = initial.growing(settings.grow_vocabulary, tagging_tokenizer(initial.settings))
        before, labels = parts_of(initial.run, initial.settings)
        if isinstance(before, PieceEncoder):
            return _from_encoder_run(settings, corpus, initial, before, labels, callback)
        assert isinstance(before, WordEncoder)
        return _from_word_run(settings, corpus, initial, before, labels, callback)
    return _from_encoder(settings, corpus, source, callback)


def _from_encoder(
    settings: SequenceLabelingSettings, corpus: TaggedCorpus, source: str, callback: Callback
) -> SequenceLabeling:
    initial = initial_encoder(source, settings.max_length, _COMMAND)
    settings = with_paths(dataclasses.replace(settings, **_settings(settings, initial)))
    encoder = PieceEncoder.of(initial.tokenizer, initial.vocabulary, settings.max_length)
    encoded = encode_and_report(settings, corpus, callback, encoder)
    if encoded.scheme is None:
        settings.refuse_given("scheme on_broken_tags", "tags of spans")
    resolved = resolve(settings, encoded)
    config = EncoderTaggerConfig(
        initial.with_dropout(resolved.dropout), len(encoded.labels), resolved.dropout, resolved.output
    )
    task = _task_of(resolved, config, encoded)
    unknown = (encoded.table.ids == initial.vocabulary.unk_id) @ encoded.counts / encoded.counts.sum()
    callback.on_message(f"starts from {source}; {unknown:.1%} of the words are unknown")

    def weights() -> dict[str, np.ndarray]:
        own = {name: to_numpy(array) for name, array in task.model.state_dict().items()}
        return own | {f"encoder.{name}": array for name, array in initial.weights().items()}

    task.initial_weights = weights
    return task


def _task_of(
    settings: ResolvedSequenceLabelingSettings, config: EncoderTaggerConfig, encoded: EncodedTaggedCorpus
) -> EncoderLabeling:
    """Return the task of a tagger on an encoder."""
    legal = legal_of(encoded.labels, settings.input_scheme, settings.scheme)
    model = EncoderTagger(config, legal=legal, generator=Generator(settings.seed, "init"))
    if settings.freeze:
        model.encoder.freeze()
    return EncoderLabeling(settings, model, encoded)


def _settings(given: SequenceLabelingSettings, initial: InitialEncoder) -> dict[str, Any]:
    """Return the settings that an encoder determines. Raise UsageError if ``given`` has other values."""
    config = initial.config
    sizes = {
        "embedding_size": config.embedding_size,
        "hidden_size": config.hidden_size,
        "num_layers": config.num_layers,
        "num_heads": config.num_heads,
    }
    if not given.RESOLVED:
        chosen = given.given
        if of_words := sorted(chosen.intersection(OF_WORDS)):
            raise given.without_effect(of_words[0], _WORDS_ALONE)
        values = {"model": "transformer", **sizes}
        require_as_in_encoder(given, {name: value for name, value in values.items() if name in chosen})
    return {
        **OF_WORDS,
        **sizes,
        "model": "transformer",
        "dropout": given.dropout if given.RESOLVED or "dropout" in given.given else _DROPOUT,
        "max_length": min(given.max_length, config.max_length),
        "lr": initial.learning_rate(given, frozen=given.freeze),
    }


def _from_encoder_run(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    initial: InitialRun[ResolvedSequenceLabelingSettings],
    before: PieceEncoder,
    labels: tuple[str, ...],
    callback: Callback,
) -> SequenceLabeling:
    for name in ("grow_vocabulary", "feature_columns"):
        if getattr(settings, name):
            raise settings.without_effect(name, _WORDS_ALONE)
    tuned = is_published(before.tokenizer)
    lr = fine_tuning_rate(settings, frozen=settings.freeze) if tuned else settings.lr
    longest = min(settings.max_length, initial.settings.max_length)
    settings = with_paths(dataclasses.replace(initial.complete(settings), lr=lr, max_length=longest))
    encoder = PieceEncoder.of(before.tokenizer, before.vocabulary, longest)
    encoded = encode_and_report(settings, corpus, callback, encoder)
    resolved = initial.keep(resolve(settings, encoded))
    saved = saved_config(initial.run.entry("model"), str(initial.run.path / "config.json"))
    require_fitting(saved, before, labels, initial.path)
    assert isinstance(saved, EncoderTaggerConfig)
    own = saved.encoder  # keeps its dropout, unless another is given
    if resolved.dropout != initial.settings.dropout:
        own = dataclasses.replace(own, dropout=resolved.dropout)
    config = EncoderTaggerConfig(own, len(encoded.labels), resolved.dropout, resolved.output)
    task = _task_of(resolved, config, encoded)
    report_start(initial, {}, callback.on_message)
    new = _new_arrays(initial, resolved, labels, encoded, callback)
    task.initial_weights = lambda: initial.weights_for(task.model, new=new, seed=resolved.seed)
    return task


def _from_word_run(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    initial: InitialRun[ResolvedSequenceLabelingSettings],
    before: WordEncoder,
    labels: tuple[str, ...],
    callback: Callback,
) -> SequenceLabeling:
    if settings.freeze:
        raise settings.without_effect("freeze", "vectors, or an encoder in init")
    if len(settings.columns) != len(before.feature_columns):
        own = initial.settings.feature_columns
        raise UsageError(
            f"expected {len(before.feature_columns)} feature_columns, as many as {initial.path} was trained "
            f"with, got {len(settings.columns)}",
            remedy="leave feature_columns out" if own is None else f"there feature_columns was {own}",
        )
    settings = with_paths(initial.complete(settings))
    encoded = encode_and_report(settings, corpus, callback, before)
    resolved = initial.keep(resolve(settings, encoded))
    task, after = WordLabeling(resolved, encoded, callback), word_encoder(encoded)
    vocabularies = {"words": (before.words, after.words), "letters": (before.letters, after.letters)}
    for number, pair in enumerate(zip(before.feature_columns, after.feature_columns, strict=True)):
        vocabularies[f"values of feature column {number + 1}"] = pair
    report_start(initial, vocabularies, callback.on_message)
    new = _new_arrays(initial, resolved, labels, encoded, callback)
    words, letters, *columns = ((old.tokens, grown.tokens) for old, grown in vocabularies.values())

    def rows(name: str) -> tuple[Sequence[str], Sequence[str]]:
        module, _, rest = name.partition(".")
        if module == "feature_columns":
            return columns[int(rest.partition(".")[0])]
        return letters if module == "characters" else words

    task.initial_weights = lambda: initial.weights_for(task.model, rows, new=new, seed=resolved.seed)
    return task


def _new_arrays(
    initial: InitialRun[ResolvedSequenceLabelingSettings],
    resolved: ResolvedSequenceLabelingSettings,
    labels: tuple[str, ...],
    encoded: EncodedTaggedCorpus,
    callback: Callback,
) -> tuple[str, ...]:
    """Return prefixes of the arrays that do not come from the run, whose tags or output are others."""
    same = same_labels(initial, labels, encoded.labels, callback.on_message)
    return () if same and resolved.output == initial.settings.output else ("output.", "crf.")
