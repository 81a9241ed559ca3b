"""Weight decay, L2 and L1, as a remedy for overfitting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import final_mean, generalisation_gap, overfit, smooth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PENALTIES: dict[str, dict[str, Any]] = {
    "none": {},
    "L2": {"weight_decay": 0.02},
    "L1": {"l1": 0.003},
}
POINTS = 24
BINS = np.logspace(-5, 0, 41)


def run(setup: Setup) -> Numbers:
    """Measure accuracies by epoch and magnitudes of the first layer's weights, by penalty."""
    curves, magnitudes = {}, {}
    for name, penalty in PENALTIES.items():
        curves[name], magnitudes[name] = overfit(
            setup, decay=lambda key, _: key.endswith("weight"), **penalty
        )
    return {
        "gap at the end": {name: generalisation_gap(each) for name, each in curves.items()},
        "test accuracy at the end": {name: final_mean(each["test"]) for name, each in curves.items()},
        "fraction of weights below 0.001": {
            name: float((each < 1e-3).mean()) for name, each in magnitudes.items()
        },
        "curves": curves,
        "histograms": {
            name: np.histogram(np.maximum(each, 1e-5), BINS)[0] for name, each in magnitudes.items()
        },
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the gap and the test accuracy by epoch, and the magnitudes of the weights."""
    left, middle, right = figure.subplots(1, 3)
    for name in PENALTIES:
        train, test = (stack(numbers, "curves", name, split)[:, 1:] for split in ("train", "test"))
        epochs = (np.arange(POINTS) + 0.5) * test.shape[1] / POINTS
        for axes, values in ((left, train - test), (middle, test)):
            sections = [smooth(row, POINTS) for row in values]  # single epochs overlap too much
            plot_band(axes, epochs, sections, label=name)
        counts = stack(numbers, "histograms", name).mean(axis=0)
        right.stairs(counts / counts.sum(), BINS, label=name, linewidth=1.6)
    label_axes(left, "epoch", "training minus test accuracy", "gap")
    left.axhline(0, color="0.5", linestyle=":")
    label_axes(middle, "epoch", "test accuracy", "test accuracy")
    middle.set_ylim(bottom=0.7)
    right.set_xscale("log")
    label_axes(right, "magnitude (1e-5 or less)", "fraction of weights", "first layer's weights")
    figure.legend(*left.get_legend_handles_labels(), title="penalty", loc="outside lower center", ncols=3)


def difference(n: Numbers, key: str, a: str, b: str) -> float:
    """Return a number of one penalty minus that of another."""
    return n[key][a] - n[key][b]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=8,
    claim="Weight decay narrows the gap where a network would memorise wrong labels; L2 also raises test "
    "accuracy, and L1 drives weights to zero.",
    criteria=(
        Criterion("gap, none minus L2", lambda n: difference(n, "gap at the end", "none", "L2"), above=0.05),
        Criterion("gap, none minus L1", lambda n: difference(n, "gap at the end", "none", "L1"), above=0.05),
        Criterion(
            "test accuracy, L2 minus none",
            lambda n: difference(n, "test accuracy at the end", "L2", "none"),
            above=0,
        ),
        Criterion(
            "fraction of weights below 0.001, L1 minus L2",
            lambda n: difference(n, "fraction of weights below 0.001", "L1", "L2"),
            above=0.2,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="A penalty that is too strong also closes the gap, by preventing learning: compare test accuracies.",
    source="Krogh and Hertz 1992; Goodfellow, Bengio, Courville 2016, section 7.1",
    seeds=5,
    size=(10.5, 4.4),
)
