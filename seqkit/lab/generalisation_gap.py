"""The gap between training and test accuracy, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.overfitting import gap, overfit, settled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(setup: Setup) -> Numbers:
    """Accuracies by epoch of a large network on 200 images, without and with a fifth of the labels wrong."""
    curves: dict[str, Any] = {
        "clean labels": overfit(setup, wrong=0.0),
        "a fifth of the labels wrong": overfit(setup, wrong=0.2),
    }
    return {
        "gap at the end": {name: gap(each) for name, each in curves.items()},
        "training accuracy at the end": {name: settled(each["train"]) for name, each in curves.items()},
        "test accuracy, best ten epochs less the last ten": {
            name: best(each["test"]) - settled(each["test"]) for name, each in curves.items()
        },
        "curves": curves,
    }


def best(curve: list[float]) -> float:
    """The highest mean of ten epochs in a row: the best of single ones would be luck."""
    return float(np.convolve(curve, np.full(10, 0.1), mode="valid").max())


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Both accuracies against epochs, a panel a kind of labels."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("clean labels", "a fifth of the labels wrong"), strict=True):
        for part, colour in (("train", "C0"), ("test", "C1")):
            values = stacked(numbers, "curves", name, part)
            band(axes, range(values.shape[1]), values, label=part, color=colour)
        width = stacked(numbers, "gap at the end", name).mean()
        label(axes, "epoch", "accuracy" if axes is panels[0] else "", f"{name}: gap {width:.2f}")
    panels[0].set_ylim(0.4, 1.02)
    panels[0].legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="A large network learns 200 images by heart: training accuracy goes to 1, test accuracy stays "
    "behind, and falls where labels are wrong.",
    criteria=(
        Criterion("gap at the end, clean labels", lambda n: n["gap at the end"]["clean labels"], above=0.05),
        Criterion(
            "training accuracy at the end, a fifth wrong",
            lambda n: n["training accuracy at the end"]["a fifth of the labels wrong"],
            above=0.95,
        ),
        Criterion(
            "test accuracy, best ten epochs less the last ten, a fifth wrong",
            lambda n: n["test accuracy, best ten epochs less the last ten"]["a fifth of the labels wrong"],
            above=0.02,
        ),
    ),
    run=run,
    draw=draw,
    source="Zhang, Bengio, Hardt, Recht, Vinyals 2017",
    size=(8.0, 4.0),
)
