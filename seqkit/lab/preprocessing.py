"""Raw pixels, pixels from 0 to 1, and standardised pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.images import Images, load_images
from seqkit.lab.harness.training import accuracy, fit, mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
WAYS = ("raw 0-255", "0-1", "standardised")


def run(setup: Setup) -> Numbers:
    """Test accuracy by preprocessing and learning rate, of a two-layer sigmoid network after a few epochs."""
    train, _, test = load_images(setup, train=setup.scale(quick=600, full=1000))
    mean, deviation = train.x.mean(), train.x.std()  # of the training part alone
    change = {
        "raw 0-255": lambda x: x * np.float32(255),
        "0-1": lambda x: x,
        "standardised": lambda x: (x - mean) / deviation,
    }
    found: dict[str, Any] = {}
    for name in WAYS:
        parts = [Images(change[name](part.x), part.labels) for part in (train, test)]
        found[name] = []
        for lr in RATES:
            model = mlp(setup, train, hidden=(50,), activation="sigmoid", weight_init="xavier")
            epochs = setup.scale(quick=20, full=40)
            fit(model, parts[0], epochs=epochs, lr=lr, generator=setup.generator("batches"))
            found[name].append(accuracy(model, parts[1]))
    return {
        "best accuracy": {name: max(each) for name, each in found.items()},
        "mean accuracy over the rates": {name: float(np.mean(each)) for name, each in found.items()},
        "accuracy by rate": found,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Accuracy against learning rate, a line a way."""
    axes = figure.subplots()
    for name in WAYS:
        band(axes, RATES, stacked(numbers, "accuracy by rate", name), label=name, marker="o")
    axes.set_xscale("log")
    label(axes, "learning rate of SGD", "test accuracy after training")
    axes.legend(loc="lower center")


def gain(n: Numbers, name: str) -> float:
    """Best accuracy of a way less that of raw pixels."""
    return n["best accuracy"][name] - n["best accuracy"]["raw 0-255"]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    claim="Pixels scaled to 0-1, or standardised, train a sigmoid network further than raw ones, at each "
    "one's best learning rate.",
    criteria=(
        Criterion("best accuracy, 0-1 less raw", lambda n: gain(n, "0-1"), above=0.01),
        Criterion("best accuracy, standardised less raw", lambda n: gain(n, "standardised"), above=0.01),
    ),
    run=run,
    draw=draw,
    note="Mean and deviation are those of the training part; the test part is scaled by the same two "
    "numbers.",
    source="LeCun, Bottou, Orr, Müller 1998, Efficient BackProp, section 4.3",
)
