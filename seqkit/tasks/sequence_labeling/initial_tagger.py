"""Taggers that start from a pretrained encoder, or from a tagger of a run."""

import dataclasses
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.backend.random import Generator
from seqkit.corpora import TaggedCorpus
from seqkit.data import EncodedTaggedCorpus, PieceEncoder, WordEncoder
from seqkit.errors import RunError
from seqkit.models import EncoderTagger, EncoderTaggerConfig
from seqkit.tasks.initial_encoder import (
    InitialEncoder,
    fine_tuning_rate,
    initial_encoder,
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
from seqkit.tasks.sequence_labeling.trained import TASK, parts_of
from seqkit.tasks.sequence_labeling.training_tasks import SequenceLabeling, WordLabeling, word_encoder
from seqkit.tasks.text_classification.initial_weights import is_published
from seqkit.training import Callback, RunDirectory

_COMMAND = "train-tagger"
_DROPOUT = 0.1


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
        return _from_run(settings, corpus, initial, callback)
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
) -> SequenceLabeling:
    """Return the task of a tagger on an encoder."""
    legal = legal_of(encoded.labels, settings.input_scheme, settings.scheme)
    model = EncoderTagger(config, legal=legal, generator=Generator(settings.seed, "init"))
    if settings.freeze:
        model.encoder.freeze()
    return SequenceLabeling(settings, model, encoded)


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
        given.refuse(chosen.intersection(OF_WORDS), "taggers without an encoder in init")
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


def _from_run(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    initial: InitialRun[ResolvedSequenceLabelingSettings],
    callback: Callback,
) -> SequenceLabeling:
    if initial.settings.model in COUNTS:
        raise RunError(f"{initial.path} is a model of counts, which has no weights to start from")
    before, labels = parts_of(initial.run, initial.settings)
    grows = settings.grow_vocabulary
    initial = initial.growing(grows, tagging_tokenizer(initial.settings))
    if isinstance(before, PieceEncoder):
        settings.refuse({"grow_vocabulary"} if grows else (), "taggers without an encoder in init")
        tuned = is_published(before.tokenizer)
        lr = fine_tuning_rate(settings, frozen=settings.freeze) if tuned else settings.lr
        longest = min(settings.max_length, initial.settings.max_length)
        settings = dataclasses.replace(initial.complete(settings), lr=lr, max_length=longest)
        before = PieceEncoder.of(before.tokenizer, before.vocabulary, longest)
    else:
        settings.refuse({"freeze"} if settings.freeze else (), "vectors, or an encoder in init")
        settings = initial.complete(settings)
    settings = with_paths(settings)
    encoded = encode_and_report(settings, corpus, callback, before)
    resolved = initial.keep(resolve(settings, encoded))
    new: tuple[str, ...] = ()
    if not same_labels(initial, labels, encoded.labels, callback.on_message) or (
        resolved.output != initial.settings.output
    ):
        new = ("output.", "crf.")
    if isinstance(before, PieceEncoder):
        saved = saved_config(initial.run.entry("model"), str(initial.run.path / "config.json"))
        assert isinstance(saved, EncoderTaggerConfig)
        own = saved.encoder  # keeps its dropout, unless another is given
        if resolved.dropout != initial.settings.dropout:
            own = dataclasses.replace(own, dropout=resolved.dropout)
        config = EncoderTaggerConfig(own, len(encoded.labels), resolved.dropout, resolved.output)
        task = _task_of(resolved, config, encoded)
        report_start(initial, {}, callback.on_message)
        task.initial_weights = lambda: initial.weights_for(task.model, new=new, seed=resolved.seed)
        return task
    assert isinstance(before, WordEncoder)
    task, after = WordLabeling(resolved, encoded, callback), word_encoder(encoded)
    vocabularies = {"words": (before.words, after.words), "letters": (before.letters, after.letters)}
    report_start(initial, vocabularies, callback.on_message)
    words, letters = ((old.tokens, grown.tokens) for old, grown in vocabularies.values())
    task.initial_weights = lambda: initial.weights_for(
        task.model,
        lambda name: letters if name.startswith("characters.") else words,
        new=new,
        seed=resolved.seed,
    )
    return task
