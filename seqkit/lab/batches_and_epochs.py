"""Batches, iterations and epochs: how much of the data an epoch covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES, BATCH = 10_000, 100
EPOCHS = 3


def run(setup: Setup) -> Numbers:
    """Measure the fraction of examples seen after each iteration, by how batches are drawn."""
    random = setup.generator("batches")
    iterations = EXAMPLES // BATCH
    fractions: dict[str, list[float]] = {"shuffled": [], "drawn": []}
    seen = {name: np.zeros(EXAMPLES, bool) for name in fractions}
    for iteration in range(EPOCHS * iterations):
        position = iteration % iterations
        if position == 0:
            order = random.permutation(EXAMPLES)
        seen["shuffled"][order[position * BATCH : (position + 1) * BATCH]] = True
        seen["drawn"][random.integers(0, EXAMPLES, BATCH)] = True
        for name, mask in seen.items():
            fractions[name].append(float(mask.mean()))
    return {
        "iterations in an epoch": iterations,
        "seen after one epoch": {name: curve[iterations - 1] for name, curve in fractions.items()},
        "seen": fractions,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the fraction of the data seen by epochs."""
    axes = figure.subplots()
    epochs = np.arange(1, EPOCHS * EXAMPLES // BATCH + 1) * BATCH / EXAMPLES
    titles = {"shuffled": "shuffled in each epoch", "drawn": "each batch drawn from all examples"}
    for name, title in titles.items():
        plot_band(axes, epochs, stack(numbers, "seen", name), label=title)
    axes.axhline(1 - np.exp(-1), color="0.5", linestyle=":", label="1 - 1/e = 63.2 %")
    axes.set_xticks(range(EPOCHS + 1))
    label_axes(
        axes, f"epochs ({EXAMPLES // BATCH} iterations of {BATCH} examples each)", "fraction of examples seen"
    )
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.4",
    place=2,
    claim="An epoch of N/B iterations sees every example once if the order is shuffled, and 63 % of them "
    "if each batch is drawn anew.",
    criteria=(
        Criterion("fraction seen, shuffled", lambda n: n["seen after one epoch"]["shuffled"], above=0.9999),
        Criterion(
            "fraction seen, drawn anew: distance from 1 - 1/e",
            lambda n: abs(n["seen after one epoch"]["drawn"] - (1 - np.exp(-1))),
            below=0.02,
        ),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    note="N/B batches drawn at random from all examples are not strictly an epoch: more than a third of "
    "the data has not been seen.",
    source="Goodfellow, Bengio, Courville 2016, section 8.1.3; Bottou 2012, Stochastic Gradient Descent "
    "Tricks",
)
