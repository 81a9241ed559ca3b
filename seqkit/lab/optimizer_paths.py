"""Paths of four optimisers on the surface x²/20 + y²."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.lab.harness.drawing import label_axes
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.optim import make_optimizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = {"sgd": 0.95, "momentum": 0.1, "adagrad": 1.5, "adam": 0.3}
"""The textbook's learning rates."""
TITLES = {"sgd": "SGD", "momentum": "Momentum", "adagrad": "AdaGrad", "adam": "Adam"}
STEPS = 30


def run(setup: Setup) -> Numbers:
    """Record the path of each optimiser from near (-7, 2)."""
    start = np.array([-7.0, 2.0]) + 0.2 * setup.generator("start").normal(2, dtype=np.float64)
    paths: dict[str, list[list[float]]] = {}
    for name, lr in RATES.items():
        p = Tensor(start.copy(), requires_grad=True)
        optimizer = make_optimizer(name, [p], lr=lr)
        path = [start.tolist()]
        for _ in range(STEPS):
            optimizer.zero_grad()
            (p * p * np.array([1 / 20, 1.0])).sum().backward()
            optimizer.step()
            path.append(p.data.tolist())
        paths[name] = path
    vertical = {name: float(np.abs(np.diff(np.array(path)[:, 1])).sum()) for name, path in paths.items()}
    return {
        "vertical travel ÷ initial y": {name: float(each / abs(start[1])) for name, each in vertical.items()},
        "final value": {name: value(*path[-1]) for name, path in paths.items()},
        "paths": paths,
    }


def value(x: Any, y: Any) -> Any:
    """Return x²/20 + y²."""
    return x * x / 20 + y * y


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot contours and the path of the first seed, in one panel per optimiser."""
    x, y = np.meshgrid(np.linspace(-10, 10, 81), np.linspace(-4, 4, 41))
    for axes, name in zip(figure.subplots(2, 2, sharex=True, sharey=True).flat, RATES, strict=True):
        axes.contour(x, y, value(x, y), levels=[0.05, 0.3, 1, 2, 4, 7, 12], colors="0.75", linewidths=0.7)
        path = np.array(numbers[0]["paths"][name])
        axes.plot(path[:, 0], path[:, 1], "o-", color="C3", markersize=2.5, linewidth=1)
        axes.plot(0, 0, "k+", markersize=10)
        travel = np.mean([each["vertical travel ÷ initial y"][name] for each in numbers])
        label_axes(
            axes, "x", "y", f"{TITLES[name]}, learning rate {RATES[name]}: vertical travel {travel:.1f}"
        )
        axes.set_xticks(range(-8, 9, 4))
        axes.grid(False)


def most_travel(n: Numbers, *names: str) -> float:
    """Return the largest vertical travel of some optimisers."""
    return max(n["vertical travel ÷ initial y"][name] for name in names)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=1,
    claim="In a narrow valley plain SGD zigzags; Momentum, AdaGrad and Adam cross it far less on the "
    "way down.",
    criteria=(
        Criterion(
            "vertical travel of SGD ÷ the longest of the other three",
            lambda n: most_travel(n, "sgd") / most_travel(n, "momentum", "adagrad", "adam"),
            above=2,
        ),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    source="the function and rates of the textbook",
    size=(8.0, 5.2),
)
