"""Raw pixels, pixels from 0 to 1, and standardised pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import Images, accuracy, fit, load_images, make_mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
SCALINGS = ("raw 0-255", "0-1", "standardised")


def run(setup: Setup) -> Numbers:
    """Measure the test accuracy of a two-layer sigmoid network by preprocessing and learning rate."""
    train, _, test = load_images(setup, train=setup.scale(quick=600, full=1000))
    mean, deviation = train.x.mean(), train.x.std()  # of the training split alone
    transforms = {
        "raw 0-255": lambda x: x * np.float32(255),
        "0-1": lambda x: x,
        "standardised": lambda x: (x - mean) / deviation,
    }
    accuracies: dict[str, list[float]] = {}
    for name in SCALINGS:
        scaled = [Images(transforms[name](split.x), split.labels) for split in (train, test)]
        accuracies[name] = []
        for lr in RATES:
            model = make_mlp(setup, train, hidden=(50,), activation="sigmoid", weight_init="xavier")
            epochs = setup.scale(quick=20, full=40)
            fit(model, scaled[0], epochs=epochs, lr=lr, generator=setup.generator("batches"))
            accuracies[name].append(accuracy(model, scaled[1]))
    return {
        "best accuracy": {name: max(each) for name, each in accuracies.items()},
        "mean accuracy over the rates": {name: float(np.mean(each)) for name, each in accuracies.items()},
        "accuracy by rate": accuracies,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the accuracy by learning rate, with a line for each preprocessing."""
    axes = figure.subplots()
    for name in SCALINGS:
        plot_band(axes, RATES, stack(numbers, "accuracy by rate", name), label=name, marker="o")
    axes.set_xscale("log")
    label_axes(axes, "learning rate of SGD", "test accuracy after training")
    axes.legend(loc="lower center")


def gain(n: Numbers, name: str) -> float:
    """Return the best accuracy of a preprocessing minus that of raw pixels."""
    return n["best accuracy"][name] - n["best accuracy"]["raw 0-255"]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    place=4,
    claim="Pixels scaled to 0-1, or standardised, train a sigmoid network further than raw ones, each "
    "at its best learning rate.",
    criteria=(
        Criterion("best accuracy, 0-1 minus raw", lambda n: gain(n, "0-1"), above=0.01),
        Criterion("best accuracy, standardised minus raw", lambda n: gain(n, "standardised"), above=0.01),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="Mean and deviation are those of the training split; the test split is scaled by the same two "
    "numbers.",
    source="LeCun, Bottou, Orr, Müller 1998, Efficient BackProp, section 4.3",
)
