"""Text classification as a training task, and ``train``."""

import functools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import make_current, to_numpy
from seqkit.corpora import LabelledCorpus
from seqkit.data import EncodedLabelledCorpus, TextBatch, TextBatches
from seqkit.models import SequenceClassifier, SequenceClassifierConfig
from seqkit.tasks.classes import LABELS, labels_from_bytes, labels_to_bytes, score_classes
from seqkit.tasks.initial_encoder import InitialEncoder, initial_encoder, is_published
from seqkit.tasks.initial_run import InitialText, same_labels
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.text import tokenizer_artifacts
from seqkit.tasks.text_classification.data import describe, encode, open_corpus
from seqkit.tasks.text_classification.evaluation import log_probs
from seqkit.tasks.text_classification.initial_weights import (
    initial_classifier,
    start_from_vectors,
)
from seqkit.tasks.text_classification.model import continued_config, make_model, model_config, resolve
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.tasks.text_classification.trained import TASK, TrainedTextClassifier, load
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.text import SubwordTokenizer
from seqkit.training import Callback, Task
from seqkit.training.settings import WITH_VALIDATION


class TextClassification(Task):
    """A classifier that learns from length-bucketed batches of labelled texts."""

    model: SequenceClassifier

    def __init__(
        self,
        settings: ResolvedTextClassificationSettings,
        encoded: EncodedLabelledCorpus,
        config: SequenceClassifierConfig,
        callback: Callback,
    ) -> None:
        model = make_model(settings, config)
        if settings.vectors is not None:
            embedding, vocabulary = model.encoder.embedding, encoded.vocabulary
            known = start_from_vectors(embedding, vocabulary, settings.vectors, settings.seed)
            callback.on_message(f"{known:,} of {len(vocabulary):,} types start from {settings.vectors}")
        if settings.freeze:
            (model.encoder if settings.vectors is None else model.encoder.embedding).freeze()
        model.to(make_current(settings.device))
        self.batches = TextBatches(encoded.splits["train"], settings.batch_size, seed=settings.seed)
        super().__init__(settings, model, len(self.batches))
        self.settings, self.encoded = settings, encoded
        if "valid" not in encoded.splits:
            settings.refuse_given("patience eval_batch_size", WITH_VALIDATION)
        self.eval_batch_size = settings.eval_batch_size
        self.divergence_loss = 50 * math.log(len(encoded.labels))  # 50 times the loss of a uniform guess
        self.artifacts = {
            VOCABULARY: encoded.vocabulary.to_bytes(),
            LABELS: labels_to_bytes(encoded.labels),
            **tokenizer_artifacts(encoded.tokenizer),
        }
        self.counts = {"texts": {split: info.texts for split, info in encoded.info.items()}}
        self.config = {"tokenizer": encoded.tokenizer.config(), "model": config.to_dict()}
        self.summary = describe(encoded)

    def batch(self, index: int) -> TextBatch:
        """Return a batch of the epoch."""
        return self.batches.batch(self.epoch, index)

    def loss(self, batch: TextBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a batch and its number of texts."""
        loss = self.model.loss(batch.ids, batch.lengths, batch.labels, generator=self.generators["dropout"])
        return loss, len(batch)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss, accuracy and macro F1 of the validation split."""
        texts = self.encoded.splits.get("valid")
        if texts is None:
            return None
        predicted = log_probs(self.model, texts, batch_size=self.eval_batch_size, poll=poll, group=self.group)
        scores = score_classes("valid", predicted, texts.labels, self.encoded.labels)
        return {"loss": scores.loss, "accuracy": scores.accuracy, "macro_f1": scores.scores.macro.f1}


def make_task(
    settings: TextClassificationSettings, corpus: LabelledCorpus, callback: Callback
) -> TextClassification:
    """Resolve the settings, encode the texts and create the model."""
    classifier = initial_classifier(settings)
    if classifier is not None:
        return _continued(settings, corpus, classifier, callback)
    resolved = resolve(settings, corpus)
    initial = (
        None
        if resolved.init is None
        else initial_encoder(resolved.init, resolved.max_length, "train-classifier")
    )
    if initial is None:
        encoded = encode(resolved, corpus, None, callback)
    else:
        text = initial.tokenizer, initial.vocabulary
        encoded = encode(resolved, corpus, text, callback, published=initial.published)
        initial = initial.with_words(encoded.vocabulary, resolved.seed)
    config = model_config(resolved, len(encoded.vocabulary), len(encoded.labels), initial)
    task = TextClassification(resolved, encoded, config, callback)
    if initial is not None:
        _report_start(resolved, encoded, callback)
        task.initial_weights = functools.partial(_with_encoder, task.model, initial)
    return task


def _with_encoder(model: SequenceClassifier, initial: InitialEncoder) -> dict[str, np.ndarray]:
    """Return the arrays of a model with those of an initial encoder."""
    own = {name: to_numpy(array) for name, array in model.state_dict().items()}
    return own | {f"encoder.encoder.{name}": array for name, array in initial.weights().items()}


def _report_start(
    settings: ResolvedTextClassificationSettings, encoded: EncodedLabelledCorpus, callback: Callback
) -> None:
    unknown = encoded.info["train"].unk / encoded.info["train"].tokens
    callback.on_message(f"starts from {settings.init}; {unknown:.1%} of the tokens are unknown")


def _continued(
    settings: TextClassificationSettings,
    corpus: LabelledCorpus,
    initial: InitialText[ResolvedTextClassificationSettings],
    callback: Callback,
) -> TextClassification:
    """Return the task of a classifier that starts from that of a run."""
    resolved = resolve(settings, corpus, initial)
    labels = labels_from_bytes(initial.run.artifact(LABELS), str(initial.run.path / LABELS))
    tokenizer, published = initial.tokenizer, is_published(initial.tokenizer)
    if isinstance(tokenizer, SubwordTokenizer) and published:
        tokenizer = tokenizer.for_model(resolved.max_length)
    text = tokenizer, initial.vocabulary
    encoded = encode(resolved, corpus, text, callback, published=published)
    config = continued_config(resolved, initial, len(encoded.vocabulary), len(encoded.labels))
    task = TextClassification(resolved, encoded, config, callback)
    _report_start(resolved, encoded, callback)
    new = () if same_labels(initial, labels, encoded.labels, callback.on_message) else ("output.",)
    task.initial_weights = initial.weights(task.model, encoded.vocabulary, resolved.seed, new)
    return task


def train(
    settings: TextClassificationSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedTextClassifier:
    """Train a text classifier into a run directory and return it with its best weights.

    Args:
        settings: The labelled texts, the model, the optimiser and the limits; the flags of
            ``seqkit train-classifier``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The classifier with the weights of the lowest validation loss: ``classify(texts)``, ``evaluate()``.

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
        ResolvedTextClassificationSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
