"""Sigmoid and ReLU: how much of the gradient reaches the first layer of a deep network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.backend import to_numpy
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.models.images import MLP, MLPConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH, WIDTH, BATCH = 12, 100, 128
STARTS = {"sigmoid": "xavier", "relu": "he"}
"""Each function with the weights that suit it best."""
NAMES = {"sigmoid": "sigmoid", "relu": "ReLU"}


def run(setup: Setup) -> Numbers:
    """log10 of the gradient norm of each layer's weights, for 10 classes of random points."""
    random = setup.generator("points")
    x, labels = random.normal((BATCH, 10, 10)), random.integers(0, 10, BATCH)
    norms: dict[str, list[float]] = {}
    for name, init in STARTS.items():
        config = MLPConfig(10, 10, hidden=(WIDTH,) * DEPTH, activation=name, weight_init=init)
        model = MLP(config, generator=setup.generator("weights"))
        model.loss(x, labels).backward()
        norms[name] = [float(np.log10(np.linalg.norm(to_numpy(layer.W.grad)))) for layer in model.layers]
    lost = {name: each[-1] - each[0] for name, each in norms.items()}
    return {"log10 of gradient lost": lost, "log10 of gradient": norms}


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Gradient norm against layer, a line a function."""
    axes = figure.subplots()
    for name in STARTS:
        band(
            axes,
            range(1, DEPTH + 1),
            10 ** stacked(numbers, "log10 of gradient", name),
            label=f"{NAMES[name]}, {STARTS[name].capitalize()} weights",
            marker="o",
        )
    axes.set_yscale("log")
    label(axes, "layer, counted from the input", "norm of its weights' gradient")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    claim=f"Through {DEPTH} layers of sigmoid the gradient dies out, through as many of ReLU it does not.",
    criteria=(
        Criterion(
            "sigmoid: log10 of (last layer's gradient ÷ first layer's)",
            lambda n: n["log10 of gradient lost"]["sigmoid"],
            above=3,
        ),
        Criterion(
            "ReLU: the same, either way",
            lambda n: abs(n["log10 of gradient lost"]["relu"]),
            below=1,
        ),
    ),
    run=run,
    draw=draw,
    source="Glorot and Bengio 2010; He et al. 2015, section 2.2",
)
