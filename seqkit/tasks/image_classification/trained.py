"""A trained image classifier with its labels: classify, evaluate, and look at its filters and mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqkit.backend import to_numpy
from seqkit.corpora import ImageCorpus, read_images
from seqkit.data import Standardization
from seqkit.errors import DamagedFileError, DataError, UsageError
from seqkit.models import MLP, DeepConvNet, ImageClassifier, MLPConfig, SimpleConvNet, image_config
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
from seqkit.tasks.image_classification.model import make_model
from seqkit.tasks.image_classification.settings import ResolvedImageClassificationSettings
from seqkit.tasks.runs import load_best_weights, open_run, require_same_corpus, run_settings
from seqkit.training import RunDirectory

TASK = "image_classification"
STANDARDIZATION = "standardization.json"


@dataclass(frozen=True)
class Mistake:
    """An image (H, W, C) uint8 that was classified wrongly: its place in the split, and both labels."""

    row: int
    image: np.ndarray
    label: str
    predicted: str
    probability: float


class TrainedImageClassifier:
    """What :func:`seqkit.load` returns for a run of `train-images`."""

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
        what = f"{self.settings.model}, {len(self.classes)} classes"
        return f"TrainedImageClassifier({str(self.run.path)!r}: {what})"

    def log_probs(self, images: np.ndarray) -> np.ndarray:
        """(N, K) log P(class) of images (N, H, W, C) uint8, as they come from a corpus or a file."""
        return log_probs(self.model, images, self.standardization, batch_size=self.settings.eval_batch_size)

    def classify(self, images: np.ndarray) -> list[Prediction]:
        """The likeliest label of each image (N, H, W, C) uint8."""
        return predictions(self.log_probs(images), self.classes)

    def classify_files(self, paths: Sequence[str | Path], *, resize: bool = False) -> list[Prediction]:
        """The likeliest label of each image file.

        ``resize`` brings images to the model's size, as is always done for a run with an ``image_size``. Grey
        and colour become what the model reads. Raises DataError for a file that is no image or has another
        size.
        """
        c = self.model.config
        size = (c.height, c.width)
        if not paths:
            raise UsageError("no image files")
        resize = resize or self.settings.image_size is not None
        found = []
        for path in map(Path, paths):  # one by one, so that each may have a size of its own
            image = read_images([path], channels=c.channels, size=size if resize else None)
            if image.shape[1:3] != size:
                raise DataError(
                    "{} by {} pixels, where the model reads {} by {}".format(*image.shape[1:3], *size),
                    where=str(path),
                    remedy="resize it, or let --resize do it",
                )
            found.append(image)
        return self.classify(np.concatenate(found))

    def corpus(self) -> ImageCorpus:
        """The images that the run was trained on. DataError when they have changed."""
        corpus = open_corpus(self.settings)
        require_same_corpus(self.run, corpus, remedy="restore its files")
        return corpus

    def evaluate(self, split: str = "test") -> ClassScores:
        """Accuracy, loss, precision, recall, F1 and confusions of a split."""
        part = self.corpus().images(split)
        return score_classes(split, self.log_probs(part.images), part.labels, self.classes)

    def mistakes(self, split: str = "test") -> list[Mistake]:
        """The images of a split that are classified wrongly, those it is surest of first."""
        part = self.corpus().images(split)
        found = self.log_probs(part.images)
        predicted = found.argmax(axis=1)
        wrong = np.flatnonzero(predicted != part.labels)
        wrong = wrong[np.argsort(-found[wrong, predicted[wrong]], kind="stable")]
        return [
            Mistake(
                row,
                part.images[row],
                self.classes[part.labels[row]],
                self.classes[predicted[row]],
                float(np.exp(found[row, predicted[row]])),
            )
            for row in wrong.tolist()
        ]

    def filters(self) -> np.ndarray:
        """Return the weights of the first layer as images (F, H, W, C) from 0 to 1, each scaled separately.

        Those of a convolution are its filters; those of a fully connected layer its rows of weights.
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


def load(path: str | Path, *, device: str | None = None) -> TrainedImageClassifier:
    """Open a run of `train-images`, its files verified. RunError or DamagedFileError."""
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedImageClassificationSettings)
    source = str(run.path / STANDARDIZATION)
    standardization = Standardization.from_bytes(run.artifact(STANDARDIZATION), source)
    classes = labels_from_bytes(run.artifact(LABELS), str(run.path / LABELS))
    config = image_config(settings.model, **run.config["model"])
    if len(classes) != config.classes or len(standardization.mean) != config.channels:
        raise DamagedFileError(
            f"{run.path} has {len(classes)} labels and {len(standardization.mean)} channels for a model of "
            f"{config.classes} and {config.channels}"
        )
    at_least = 0
    if isinstance(config, MLPConfig) and config.hidden:
        at_least = config.height * config.width * config.channels * config.hidden[0]
    model = load_best_weights(
        run, lambda generator: make_model(settings, config, generator), device, at_least=at_least
    )
    return TrainedImageClassifier(run, settings, model, classes, standardization)
