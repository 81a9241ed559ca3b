"""Accuracy, precision, recall and F1 where one class is rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import label, stacked
from seqkit.lab.harness.images import Images, load_images
from seqkit.lab.harness.training import fit, mlp
from seqkit.metrics import confusion_matrix, precision_recall_f1

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RARE = 8
"""The digit looked for."""
KEPT = 0.2
"""How many of its images stay: about one image in fifty."""
ANSWERS = ("always no", "trained")
SCORES = ("accuracy", "precision", "recall", "F1")


def run(setup: Setup) -> Numbers:
    """The four scores of saying no to everything, and of a network trained to find one digit."""
    train, _, test = load_images(setup, train=800, test=900)
    train, test = (_unbalanced(setup, part) for part in (train, test))
    model = mlp(setup, train, hidden=(50,), classes=2)
    fit(
        model,
        train,
        epochs=setup.scale(quick=30, full=60),
        lr=0.003,
        optimizer="adam",
        batch=50,
        generator=setup.generator("batches"),
    )
    found = {}
    for name, said in zip(ANSWERS, (np.zeros_like(test.labels), model.predict(test.x)), strict=True):
        (tn, fp), (fn, tp) = confusion_matrix(said, test.labels, 2).tolist()
        scores = precision_recall_f1(said, test.labels, 2)
        found[name] = {
            "accuracy": (tp + tn) / (tp + tn + fp + fn),
            "precision": float(scores.precision[1]),
            "recall": float(scores.recall[1]),
            "F1": float(scores.f1[1]),
        }
    return {"share of the rare class": float(test.labels.mean()), **found}


def _unbalanced(setup: Setup, part: Images) -> Images:
    """Two classes, the rare digit or not, with most of the rare one left out."""
    rare = part.labels == RARE
    stay = ~rare | (setup.generator("rare").uniform(len(part)) < KEPT)
    return Images(part.x[stay], rare[stay].astype(np.int64))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Four scores side by side for both ways to answer."""
    axes = figure.subplots()
    for i, name in enumerate(ANSWERS):
        values = np.stack([stacked(numbers, name, score) for score in SCORES], axis=1)
        places = np.arange(len(SCORES)) + 0.36 * (i - 0.5)
        axes.bar(places, values.mean(axis=0), width=0.34, color=f"C{1 - i}", alpha=0.75, label=name)
        for row in values:
            axes.plot(places, row, "o", color="0.15", markersize=3)
    axes.set_xticks(range(len(SCORES)), SCORES)
    share = stacked(numbers, "share of the rare class").mean()
    label(axes, f"score on a test set with {share:.1%} of the rare class", "value of the score")
    axes.legend(loc="upper right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    claim="Where one image in fifty is wanted, saying no to all has a high accuracy and an F1 of 0: "
    "accuracy cannot tell it from a useful classifier, F1 can.",
    criteria=(
        Criterion("accuracy of always no", lambda n: n["always no"]["accuracy"], above=0.95),
        Criterion(
            "accuracy, trained less always no",
            lambda n: n["trained"]["accuracy"] - n["always no"]["accuracy"],
            below=0.05,
        ),
        Criterion(
            "F1, trained less always no", lambda n: n["trained"]["F1"] - n["always no"]["F1"], above=0.3
        ),
    ),
    run=run,
    draw=draw,
    note="Accuracy is (TP + TN) / all, of both classes; precision TP / (TP + FP); recall TP / (TP + FN).",
    source="Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, section 8.3",
    seeds=5,
)
