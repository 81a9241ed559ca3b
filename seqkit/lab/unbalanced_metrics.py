"""Accuracy, precision, recall and F1 where one class is rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import Images, fit, load_images, make_mlp
from seqkit.metrics import confusion_matrix, precision_recall_f1

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RARE = 8
"""The digit to detect."""
KEPT = 0.2
"""Fraction of its images that are kept: about one image in fifty is positive."""
CLASSIFIERS = ("always no", "trained")
SCORES = ("accuracy", "precision", "recall", "F1")


def run(setup: Setup) -> Numbers:
    """Score a classifier that always says no and a network trained to detect one digit."""
    train, _, test = load_images(setup, train=800, test=900)
    train, test = (_make_rare(setup, split) for split in (train, test))
    model = make_mlp(setup, train, hidden=(50,), classes=2)
    fit(
        model,
        train,
        epochs=setup.scale(quick=30, full=60),
        lr=0.003,
        optimizer="adam",
        batch=50,
        generator=setup.generator("batches"),
    )
    scores_of = {}
    for name, predictions in zip(
        CLASSIFIERS, (np.zeros_like(test.labels), model.predict(test.x)), strict=True
    ):
        (tn, fp), (fn, tp) = confusion_matrix(predictions, test.labels, 2).tolist()
        scores = precision_recall_f1(predictions, test.labels, 2)
        scores_of[name] = {
            "accuracy": (tp + tn) / (tp + tn + fp + fn),
            "precision": float(scores.precision[1]),
            "recall": float(scores.recall[1]),
            "F1": float(scores.f1[1]),
        }
    return {"fraction of the rare class": float(test.labels.mean()), **scores_of}


def _make_rare(setup: Setup, images: Images) -> Images:
    """Label images as the rare digit or not, and drop most images of the rare digit."""
    rare = images.labels == RARE
    kept = ~rare | (setup.generator("rare").uniform(len(images)) < KEPT)
    return Images(images.x[kept], rare[kept].astype(np.int64))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the four scores of both classifiers side by side."""
    axes = figure.subplots()
    for i, name in enumerate(CLASSIFIERS):
        values = np.stack([stack(numbers, name, score) for score in SCORES], axis=1)
        positions = np.arange(len(SCORES)) + 0.36 * (i - 0.5)
        axes.bar(positions, values.mean(axis=0), width=0.34, color=f"C{1 - i}", alpha=0.75, label=name)
        for row in values:
            axes.plot(positions, row, "o", color="0.15", markersize=3)
    axes.set_xticks(range(len(SCORES)), SCORES)
    fraction = stack(numbers, "fraction of the rare class").mean()
    label_axes(axes, f"score on a test set with {fraction:.1%} of the rare class", "value of the score")
    axes.legend(loc="upper right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    place=5,
    claim="Where one image in fifty is positive, always saying no has a high accuracy and an F1 of 0: "
    "accuracy cannot tell it from a useful classifier, F1 can.",
    criteria=(
        Criterion("accuracy of always no", lambda n: n["always no"]["accuracy"], above=0.95),
        Criterion(
            "accuracy, trained minus always no",
            lambda n: n["trained"]["accuracy"] - n["always no"]["accuracy"],
            below=0.05,
        ),
        Criterion(
            "F1, trained minus always no", lambda n: n["trained"]["F1"] - n["always no"]["F1"], above=0.3
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="Accuracy is (TP + TN) / all, of both classes; precision TP / (TP + FP); recall TP / (TP + FN).",
    source="Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, section 8.3",
    seeds=5,
)
