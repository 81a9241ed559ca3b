"""Batch normalisation at sixteen scales of the initial weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import accuracy, fit, load_images, make_mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = np.logspace(0, -4, 16)
"""The textbook's scales of the initial weights."""
VARIANTS = {"with BatchNorm": True, "without": False}


def run(setup: Setup) -> Numbers:
    """Measure the training accuracy of a network of five hidden layers by weight scale."""
    train, _, _ = load_images(setup, train=setup.scale(quick=600, full=1000))
    accuracies: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for scale in SCALES:
        for name, batch_norm in VARIANTS.items():
            model = make_mlp(setup, train, hidden=(100,) * 5, weight_init=float(scale), batch_norm=batch_norm)
            epochs = setup.scale(quick=12, full=30)
            fit(model, train, epochs=epochs, lr=0.05, generator=setup.generator("batches"))
            accuracies[name].append(accuracy(model, train))
    return {
        "scales of 16 that reach 0.8": {
            name: int(np.sum(np.array(each) > 0.8)) for name, each in accuracies.items()
        },
        "accuracy": accuracies,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the accuracy by the scale of the initial weights."""
    axes = figure.subplots()
    for name in VARIANTS:
        plot_band(axes, SCALES, stack(numbers, "accuracy", name), label=name, marker="o", markersize=4)
    axes.axvline((2 / 100) ** 0.5, color="0.5", linestyle=":", label="He's standard deviation")
    axes.set_xscale("log")
    label_axes(axes, "standard deviation of the initial weights", "training accuracy after training")
    axes.legend(loc="center")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=5,
    claim="With BatchNorm a deep network trains from many more scales of the initial weights than without.",
    criteria=(
        Criterion(
            "scales of 16 that reach accuracy 0.8, with BatchNorm minus without",
            lambda n: (
                n["scales of 16 that reach 0.8"]["with BatchNorm"]
                - n["scales of 16 that reach 0.8"]["without"]
            ),
            above=3,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    source="Ioffe and Szegedy 2015",
)
