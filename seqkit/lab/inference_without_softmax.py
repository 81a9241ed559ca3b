"""The likeliest class is that of the highest score: inference can leave the softmax out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit import nn, ops
from seqkit.autograd import no_grad
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.timing import alternate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASSES = (10, 30, 100, 300, 1_000, 3_000)
INPUTS, HIDDEN, BATCH = 784, 100, 100


def run(setup: Setup) -> Numbers:
    """Answers and time of a two-layer network with and without softmax, by number of classes."""
    random = setup.generator("weights")
    x = setup.generator("inputs").normal((BATCH, INPUTS))
    ratios, same = [], []
    for classes in CLASSES:
        hidden = nn.Linear(INPUTS, HIDDEN, generator=random)
        output = nn.Linear(HIDDEN, classes, generator=random)

        def scores(hidden: nn.Linear = hidden, output: nn.Linear = output):  # type: ignore[no-untyped-def]
            return output(ops.relu(hidden(x)))

        with no_grad():
            seconds = alternate(
                {
                    "with": lambda: ops.softmax(scores()).data.argmax(axis=1),  # called here
                    "without": lambda: scores().data.argmax(axis=1),
                },
                setup.scale(quick=15, full=60),
            )
            equal = ops.softmax(scores()).data.argmax(axis=1) == scores().data.argmax(axis=1)
        ratios.append(seconds["with"] / seconds["without"])
        same.append(float(equal.mean()))
    return {
        "share of equal answers": min(same),
        "time with softmax ÷ without": {f"{n} classes": r for n, r in zip(CLASSES, ratios, strict=True)},
        "ratios": ratios,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Time ratio against the number of classes."""
    axes = figure.subplots()
    band(axes, CLASSES, stacked(numbers, "ratios"), marker="o", label="time with softmax ÷ without")
    axes.axhline(1, color="0.3", linestyle="--", label="no difference")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.5)
    same = stacked(numbers, "share of equal answers").min()
    axes.text(0.02, 0.95, f"equal answers: {same:.1%} at least", transform=axes.transAxes, va="top")
    label(axes, "classes", "times as slow")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    claim="Inference without the softmax gives the same answers, faster where classes are many.",
    criteria=(
        Criterion("share of equal answers", lambda n: n["share of equal answers"], above=0.999),
        Criterion(
            "time with softmax ÷ without, 1,000 classes",
            lambda n: n["ratios"][CLASSES.index(1_000)],
            above=1.1,
        ),
    ),
    run=run,
    draw=draw,
    note="The softmax keeps the order of scores; only two that differ by a rounding may become equal by it.",
    source="the textbook, section 3.5.3",
)
