"""Batch, iteration, epoch: what is counted, and how much of the data an epoch has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES, BATCH = 10_000, 100
EPOCHS = 3


def run(setup: Setup) -> Numbers:
    """The share of examples seen after each iteration, by batches of a shuffled order or drawn anew."""
    random = setup.generator("batches")
    iterations = EXAMPLES // BATCH
    shares: dict[str, list[float]] = {"shuffled": [], "drawn": []}
    seen = {name: np.zeros(EXAMPLES, bool) for name in shares}
    for iteration in range(EPOCHS * iterations):
        place = iteration % iterations
        if place == 0:
            order = random.permutation(EXAMPLES)
        seen["shuffled"][order[place * BATCH : (place + 1) * BATCH]] = True
        seen["drawn"][random.integers(0, EXAMPLES, BATCH)] = True
        for name, mask in seen.items():
            shares[name].append(float(mask.mean()))
    return {
        "iterations in an epoch": iterations,
        "seen after one epoch": {name: share[iterations - 1] for name, share in shares.items()},
        "seen": shares,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Share of the data seen against epochs."""
    axes = figure.subplots()
    epochs = np.arange(1, EPOCHS * EXAMPLES // BATCH + 1) * BATCH / EXAMPLES
    names = {"shuffled": "each epoch in a new order", "drawn": "every batch drawn from all"}
    for name, title in names.items():
        band(axes, epochs, stacked(numbers, "seen", name), label=title)
    axes.axhline(1 - np.exp(-1), color="0.5", linestyle=":", label="1 - 1/e = 63.2 %")
    axes.set_xticks(range(EPOCHS + 1))
    label(axes, f"epochs ({EXAMPLES // BATCH} iterations of {BATCH} examples each)", "share of examples seen")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.4",
    claim="An epoch of N/B iterations sees every example once if the order is shuffled, and 63 % of them "
    "if each batch is drawn anew.",
    criteria=(
        Criterion("share seen, shuffled", lambda n: n["seen after one epoch"]["shuffled"], above=0.9999),
        Criterion(
            "share seen, drawn anew: distance from 1 - 1/e",
            lambda n: abs(n["seen after one epoch"]["drawn"] - (1 - np.exp(-1))),
            below=0.02,
        ),
    ),
    run=run,
    draw=draw,
    note="Drawing each batch at random from all examples is no epoch in the strict sense: after N/B such "
    "batches more than a third of the data has not been looked at.",
    source="Goodfellow, Bengio, Courville 2016, section 8.1.3; Bottou 2012, Stochastic Gradient Descent "
    "Tricks",
)
