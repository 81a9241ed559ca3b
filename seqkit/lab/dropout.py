"""Dropout as a remedy for overfitting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import final_mean, generalisation_gap, overfit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = {"without": 0.0, "dropout 0.3": 0.3}


def run(setup: Setup) -> Numbers:
    """Measure accuracies by epoch on 200 images with a fifth of the labels wrong."""
    curves = {name: overfit(setup, dropout=rate)[0] for name, rate in RATES.items()}
    return {
        "gap at the end": {name: generalisation_gap(each) for name, each in curves.items()},
        "test accuracy at the end": {name: final_mean(each["test"]) for name, each in curves.items()},
        "curves": curves,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot training and test accuracy by epoch, in one panel per rate."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, RATES, strict=True):
        for split, colour in (("train", "C0"), ("test", "C1")):
            values = stack(numbers, "curves", name, split)
            plot_band(axes, range(values.shape[1]), values, label=split, color=colour)
        width = stack(numbers, "gap at the end", name).mean()
        last = stack(numbers, "test accuracy at the end", name).mean()
        label_axes(
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
    place=9,
    claim="Dropout narrows the gap between training and test accuracy and raises the latter where labels "
    "are wrong.",
    criteria=(
        Criterion(
            "gap, without minus with dropout",
            lambda n: n["gap at the end"]["without"] - n["gap at the end"]["dropout 0.3"],
            above=0,
        ),
        Criterion(
            "test accuracy, with minus without dropout",
            lambda n: n["test accuracy at the end"]["dropout 0.3"] - n["test accuracy at the end"]["without"],
            above=0,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    seeds=5,
    source="Srivastava et al. 2014",
    size=(8.0, 4.0),
)
