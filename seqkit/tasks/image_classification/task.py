"""Image classification as a training task, and ``train``."""

import time
from collections.abc import Callable
from pathlib import Path

from seqkit.autograd import Tensor
from seqkit.backend import make_current
from seqkit.corpora import ImageCorpus
from seqkit.data import ImageBatch, ImageBatches, Standardization
from seqkit.errors import DataError
from seqkit.models import ImageClassifier
from seqkit.tasks.classes import LABELS, ClassScores, labels_to_bytes, score_classes
from seqkit.tasks.image_classification.data import describe, open_corpus
from seqkit.tasks.image_classification.evaluation import log_probs
from seqkit.tasks.image_classification.model import make_model, model_config, resolve
from seqkit.tasks.image_classification.settings import (
    ImageClassificationSettings,
    ResolvedImageClassificationSettings,
)
from seqkit.tasks.image_classification.trained import (
    STANDARDIZATION,
    TASK,
    TrainedImageClassifier,
    load,
    parts_of,
)
from seqkit.tasks.initial_run import InitialRun, open_initial_run, report_start, same_labels
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.training import Callback, Task
from seqkit.training.settings import WITH_VALIDATION


class ImageClassification(Task):
    """A classifier that learns from shuffled batches of images.

    A finite loss never counts as diverged: with pixels up to 255 an early loss of 1,000 is not unusual.
    """

    model: ImageClassifier

    def __init__(
        self,
        settings: ResolvedImageClassificationSettings,
        corpus: ImageCorpus,
        standardization: Standardization | None = None,
    ) -> None:
        """Prepare the batches, the model and its optimiser.

        Args:
            settings: Resolved settings.
            corpus: The images.
            standardization: That of the run that the training starts from; None: of the training images.
        """
        config = model_config(settings, corpus)
        model = make_model(settings, config).to(make_current(settings.device))
        train = corpus.images("train")
        if standardization is None:
            standardization = Standardization.of(settings.normalize, train.images)
        self.batches = ImageBatches(
            train, settings.batch_size, standardization=standardization, seed=settings.seed
        )
        super().__init__(settings, model, len(self.batches))
        self.settings, self.corpus = settings, corpus
        if "valid" not in corpus.splits:
            settings.refuse_given("patience", WITH_VALIDATION)
            if not (settings.train_accuracy or settings.test_accuracy):
                settings.refuse_given("eval_batch_size", f"{WITH_VALIDATION}, and accuracies")
        self.standardization, self.eval_batch_size = standardization, settings.eval_batch_size
        accuracies = {"train": settings.train_accuracy, "test": settings.test_accuracy}
        self.accuracy_splits = [split for split, requested in accuracies.items() if requested]
        self.artifacts = {
            STANDARDIZATION: standardization.to_bytes(),
            LABELS: labels_to_bytes(corpus.classes),
        }
        self.counts = {}
        self.config = {"model": config.to_dict()}
        self.summary = describe(corpus)

    def batch(self, index: int) -> ImageBatch:
        """Return a batch of the epoch."""
        return self.batches.batch(self.epoch, index)

    def loss(self, batch: ImageBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a batch and its number of images."""
        loss = self.model.loss(batch.images, batch.labels, generator=self.generators["dropout"])
        return loss, len(batch)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss and accuracy of the validation split, and accuracies on train and test if requested."""
        scores: dict[str, float] = {}
        if "valid" in self.corpus.splits:
            valid = self._scores("valid", poll)
            scores = {"loss": valid.loss, "accuracy": valid.accuracy}
        for split in self.accuracy_splits:
            scores[f"{split}_accuracy"] = self._scores(split, poll).accuracy
        return scores

    def _scores(self, split: str, poll: Callable[[], None]) -> ClassScores:
        labelled = self.corpus.images(split)
        scores = log_probs(
            self.model,
            labelled.images,
            self.standardization,
            batch_size=self.eval_batch_size,
            poll=poll,
            group=self.group,
        )
        return score_classes(split, scores, labelled.labels, self.corpus.classes)


def make_task(
    settings: ImageClassificationSettings, corpus: ImageCorpus, callback: Callback
) -> ImageClassification:
    """Resolve the settings and create the model."""
    started = time.perf_counter()
    initial = open_initial_run(settings, TASK, ResolvedImageClassificationSettings, "train-images")
    if initial is None:
        task = ImageClassification(resolve(settings, corpus), corpus)
    else:
        task = _continued(settings, corpus, initial, callback)
    callback.on_message(f"{corpus.name}: {task.summary} ({time.perf_counter() - started:.1f} s)")
    return task


def _continued(
    settings: ImageClassificationSettings,
    corpus: ImageCorpus,
    initial: InitialRun[ResolvedImageClassificationSettings],
    callback: Callback,
) -> ImageClassification:
    """Return the task of a classifier that starts from that of a run."""
    config, standardization, classes = parts_of(initial.run, initial.settings)
    expected, got = (config.height, config.width, config.channels), corpus.shape
    if got != expected:
        raise DataError(
            "expected images of {}×{}×{}, as in the run, got {}×{}×{}".format(*expected, *got),
            where=settings.corpus,
            remedy="resize them, or start from a run of such images",
        )
    resolved = initial.keep(resolve(initial.complete(settings), corpus))
    task = ImageClassification(resolved, corpus, standardization)
    report_start(initial, {}, callback.on_message)
    new = () if same_labels(initial, classes, corpus.classes, callback.on_message) else ("output.",)
    task.initial_weights = lambda: initial.weights_for(task.model, new=new)
    return task


def train(
    settings: ImageClassificationSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedImageClassifier:
    """Train an image classifier into a run directory and return it with its best weights.

    Args:
        settings: The images, the model, the optimiser and the limits; the flags of ``seqkit train-images``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The classifier with the weights of the lowest validation loss: ``classify(images)``, ``evaluate()``.

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
        ResolvedImageClassificationSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
