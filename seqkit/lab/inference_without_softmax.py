"""Inference without the softmax: the most probable class has the highest score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import shortest_seconds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASSES = (10, 30, 100, 300, 1_000, 3_000)
INPUTS, HIDDEN, BATCH = 784, 100, 100


def run(setup: Setup) -> Numbers:
    """Compare the predictions and the time of a two-layer network with and without softmax."""
    random = setup.generator("weights")
    x = setup.generator("inputs").normal((BATCH, INPUTS))
    ratios, equal = [], []
    for classes in CLASSES:
        hidden = nn.Linear(INPUTS, HIDDEN, generator=random)
        output = nn.Linear(HIDDEN, classes, generator=random)

        def scores(hidden: nn.Linear = hidden, output: nn.Linear = output) -> Tensor:
            return output(ops.relu(hidden(x)))

        with no_grad():
            seconds = shortest_seconds(
                {
                    "with": lambda: ops.softmax(scores()).data.argmax(axis=1),
                    "without": lambda: scores().data.argmax(axis=1),
                },
                setup.scale(quick=15, full=60),
            )
            predictions = scores().data.argmax(axis=1)
            same = ops.softmax(scores()).data.argmax(axis=1) == predictions
        ratios.append(seconds["with"] / seconds["without"])
        equal.append(float(same.mean()))
    return {
        "fraction of equal predictions": min(equal),
        "time with softmax ÷ without": {f"{n} classes": r for n, r in zip(CLASSES, ratios, strict=True)},
        "ratios": ratios,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the ratio of the times by the number of classes."""
    axes = figure.subplots()
    plot_band(axes, CLASSES, stack(numbers, "ratios"), marker="o", label="time with softmax ÷ without")
    axes.axhline(1, color="0.3", linestyle="--", label="no difference")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.5)
    equal = stack(numbers, "fraction of equal predictions").min()
    axes.text(0.02, 0.95, f"equal predictions: at least {equal:.1%}", transform=axes.transAxes, va="top")
    label_axes(axes, "classes", "ratio of times")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    place=2,
    claim="Inference without the softmax gives the same predictions, faster where classes are many.",
    criteria=(
        Criterion("fraction of equal predictions", lambda n: n["fraction of equal predictions"], above=0.999),
        Criterion(
            "time with softmax ÷ without, 1,000 classes",
            lambda n: n["ratios"][CLASSES.index(1_000)],
            above=1.1,
        ),
    ),
    run=run,
    draw=draw,
    note="The softmax preserves the order of scores; only scores that differ by a rounding may become equal.",
    source="the textbook, section 3.5.3",
)
