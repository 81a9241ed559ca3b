"""Initial weights and the spread of activations through the layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.models.images import MLP, MLPConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS, UNITS, INPUTS = 5, 100, 1000
INITIALIZERS: dict[str, tuple[str, str | float]] = {
    "tanh, std 1": ("tanh", 1.0),
    "tanh, std 0.01": ("tanh", 0.01),
    "tanh, Xavier": ("tanh", "xavier"),
    "ReLU, std 0.01": ("relu", 0.01),
    "ReLU, Xavier": ("relu", "xavier"),
    "ReLU, He": ("relu", "he"),
}
BINS = 40


def run(setup: Setup) -> Numbers:
    """Measure the deviation and histogram of each layer's activations for standard normal inputs."""
    x = setup.generator("inputs").normal((INPUTS, 10, 10, 1))
    deviations: dict[str, list[float]] = {}
    histograms: dict[str, list[list[float]]] = {}
    for name, (function, init) in INITIALIZERS.items():
        config = MLPConfig(10, 10, hidden=(UNITS,) * LAYERS, activation=function, weight_init=init)
        model = MLP(config, generator=setup.generator("weights"))
        layers = [a.numpy() for a in model.activations(x)]
        limits = (-1.0, 1.0) if function == "tanh" else (0.0, 3.0)
        deviations[name] = [float(a.std()) for a in layers]
        histograms[name] = [
            (np.histogram(a, BINS, limits)[0] / a.size).tolist() for a in (layers[0], layers[-1])
        ]
    ratios = {name: float(np.log10(each[-1] / each[0])) for name, each in deviations.items()}
    last = histograms["tanh, std 1"][-1]
    return {
        "log10 of deviation, last layer ÷ first": ratios,
        "fraction of saturated tanh in the last layer, std 1": last[0] + last[-1],
        "deviation": deviations,
        "histograms of the first and last layer": histograms,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot histograms of the first and the last layer, in one panel per initialiser."""
    for axes, name in zip(figure.subplots(2, 3).flat, INITIALIZERS, strict=True):
        first, last = stack(numbers, "histograms of the first and last layer", name).mean(axis=0)
        tanh = INITIALIZERS[name][0] == "tanh"
        edges = np.linspace(-1 if tanh else 0, 1 if tanh else 3, BINS + 1)
        axes.stairs(first, edges, color="0.6", fill=True, alpha=0.5, label="layer 1")
        axes.stairs(last, edges, color="C3", linewidth=1.6, label=f"layer {LAYERS}")
        spread = stack(numbers, "deviation", name).mean(axis=0)[-1]
        title = f"{name}\ndeviation in layer {LAYERS}: {spread:.1g}"
        label_axes(axes, "activation", "fraction of units", title)
        axes.set_ylim(0, 0.55 if tanh else 1.05)
    figure.axes[0].legend(loc="upper center", fontsize=8)


def log_ratio(n: Numbers, name: str) -> float:
    """Return log10 of the last layer's deviation ÷ the first's."""
    return n["log10 of deviation, last layer ÷ first"][name]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=3,
    claim="Xavier weights keep tanh's activations spread through five layers and He weights ReLU's; with "
    "deviation 0.01 they collapse, with 1 they saturate.",
    criteria=(
        Criterion(
            "tanh, Xavier: log10 of deviation, last layer ÷ first",
            lambda n: log_ratio(n, "tanh, Xavier"),
            above=-0.5,
        ),
        Criterion("ReLU, He: the same", lambda n: log_ratio(n, "ReLU, He"), above=-0.3),
        Criterion(
            "ReLU, He minus Xavier",
            lambda n: log_ratio(n, "ReLU, He") - log_ratio(n, "ReLU, Xavier"),
            above=0.2,
        ),
        Criterion("tanh, std 0.01", lambda n: log_ratio(n, "tanh, std 0.01"), below=-2),
        Criterion("ReLU, std 0.01", lambda n: log_ratio(n, "ReLU, std 0.01"), below=-2),
        Criterion(
            "fraction of saturated tanh, std 1",
            lambda n: n["fraction of saturated tanh in the last layer, std 1"],
            above=0.5,
        ),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    source="Glorot and Bengio 2010; He et al. 2015",
    size=(9.0, 5.6),
)
