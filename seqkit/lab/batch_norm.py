"""Batch normalisation over sixteen scales of the first weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.images import load_images
from seqkit.lab.harness.training import accuracy, fit, mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = np.logspace(0, -4, 16)
"""The textbook's."""
WAYS = {"with BatchNorm": True, "without": False}


def run(setup: Setup) -> Numbers:
    """Training accuracy of a network of five hidden layers by weight scale, with BatchNorm and without."""
    train, _, _ = load_images(setup, train=setup.scale(quick=600, full=1000))
    found: dict[str, Any] = {name: [] for name in WAYS}
    for scale in SCALES:
        for name, batch_norm in WAYS.items():
            model = mlp(setup, train, hidden=(100,) * 5, weight_init=float(scale), batch_norm=batch_norm)
            epochs = setup.scale(quick=12, full=30)
            fit(model, train, epochs=epochs, lr=0.05, generator=setup.generator("batches"))
            found[name].append(accuracy(model, train))
    return {
        "scales of 16 that reach 0.8": {
            name: int(np.sum(np.array(each) > 0.8)) for name, each in found.items()
        },
        "accuracy": found,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Accuracy against the scale of the first weights."""
    axes = figure.subplots()
    for name in WAYS:
        band(axes, SCALES, stacked(numbers, "accuracy", name), label=name, marker="o", markersize=4)
    axes.axvline((2 / 100) ** 0.5, color="0.5", linestyle=":", label="He's deviation")
    axes.set_xscale("log")
    label(axes, "deviation of the first weights", "training accuracy after training")
    axes.legend(loc="center")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="With BatchNorm a deep network trains from many more scales of first weights than without.",
    criteria=(
        Criterion(
            "scales of 16 that reach accuracy 0.8, with less without",
            lambda n: (
                n["scales of 16 that reach 0.8"]["with BatchNorm"]
                - n["scales of 16 that reach 0.8"]["without"]
            ),
            above=3,
        ),
    ),
    run=run,
    draw=draw,
    source="Ioffe and Szegedy 2015",
)
