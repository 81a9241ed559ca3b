"""Sigmoid and ReLU: how much of the gradient reaches the first layer of a deep network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.backend import to_numpy
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.models.images import MLP, MLPConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH, WIDTH, BATCH = 12, 100, 128
INITIALIZERS = {"sigmoid": "xavier", "relu": "he"}
"""The initialiser that suits each function best."""
TITLES = {"sigmoid": "sigmoid", "relu": "ReLU"}


def run(setup: Setup) -> Numbers:
    """Measure log10 of the gradient norm of each layer's weights, for 10 classes of random points."""
    random = setup.generator("points")
    x, labels = random.normal((BATCH, 10, 10)), random.integers(0, 10, BATCH)
    norms: dict[str, list[float]] = {}
    for name, init in INITIALIZERS.items():
        config = MLPConfig(10, 10, hidden=(WIDTH,) * DEPTH, activation=name, weight_init=init)
        model = MLP(config, generator=setup.generator("weights"))
        model.loss(x, labels).backward()
        norms[name] = [float(np.log10(np.linalg.norm(to_numpy(layer.weight.grad)))) for layer in model.layers]
    decay = {name: each[-1] - each[0] for name, each in norms.items()}
    return {"log10 of gradient decay": decay, "log10 of gradient": norms}


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the gradient norm by layer, with a line for each function."""
    axes = figure.subplots()
    for name in INITIALIZERS:
        plot_band(
            axes,
            range(1, DEPTH + 1),
            10 ** stack(numbers, "log10 of gradient", name),
            label=f"{TITLES[name]}, {INITIALIZERS[name].capitalize()} weights",
            marker="o",
        )
    axes.set_yscale("log")
    label_axes(axes, "layer, counted from the input", "norm of its weights' gradient")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    place=1,
    claim=f"Through {DEPTH} layers of sigmoid the gradient vanishes; through as many of ReLU it does not.",
    criteria=(
        Criterion(
            "sigmoid: log10 of (last layer's gradient ÷ first layer's)",
            lambda n: n["log10 of gradient decay"]["sigmoid"],
            above=3,
        ),
        Criterion(
            "ReLU: magnitude of the same",
            lambda n: abs(n["log10 of gradient decay"]["relu"]),
            below=1,
        ),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    source="Glorot and Bengio 2010; He et al. 2015, section 2.2",
)
