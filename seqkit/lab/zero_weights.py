"""A network whose initial weights are all zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import Images, accuracy, fit, load_images, make_mlp
from seqkit.models.images import MLP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = 50


def run(setup: Setup) -> Numbers:
    """Measure the training accuracy by epoch, and how far the units from zero weights differ."""
    train, _, _ = load_images(setup, train=600)
    train = Images(train.x.astype(np.float64), train.labels)  # rounding in float32 would separate the units
    epochs = setup.scale(quick=60, full=150)
    curves: dict[str, list[float]] = {}
    gradients, differences = [], []
    for name, init in (("zero", 0.0), ("Xavier", "xavier")):
        model = make_mlp(setup, train, hidden=(UNITS,), activation="sigmoid", weight_init=init).astype(
            np.float64
        )
        curves[name] = []

        def record(epoch: int, model: MLP = model, name: str = name) -> None:
            curves[name].append(accuracy(model, train))
            first = model.layers[0].weight
            if name == "zero" and epoch:
                gradients.append(float(np.linalg.norm(first.grad)))
                differences.append(float(np.abs(first.data - first.data[0]).max()))

        fit(model, train, epochs=epochs, lr=0.5, generator=setup.generator("batches"), after_epoch=record)
    return {
        "final training accuracy": {name: curve[-1] for name, curve in curves.items()},
        "largest gradient norm of the first layer from zero": max(gradients),
        "largest difference between two hidden units from zero": max(differences),
        "accuracy": curves,
        "gradient": gradients,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the accuracy by epoch, and the gradient that reaches the zero weights."""
    left, right = figure.subplots(1, 2)
    for name in ("Xavier", "zero"):
        values = stack(numbers, "accuracy", name)
        plot_band(left, range(values.shape[1]), values, label=f"from {name} weights")
    label_axes(left, "epoch", "training accuracy")
    left.legend(loc="center right")
    values = stack(numbers, "gradient")
    plot_band(right, range(1, values.shape[1] + 1), values, color="C1")
    right.set_ylim(bottom=0)
    difference = stack(numbers, "largest difference between two hidden units from zero").max()
    title = f"from zero: gradient flows,\nbut the {UNITS} units differ by {difference:.1g}"
    label_axes(right, "epoch", "norm of the first layer's gradient", title)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=4,
    claim="From zero weights all hidden units stay equal and the network learns like one with a single unit, "
    "although gradients reach them.",
    criteria=(
        Criterion(
            "training accuracy, Xavier minus zero",
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
            lambda n: n["largest gradient norm of the first layer from zero"],
            above=0.01,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="Zero weights fail by symmetry, not by vanishing: units with equal weights always receive equal "
    "gradients.",
    source="Goodfellow, Bengio, Courville 2016, section 8.4",
    size=(8.0, 3.8),
)
