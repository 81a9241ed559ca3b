"""The gap between training and test accuracy by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import final_mean, generalisation_gap, overfit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRONG_LABELS = {"clean labels": 0.0, "a fifth of the labels wrong": 0.2}


def run(setup: Setup) -> Numbers:
    """Measure accuracies by epoch on 200 images, with clean labels and with a fifth of them wrong."""
    curves = {name: overfit(setup, wrong=wrong)[0] for name, wrong in WRONG_LABELS.items()}
    return {
        "gap at the end": {name: generalisation_gap(each) for name, each in curves.items()},
        "training accuracy at the end": {name: final_mean(each["train"]) for name, each in curves.items()},
        "test accuracy, best ten epochs minus the last ten": {
            name: best_mean(each["test"]) - final_mean(each["test"]) for name, each in curves.items()
        },
        "curves": curves,
    }


def best_mean(curve: list[float]) -> float:
    """Return the highest mean of ten consecutive epochs, since the best single epoch is luck."""
    return float(np.convolve(curve, np.full(10, 0.1), mode="valid").max())


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot both accuracies by epoch, in one panel for each set of labels."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, WRONG_LABELS, strict=True):
        for split, colour in (("train", "C0"), ("test", "C1")):
            values = stack(numbers, "curves", name, split)
            plot_band(axes, range(values.shape[1]), values, label=split, color=colour)
        width = stack(numbers, "gap at the end", name).mean()
        label_axes(axes, "epoch", "accuracy" if axes is panels[0] else "", f"{name}: gap {width:.2f}")
    panels[0].set_ylim(0.4, 1.02)
    panels[0].legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=7,
    claim="A large network memorises 200 images: training accuracy goes to 1, test accuracy stays "
    "behind, and falls where labels are wrong.",
    criteria=(
        Criterion("gap at the end, clean labels", lambda n: n["gap at the end"]["clean labels"], above=0.05),
        Criterion(
            "training accuracy at the end, a fifth wrong",
            lambda n: n["training accuracy at the end"]["a fifth of the labels wrong"],
            above=0.95,
        ),
        Criterion(
            "test accuracy, best ten epochs minus the last ten, a fifth wrong",
            lambda n: n["test accuracy, best ten epochs minus the last ten"]["a fifth of the labels wrong"],
            above=0.02,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    source="Zhang, Bengio, Hardt, Recht, Vinyals 2017",
    size=(8.0, 4.0),
)
