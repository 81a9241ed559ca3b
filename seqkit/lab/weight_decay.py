"""Weight decay against overfitting: L2, and L1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.overfitting import gap, overfit, settled
from seqkit.lab.harness.training import smoothed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WAYS: dict[str, dict[str, Any]] = {
    "none": {},
    "L2": {"weight_decay": 0.02},
    "L1": {"l1": 0.003},
}
POINTS = 24
BINS = np.logspace(-5, 0, 41)


def run(setup: Setup) -> Numbers:
    """Accuracies by epoch and sizes of the first layer's weights, by penalty."""
    found = {}
    for name, penalty in WAYS.items():
        found[name] = overfit(setup, decay=lambda key, _: key.endswith("W"), **penalty)
    sizes = {name: np.array(each.pop("weights")) for name, each in found.items()}
    return {
        "gap at the end": {name: gap(each) for name, each in found.items()},
        "test accuracy at the end": {name: settled(each["test"]) for name, each in found.items()},
        "share of weights below 0.001": {name: float((each < 1e-3).mean()) for name, each in sizes.items()},
        "curves": found,
        "histograms": {name: np.histogram(np.maximum(each, 1e-5), BINS)[0] for name, each in sizes.items()},
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Gap and test accuracy by epoch; sizes of the weights."""
    left, middle, right = figure.subplots(1, 3)
    for name in WAYS:
        train, test = (stacked(numbers, "curves", name, part)[:, 1:] for part in ("train", "test"))
        epochs = (np.arange(POINTS) + 0.5) * test.shape[1] / POINTS
        for axes, values in ((left, train - test), (middle, test)):
            coarse = [
                smoothed(list(row), POINTS) for row in values
            ]  # of single epochs the bands would overlap
            band(axes, epochs, coarse, label=name)
        sizes = stacked(numbers, "histograms", name).mean(axis=0)
        right.stairs(sizes / sizes.sum(), BINS, label=name, linewidth=1.6)
    label(left, "epoch", "training less test accuracy", "gap")
    left.axhline(0, color="0.5", linestyle=":")
    label(middle, "epoch", "test accuracy", "test accuracy")
    middle.set_ylim(bottom=0.7)
    right.set_xscale("log")
    label(right, "magnitude (1e-5: or less)", "share of weights", "first layer's weights")
    figure.legend(*left.get_legend_handles_labels(), title="penalty", loc="outside lower center", ncols=3)


def less(n: Numbers, key: str, a: str, b: str) -> float:
    """A number of one penalty less that of another."""
    return n[key][a] - n[key][b]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="Weight decay narrows the gap where a network would learn wrong labels by heart; L2 raises test "
    "accuracy as well, and L1 brings weights to zero.",
    criteria=(
        Criterion("gap, none less L2", lambda n: less(n, "gap at the end", "none", "L2"), above=0.05),
        Criterion("gap, none less L1", lambda n: less(n, "gap at the end", "none", "L1"), above=0.05),
        Criterion(
            "test accuracy, L2 less none",
            lambda n: less(n, "test accuracy at the end", "L2", "none"),
            above=0,
        ),
        Criterion(
            "share of weights below 0.001, L1 less L2",
            lambda n: less(n, "share of weights below 0.001", "L1", "L2"),
            above=0.2,
        ),
    ),
    run=run,
    draw=draw,
    note="A penalty too strong also closes the gap, by learning nothing: the test accuracy is what counts.",
    source="Krogh and Hertz 1992; Goodfellow, Bengio, Courville 2016, section 7.1",
    seeds=5,
    size=(10.5, 4.4),
)
