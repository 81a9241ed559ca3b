"""A network that starts with all weights zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.images import load_images
from seqkit.lab.harness.training import accuracy, fit, mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = 50


def run(setup: Setup) -> Numbers:
    """Training accuracy by epoch by first weights; of zero ones, how far the units differ."""
    train, _, _ = load_images(setup, train=600)
    epochs = setup.scale(quick=60, full=150)
    curves, gradients, spread = {}, [], []
    for name, init in (("zero", 0.0), ("Xavier", "xavier")):
        model = mlp(setup, train, hidden=(UNITS,), activation="sigmoid", weight_init=init)
        first = model.layers[0].W
        curve: list[float] = []

        def look(epoch, model=model, first=first, curve=curve, name=name):  # type: ignore[no-untyped-def]
            curve.append(accuracy(model, train))
            if name == "zero" and epoch:
                gradients.append(float(np.linalg.norm(first.grad)))
                spread.append(float(np.abs(first.data - first.data[0]).max()))

        fit(model, train, epochs=epochs, lr=0.5, generator=setup.generator("batches"), look=look)
        curves[name] = curve
    return {
        "final training accuracy": {name: curve[-1] for name, curve in curves.items()},
        "gradient of the first layer from zero, most": max(gradients),
        "largest difference between two hidden units from zero": max(spread),
        "accuracy": curves,
        "gradient": gradients,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Accuracy by epoch; the gradient that the zero weights do get."""
    left, right = figure.subplots(1, 2)
    for name in ("Xavier", "zero"):
        values = stacked(numbers, "accuracy", name)
        band(left, range(values.shape[1]), values, label=f"from {name} weights")
    label(left, "epoch", "training accuracy")
    left.legend(loc="center right")
    values = stacked(numbers, "gradient")
    band(right, range(1, values.shape[1] + 1), values, color="C1")
    right.set_ylim(bottom=0)
    gap = stacked(numbers, "largest difference between two hidden units from zero").max()
    title = f"from zero: gradient flows,\nbut the {UNITS} units differ by {gap:.1g}"
    label(right, "epoch", "norm of the first layer's gradient", title)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="From zero weights all hidden units stay equal and the network learns as with one unit, though "
    "gradient reaches them.",
    criteria=(
        Criterion(
            "training accuracy, Xavier less zero",
            lambda n: n["final training accuracy"]["Xavier"] - n["final training accuracy"]["zero"],
            above=0.2,
        ),
        Criterion(
            "largest difference between two hidden units",
            lambda n: n["largest difference between two hidden units from zero"],
            below=1e-5,
        ),
        Criterion(
            "largest gradient norm of the first layer",
            lambda n: n["gradient of the first layer from zero, most"],
            above=0.01,
        ),
    ),
    run=run,
    draw=draw,
    note="Zero weights fail by symmetry, not by vanishing: units with equal weights get equal gradients "
    "for ever.",
    source="Goodfellow, Bengio, Courville 2016, section 8.4",
    size=(8.0, 3.8),
)
