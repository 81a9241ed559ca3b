"""Trained image classifiers: classification, evaluation, mistakes and filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqkit.backend import to_numpy
from seqkit.corpora import ImageCorpus, LabelledImages, open_images, read_images
from seqkit.corpora.resolve import has_image_files
from seqkit.data import Standardization
from seqkit.errors import DamagedFileError, DataError, Remedy, UsageError
from seqkit.models import MLP, DeepConvNet, ImageClassifier, ImageConfig, MLPConfig, SimpleConvNet
from seqkit.progress import with_progress
from seqkit.tasks.classes import (
    LABELS,
    ClassScores,
    Prediction,
    labels_from_bytes,
    predictions,
    score_classes,
)
from seqkit.tasks.image_classification.data import open_corpus
from seqkit.tasks.image_classification.evaluation import log_probs
from seqkit.tasks.image_classification.model import make_model, saved_config
from seqkit.tasks.image_classification.settings import ResolvedImageClassificationSettings
from seqkit.tasks.runs import (
    choose_split,
    load_best_weights,
    open_run,
    require_same_corpus,
    run_settings,
)
from seqkit.training import RunDirectory

TASK = "image_classification"
STANDARDIZATION = "standardization.json"


@dataclass(frozen=True)
class Mistake:
    """A misclassified image.

    Attributes:
        split: The name of the split.
        row: Its index in the split.
        image: (H, W, C) uint8.
        label: The true label.
        predicted: The predicted label.
        probability: The probability of the predicted label.
    """

    split: str
    row: int
    image: np.ndarray
    label: str
    predicted: str
    probability: float


class TrainedImageClassifier:
    """A trained image classifier; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        classes: The names of the classes.
        standardization: The preprocessing of the images.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedImageClassificationSettings,
        model: ImageClassifier,
        classes: tuple[str, ...],
        standardization: Standardization,
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.classes, self.standardization = classes, standardization

    def __repr__(self) -> str:
        model = f"{self.settings.model}, {len(self.classes)} classes"
        return f"TrainedImageClassifier({str(self.run.path)!r}: {model})"

    def log_probs(self, images: np.ndarray) -> np.ndarray:
        """Return log P(class) (N, K) of images (N, H, W, C) uint8."""
        return log_probs(self.model, images, self.standardization, batch_size=self.settings.eval_batch_size)

    @with_progress
    def classify(self, images: np.ndarray, *, progress: bool = False) -> list[Prediction]:
        """Return the predictions for images.

        Args:
            images: (N, H, W, C) uint8.
            progress: Whether to show a progress bar.
        """
        return predictions(self.log_probs(images), self.classes)

    @with_progress
    def classify_files(
        self, paths: Sequence[str | Path], *, resize: bool = False, progress: bool = False
    ) -> list[Prediction]:
        """Return the predictions for image files, converted to the channels of the model.

        Args:
            paths: The files.
            resize: Resize the images to the model's size; always done if the run has an ``image_size``.
            progress: Whether to show a progress bar.

        Raises:
            DataError: A file is not an image, or has another size.
            UsageError: No files.
        """
        c = self.model.config
        size = (c.height, c.width)
        if not paths:
            raise UsageError("expected image files, got none")
        resize = resize or self.settings.image_size is not None
        images = []
        for path in map(Path, paths):  # one at a time, since sizes may differ
            image = read_images([path], channels=c.channels, size=size if resize else None)
            if image.shape[1:3] != size:
                raise DataError(
                    "expected {} by {} pixels, got {} by {}".format(*size, *image.shape[1:3]),
                    where=str(path),
                    remedy=Remedy("resize it, or give resize=True", command="resize it, or add --resize"),
                )
            images.append(image)
        return self.classify(np.concatenate(images))

    def corpus(self, other: str | Path | None = None, *, whole: bool = False) -> ImageCorpus:
        """Return the images that the run was trained on, or others.

        Args:
            other: Other images, named as in the settings, of the run's size and classes.
            whole: Whether a folder without splits of its own is test data, all of it.

        Raises:
            DataError: The images are absent, do not fit, or those of the run have changed.
        """
        if other is None:
            corpus = open_corpus(self.settings)
            require_same_corpus(
                self.run, corpus, remedy="restore its files, or name the images to evaluate on"
            )
            return corpus
        corpus = open_images(other, validation=0, image_size=self._size_of(other), whole=whole)
        c = self.model.config
        if corpus.shape != (c.height, c.width, c.channels):
            raise DataError(
                "expected images of {} by {} pixels and {} channel(s), got {} by {} and {}".format(
                    c.height, c.width, c.channels, *corpus.shape
                ),
                where=str(other),
            )
        return corpus.with_classes(self.classes)

    def _size_of(self, other: str | Path) -> int | None:
        """The size to which other images are resized: only those of folders may have another."""
        return self.settings.image_size if has_image_files(other) else None

    @with_progress
    def evaluate(
        self, split: str | None = None, *, corpus: str | Path | None = None, progress: bool = False
    ) -> ClassScores:
        """Return the scores on a split of the run's images, or on others.

        Args:
            split: The split; None for "test", or "valid" if the corpus has no "test". Of a folder of other
                images without splits of its own, None is all of them.
            corpus: Other images, named as in the settings, of the run's size and classes.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent or has changed, has no such split, or a class that the run lacks.
        """
        images = self.corpus(corpus, whole=split is None)
        split = choose_split(split, images.splits, images.name)
        labelled = images.images(split)
        return score_classes(split, self.log_probs(labelled.images), labelled.labels, self.classes)

    def mistakes(self, split: str | None = None) -> list[Mistake]:
        """Return the misclassified images of a split, the most confident first; None is as in evaluate."""
        images = self.corpus()
        split = choose_split(split, images.splits, images.name)
        labelled = images.images(split)
        return find_mistakes(split, labelled, self.log_probs(labelled.images), self.classes)

    def filters(self) -> np.ndarray:
        """Return the filters of the first layer as images (F, H, W, C), each scaled to 0 to 1.

        The filters of a fully connected layer are its rows of weights.
        """
        model = self.model
        if isinstance(model, SimpleConvNet):
            return model.conv.filters()
        if isinstance(model, DeepConvNet):
            return model.convs[0].filters()
        assert isinstance(model, MLP)
        c = model.config
        first = [*model.layers, model.output][0]
        W = to_numpy(first.weight.data).reshape(-1, c.height, c.width, c.channels)
        lowest, highest = (f(W, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
        return (W - lowest) / np.maximum(highest - lowest, np.finfo(W.dtype).tiny)


def find_mistakes(
    split: str, labelled: LabelledImages, log_probs: np.ndarray, classes: Sequence[str]
) -> list[Mistake]:
    """Return the misclassified images of a split by log P(class) (N, K), the most confident first."""
    predicted = log_probs.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labelled.labels)
    wrong = wrong[np.argsort(-log_probs[wrong, predicted[wrong]], kind="stable")]
    return [
        Mistake(
            split,
            row,
            labelled.images[row],
            classes[labelled.labels[row]],
            classes[predicted[row]],
            float(np.exp(log_probs[row, predicted[row]])),
        )
        for row in wrong.tolist()
    ]


def parts_of(
    run: RunDirectory, settings: ResolvedImageClassificationSettings
) -> tuple[ImageConfig, Standardization, tuple[str, ...]]:
    """Return the config of a run's model, the standardization of its images and its classes.

    Raises:
        DamagedFileError: They do not fit together.
    """
    source = str(run.path / STANDARDIZATION)
    standardization = Standardization.from_bytes(run.artifact(STANDARDIZATION), source)
    classes = labels_from_bytes(run.artifact(LABELS), str(run.path / LABELS))
    config = saved_config(settings.model, run.entry("model"), str(run.path / "config.json"))
    if len(classes) != config.classes or len(standardization.mean) != config.channels:
        raise DamagedFileError(
            f"expected {config.classes} labels and {config.channels} channels, got {len(classes)} and "
            f"{len(standardization.mean)}",
            where=str(run.path),
        )
    return config, standardization, classes


def load(path: str | Path, *, device: str | None = None) -> TrainedImageClassifier:
    """Load the trained model of a run of `train-images`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedImageClassificationSettings)
    config, standardization, classes = parts_of(run, settings)
    at_least = 0
    if isinstance(config, MLPConfig) and config.hidden:
        at_least = config.height * config.width * config.channels * config.hidden[0]
    model = load_best_weights(
        run, lambda generator: make_model(settings, config, generator), device, at_least=at_least
    )
    return TrainedImageClassifier(run, settings, model, classes, standardization)
