"""Dropout against overfitting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.overfitting import gap, overfit, settled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = {"without": 0.0, "dropout 0.3": 0.3}


def run(setup: Setup) -> Numbers:
    """Accuracies by epoch on 200 images with a fifth of the labels wrong."""
    found = {}
    for name, rate in RATES.items():
        found[name] = overfit(setup, dropout=rate)
        del found[name]["weights"]
    return {
        "gap at the end": {name: gap(each) for name, each in found.items()},
        "test accuracy at the end": {name: settled(each["test"]) for name, each in found.items()},
        "curves": found,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """A panel each: training and test accuracy against epochs."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, RATES, strict=True):
        for part, colour in (("train", "C0"), ("test", "C1")):
            values = stacked(numbers, "curves", name, part)
            band(axes, range(values.shape[1]), values, label=part, color=colour)
        width = stacked(numbers, "gap at the end", name).mean()
        last = stacked(numbers, "test accuracy at the end", name).mean()
        label(
            axes,
            "epoch",
            "accuracy" if axes is panels[0] else "",
            f"{name}: gap {width:.2f}, test {last:.2f}",
        )
    panels[0].set_ylim(0.4, 1.02)
    panels[0].legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="Dropout narrows the gap between training and test accuracy and raises the latter where labels "
    "are wrong.",
    criteria=(
        Criterion(
            "gap, without less with dropout",
            lambda n: n["gap at the end"]["without"] - n["gap at the end"]["dropout 0.3"],
            above=0,
        ),
        Criterion(
            "test accuracy, with less without",
            lambda n: n["test accuracy at the end"]["dropout 0.3"] - n["test accuracy at the end"]["without"],
            above=0,
        ),
    ),
    run=run,
    draw=draw,
    seeds=5,
    source="Srivastava et al. 2014",
    size=(8.0, 4.0),
)
