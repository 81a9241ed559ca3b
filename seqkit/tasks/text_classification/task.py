"""Text classification as a training task, and ``train``."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

from seqkit.autograd import Tensor
from seqkit.backend import make_current
from seqkit.corpora import LabelledCorpus
from seqkit.data import EncodedLabelledCorpus, TextBatches
from seqkit.models import SequenceClassifier
from seqkit.nn import Module
from seqkit.tasks.classes import LABELS, labels_to_bytes, score_classes
from seqkit.tasks.runs import VOCABULARY
from seqkit.tasks.text import tokenizer_artifacts
from seqkit.tasks.text_classification.data import describe, encode, open_corpus
from seqkit.tasks.text_classification.evaluation import log_probs
from seqkit.tasks.text_classification.initial_weights import (
    InitialEncoder,
    initial_encoder,
    start_from_vectors,
)
from seqkit.tasks.text_classification.model import make_model, model_config, resolve
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.tasks.text_classification.trained import TASK, TrainedTextClassifier, load
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.training import Callback, RunDirectory, Task
from seqkit.training.run_directory import MODEL
from seqkit.training.settings import WITH_VALIDATION


class TextClassification(Task):
    """A classifier that learns from length-bucketed batches of labelled texts."""

    model: SequenceClassifier

    def __init__(
        self,
        settings: ResolvedTextClassificationSettings,
        encoded: EncodedLabelledCorpus,
        initial: InitialEncoder | None,
        callback: Callback,
    ) -> None:
        config = model_config(settings, len(encoded.vocabulary), len(encoded.labels), initial)
        model = make_model(settings, config)
        _initialize(model, settings, encoded, initial, callback)
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

    def loss(self, index: int) -> tuple[Tensor, int]:
        """Return the mean loss of a batch and its number of texts."""
        batch = self.batches.batch(self.epoch, index)
        loss = self.model.loss(batch.ids, batch.lengths, batch.labels, generator=self.generators["dropout"])
        return loss, len(batch)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss, accuracy and macro F1 of the validation split."""
        texts = self.encoded.splits.get("valid")
        if texts is None:
            return None
        predicted = log_probs(self.model, texts, batch_size=self.eval_batch_size, poll=poll)
        scores = score_classes("valid", predicted, texts.labels, self.encoded.labels)
        return {"loss": scores.loss, "accuracy": scores.accuracy, "macro_f1": scores.scores.macro.f1}


def _initialize(
    model: SequenceClassifier,
    settings: ResolvedTextClassificationSettings,
    encoded: EncodedLabelledCorpus,
    initial: InitialEncoder | None,
    callback: Callback,
) -> None:
    """Copy pretrained vectors or the weights of the initial encoder; freeze them if the settings say so."""
    module: Module | None = None
    if settings.vectors is not None:
        module = embedding = model.encoder.embedding
        known = start_from_vectors(embedding, encoded.vocabulary, settings.vectors, settings.seed)
        callback.on_message(f"{known:,} of {len(encoded.vocabulary):,} types start from {settings.vectors}")
    if initial is not None:
        module = model.encoder.encoder
        module.load_state_dict(initial.weights(), source=str(settings.init))
        unknown = encoded.info["train"].unk / encoded.info["train"].tokens
        callback.on_message(f"starts from {settings.init}; {unknown:.1%} of the tokens are unknown")
    if settings.freeze and module is not None:
        module.freeze()


def make_task(
    settings: TextClassificationSettings, corpus: LabelledCorpus, callback: Callback
) -> TextClassification:
    """Resolve the settings, encode the texts and create the model."""
    resolved = resolve(settings, corpus)
    initial = None if resolved.init is None else initial_encoder(resolved.init, resolved.max_length)
    encoded = encode(resolved, corpus, initial, callback)
    if initial is not None:
        initial = initial.with_words(encoded.vocabulary, resolved.seed)
    return TextClassification(resolved, encoded, initial, callback)


def _with_own_encoder(settings: TextClassificationSettings, run: RunDirectory) -> TextClassificationSettings:
    """Return the settings of a resumed run; its own encoder replaces an initial one that is gone."""
    gone = settings.init is not None and not Path(settings.init).is_dir() and (run.path / MODEL).is_file()
    return dataclasses.replace(settings, init=str(run.path)) if gone else settings


def train(
    settings: TextClassificationSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
) -> TrainedTextClassifier:
    """Train a text classifier into a run directory and return it with its best weights.

    Args:
        settings: The labelled texts, the model, the optimiser and the limits; the flags of
            ``seqkit train-classifier``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.

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
        adapt=_with_own_encoder,
    )
    return load(run.path)
