"""Backpropagation and numerical differentiation: their gradients and their time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.backend import to_numpy
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.models.images import MLP, MLPConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN = (1, 3, 10, 30)
STEP = 1e-5
REPEATS = 20
"""Times that backpropagation is timed; the least counts."""


def run(setup: Setup) -> Numbers:
    """Compare the two gradients and their seconds, by the size of a hidden layer.

    The seconds of numerical differentiation are those of its quickest derivative times their number, so that
    both methods are timed without the waiting of a busy machine.
    """
    random = setup.generator("images")
    x, labels = random.uniform((10, 4, 4, 1), dtype=np.float64), random.integers(0, 10, 10)
    measured: dict[str, list[float]] = {
        "parameters": [],
        "backpropagation": [],
        "numerical": [],
        "difference": [],
    }
    for hidden in HIDDEN:
        config = MLPConfig(4, 4, hidden=(hidden,), activation="tanh", weight_init="xavier")
        model = MLP(config, generator=setup.generator("weights")).astype(np.float64)
        backward_seconds, pair_seconds, difference = [], [], 0.0
        for _ in range(REPEATS):
            model.zero_grad()
            start = time.perf_counter()
            model.loss(x, labels).backward()
            backward_seconds.append(time.perf_counter() - start)
        for parameter in model.parameters():
            flat, gradient = parameter.data.reshape(-1), np.zeros(parameter.size)
            for i in range(parameter.size):
                value, start = flat[i], time.perf_counter()
                flat[i] = value + STEP
                above = model.loss(x, labels).item()
                flat[i] = value - STEP
                below = model.loss(x, labels).item()
                pair_seconds.append(time.perf_counter() - start)
                flat[i] = value
                gradient[i] = (above - below) / (2 * STEP)
            difference = max(difference, float(np.abs(gradient - to_numpy(parameter.grad).reshape(-1)).max()))
        count = model.parameter_count()
        row = (count, min(backward_seconds), count * min(pair_seconds), difference)
        for name, value in zip(measured, row, strict=True):
            measured[name].append(value)
    return {
        "largest difference between the gradients": max(measured["difference"]),
        f"time of numerical differentiation ÷ backpropagation, {measured['parameters'][-1]} parameters": (
            measured["numerical"][-1] / measured["backpropagation"][-1]
        ),
        "ratios": [a / b for a, b in zip(measured["numerical"], measured["backpropagation"], strict=True)],
        **measured,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the time by the number of parameters."""
    axes = figure.subplots()
    for name in ("numerical", "backpropagation"):
        plot_band(axes, numbers[0]["parameters"], 1e3 * stack(numbers, name), marker="o", label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(numbers[0]["parameters"], numbers[0]["parameters"])
    axes.minorticks_off()
    difference = stack(numbers, "largest difference between the gradients").max()
    title = f"the gradients differ by {difference:.0e} at most"
    label_axes(axes, "parameters", "milliseconds for the whole gradient", title)
    axes.legend(loc="upper left")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.5",
    place=1,
    claim="Backpropagation gives the gradient of numerical differentiation, in a time that hardly grows "
    "with the number of parameters.",
    criteria=(
        Criterion(
            "largest difference between the gradients",
            lambda n: n["largest difference between the gradients"],
            below=1e-7,
        ),
        Criterion(
            "log10 of the time of numerical ÷ backpropagation, largest network",
            lambda n: math.log10(n["ratios"][-1]),
            above=1.5,
        ),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
)
