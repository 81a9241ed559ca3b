"""Sequence labelling as a training task, and ``train``."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array, make_current
from seqkit.corpora import TaggedCorpus
from seqkit.data import EncodedTaggedCorpus, TaggedBatch, TaggedBatches, epoch_generator
from seqkit.errors import RunError
from seqkit.models import CountTagger, Tagger
from seqkit.tasks.classes import LABELS, labels_to_bytes
from seqkit.tasks.initial_run import InitialRun, open_initial_run, report_start, same_labels
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.sequence_labeling.data import (
    describe,
    encode_and_report,
    open_corpus,
    tagging_tokenizer,
)
from seqkit.tasks.sequence_labeling.evaluation import (
    predict,
    predict_by_counts,
    score_tags,
    sentence_tags,
)
from seqkit.tasks.sequence_labeling.model import make_model, model_config, model_input, resolve, with_paths
from seqkit.tasks.sequence_labeling.settings import (
    COUNTS,
    ResolvedSequenceLabelingSettings,
    SequenceLabelingSettings,
)
from seqkit.tasks.sequence_labeling.trained import LETTERS, TASK, TrainedTagger, load, parts_of
from seqkit.tasks.text_classification.initial_weights import start_from_vectors
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.text.special_tokens import UNK
from seqkit.training import Callback, Record, SinglePassTask, Task
from seqkit.training.settings import WITH_VALIDATION


class SequenceLabeling(Task):
    """A tagger that learns from length-bucketed batches of sentences."""

    model: Tagger

    def __init__(
        self,
        settings: ResolvedSequenceLabelingSettings,
        encoded: EncodedTaggedCorpus,
        callback: Callback,
    ) -> None:
        encoder = encoded.encoder
        config = model_config(settings, len(encoder.words), len(encoder.letters), len(encoded.labels))
        model = make_model(settings, config, encoded.labels)
        if settings.vectors is not None:
            known = start_from_vectors(model.embedding, encoder.words, settings.vectors, settings.seed)
            callback.on_message(f"{known:,} of {len(encoder.words):,} types start from {settings.vectors}")
            if settings.freeze:
                model.embedding.freeze()
        model.to(make_current(settings.device))
        train, table = encoded.splits["train"], encoded.table
        self.batches = TaggedBatches(train, table, settings.batch_size, seed=settings.seed)
        super().__init__(settings, model, len(self.batches))
        self.settings, self.encoded = settings, encoded
        if "valid" not in encoded.splits:
            settings.refuse_given("patience eval_batch_size", WITH_VALIDATION)
        self.best_by = "accuracy" if encoded.scheme is None else "f1"
        self.divergence_loss = 50 * math.log(len(encoded.labels))  # 50 times the loss of a uniform guess
        self.eval_batch_size = settings.eval_batch_size
        self.unknown = encoder.words.id(UNK)
        self.unknown_rates = _unknown_rates(encoded, settings.word_dropout)
        self.artifacts, self.counts = _artifacts(encoded), _counts(encoded)
        self.config = {"tokenizer": tagging_tokenizer(settings).config(), "model": config.to_dict()}
        self.summary = describe(encoded)

    def batch(self, index: int) -> TaggedBatch:
        """Return a batch of the epoch, in which some words are made unknown."""
        batch = self.batches.batch(self.epoch, index)
        if self.unknown_rates.any():
            draws = epoch_generator(self.training_settings.seed, "unknown words", self.epoch, index)
            ids = batch.ids.copy()
            ids[draws.uniform(ids.shape) < self.unknown_rates[ids]] = self.unknown
            batch = dataclasses.replace(batch, ids=ids)
        return batch

    def loss(self, batch: TaggedBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a word of a batch, and the number of words."""
        features = model_input(batch, self.model.config)
        loss = self.model.loss(features, batch.tags, generator=self.generators["dropout"])
        return loss, int(batch.lengths.sum())

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss and accuracy of the validation split, and F1 for tags of spans."""
        sentences = self.encoded.splits.get("valid")
        if sentences is None:
            return None
        predicted, loss = predict(
            self.model,
            sentences,
            self.encoded.table,
            batch_size=self.eval_batch_size,
            poll=poll,
            group=self.group,
        )
        return _scores(self.encoded, predicted, loss)


class CountLabeling(SinglePassTask):
    """A tagger of counts, fitted in one pass over the sentences."""

    def __init__(self, settings: ResolvedSequenceLabelingSettings, encoded: EncodedTaggedCorpus) -> None:
        self.settings, self.encoded, self.method = settings, encoded, settings.model
        self.artifacts, self.counts = _artifacts(encoded), _counts(encoded)
        self.config = {"tokenizer": tagging_tokenizer(settings).config()}
        self.summary = describe(encoded)

    def fit_model(self, folder: Path) -> tuple[dict[str, Array], Record, dict[str, float] | None]:
        """Return the counts, the record of the fit, and the validation scores."""
        encoded = self.encoded
        train, encoder = encoded.splits["train"], encoded.encoder
        model = CountTagger.fit(
            self.method,
            len(encoded.labels),
            encoded.table.ids[train.words],
            train.tags,
            train.bounds,
            encoder.spelling(encoder.words.tokens),
        )
        record: Record = {"step": 1, "epoch": 1, "tokens": encoded.info["train"].words}
        scores = None
        if "valid" in encoded.splits:
            predicted = predict_by_counts(model, encoder, encoded.forms["valid"])
            ids = np.array([tag for tags in predicted for tag in tags])
            scores = _scores(encoded, ids, None)
            record |= {f"valid_{name}": value for name, value in scores.items()}
        return model.state_dict(), record, scores


def _artifacts(encoded: EncodedTaggedCorpus) -> dict[str, bytes]:
    return {
        VOCABULARY: encoded.encoder.words.to_bytes(),
        LETTERS: encoded.encoder.letters.to_bytes(),
        LABELS: labels_to_bytes(encoded.labels),
    }


def _counts(encoded: EncodedTaggedCorpus) -> dict[str, dict[str, int]]:
    sizes = encoded.info.items()
    return {
        "sentences": {split: info.sentences for split, info in sizes},
        "words": {split: info.words for split, info in sizes},
    }


def _scores(encoded: EncodedTaggedCorpus, predicted: np.ndarray, loss: float | None) -> dict[str, float]:
    """Return the scores of predicted tags (tokens,) of the validation split."""
    sentences = encoded.splits["valid"]
    tags = sentence_tags(predicted, sentences.bounds, encoded.labels, encoded.input_scheme)
    known = encoded.counts[sentences.words] > 0
    spans = encoded.scheme is not None
    scores = score_tags("valid", tags, encoded.gold["valid"], known, loss, spans=spans)
    result = {"accuracy": scores.accuracy}
    if loss is not None and math.isfinite(loss):
        result["loss"] = loss
    return result if scores.spans is None else {**result, "f1": scores.spans.f1}


def _unknown_rates(encoded: EncodedTaggedCorpus, rate: float) -> np.ndarray:
    """Return the probability of each word to become unknown, a / (a + n) (Kiperwasser and Goldberg 2016)."""
    counts = np.zeros(len(encoded.encoder.words))
    np.add.at(counts, encoded.table.ids, encoded.counts)
    return rate / np.maximum(rate + counts, 1e-9)


def make_task(settings: SequenceLabelingSettings, corpus: TaggedCorpus, callback: Callback) -> Task:
    """Resolve the settings, encode the sentences and create the model."""
    initial = open_initial_run(settings, TASK, ResolvedSequenceLabelingSettings, "train-tagger")
    if initial is not None:
        return _continued(settings, corpus, initial, callback)
    settings = with_paths(settings)
    encoded = encode_and_report(settings, corpus, callback)
    if encoded.scheme is None:
        settings.refuse_given("scheme on_broken_tags", "tags of spans")
    resolved = resolve(settings, encoded)
    if resolved.model in COUNTS:
        return CountLabeling(resolved, encoded)
    return SequenceLabeling(resolved, encoded, callback)


def _continued(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    initial: InitialRun[ResolvedSequenceLabelingSettings],
    callback: Callback,
) -> SequenceLabeling:
    """Return the task of a tagger that starts from that of a run."""
    if initial.settings.model in COUNTS:
        raise RunError(f"{initial.path} is a model of counts, which has no weights to start from")
    before, labels = parts_of(initial.run, initial.settings)
    initial = initial.growing(settings.grow_vocabulary, tagging_tokenizer(initial.settings))
    settings = with_paths(initial.complete(settings))
    encoded = encode_and_report(settings, corpus, callback, before)
    resolved = initial.keep(resolve(settings, encoded))
    task = SequenceLabeling(resolved, encoded, callback)
    after = encoded.encoder
    vocabularies = {"words": (before.words, after.words), "letters": (before.letters, after.letters)}
    report_start(initial, vocabularies, callback.on_message)
    same = same_labels(initial, labels, encoded.labels, callback.on_message)
    new = () if same and resolved.output == initial.settings.output else ("output.", "crf.")
    words, letters = ((old.tokens, grown.tokens) for old, grown in vocabularies.values())
    task.initial_weights = lambda: initial.weights_for(
        task.model,
        lambda name: letters if name.startswith("characters.") else words,
        new=new,
        seed=resolved.seed,
    )
    return task


def train(
    settings: SequenceLabelingSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedTagger:
    """Train a tagger into a run directory and return it with its best weights.

    Args:
        settings: The tagged sentences, the model, the optimiser and the limits; the flags of
            ``seqkit train-tagger``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The tagger with the weights of the highest validation F1, or accuracy for tags without spans:
        ``tag(texts)``, ``evaluate()``.

    Raises:
        UsageError: The settings cannot be combined, or cannot change in a resumed run.
        DataError: The corpus is absent or unreadable, or has changed since the run was begun.
        RunError: ``out`` holds other files, or a run of another task.
        DivergenceError: The loss is not finite; the last good checkpoint is kept.
        TrainingInterrupted: Ctrl-C or SIGTERM was received; the state is saved.
    """
    run = run_training(
        TASK,
        settings,
        out,
        ResolvedSequenceLabelingSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
