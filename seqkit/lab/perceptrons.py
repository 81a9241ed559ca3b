"""Perceptrons: which of the sixteen functions of two bits one layer learns, and which two layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.lab.harness.drawing import label_axes
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.optim import Adam

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
NAMES = {1: "AND", 6: "XOR", 7: "OR", 9: "XNOR", 14: "NAND"}
"""Names of some functions, by the number whose binary digits are their outputs."""


def run(setup: Setup) -> Numbers:
    """Count the cases learned of four, without a hidden layer and with one of four units."""
    correct: dict[str, list[int]] = {"one layer": [], "two layers": []}
    for number in range(16):
        answers = np.array([number >> 3 & 1, number >> 2 & 1, number >> 1 & 1, number & 1])
        for name, counts in correct.items():
            counts.append(_cases_learned(setup, answers, hidden=name == "two layers"))
    return {
        "functions of 16 learned": {name: sum(n == 4 for n in each) for name, each in correct.items()},
        "cases correct": correct,
    }


def _cases_learned(setup: Setup, answers: np.ndarray, *, hidden: bool) -> int:
    """Return the cases learned of four, the best of three initialisations."""
    best = 0
    for attempt in range(3):
        weights = setup.generator(f"weights {attempt}")
        layers = (nn.Linear(2, 4, generator=weights), ops.tanh, nn.Linear(4, 2, generator=weights))
        model = nn.Sequential(*layers) if hidden else nn.Sequential(nn.Linear(2, 2, generator=weights))
        optimizer = Adam(model.parameters(), lr=0.05)
        for _ in range(setup.scale(quick=150, full=400)):
            scores = model(Tensor(BITS))
            optimizer.zero_grad()
            ops.softmax_cross_entropy(scores, answers).backward()
            optimizer.step()
        best = max(best, int((model(Tensor(BITS)).data.argmax(axis=1) == answers).sum()))
        if best == 4:
            break
    return best


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the cases learned by function."""
    axes = figure.subplots()
    names = [NAMES.get(n, f"{n:04b}") for n in range(16)]
    for i, (name, colour) in enumerate((("one layer", "C1"), ("two layers", "C0"))):
        values = np.mean([each["cases correct"][name] for each in numbers], axis=0)
        axes.bar(np.arange(16) + 0.4 * (i - 0.5), values, width=0.38, color=colour, label=name)
    axes.set_xticks(range(16), names, rotation=60, fontsize=8)
    axes.set_ylim(0, 5)
    axes.set_yticks(range(5))
    label_axes(axes, "function of two bits (outputs for 00, 01, 10, 11)", "cases correct of 4")
    axes.legend(ncols=2, loc="upper right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.2",
    place=1,
    claim="One layer learns 14 of the 16 functions of two bits, all but XOR and its negation; two layers "
    "learn all.",
    criteria=(
        Criterion(
            "functions learned by one layer: distance from 14",
            lambda n: abs(n["functions of 16 learned"]["one layer"] - 14),
            below=0.5,
        ),
        Criterion(
            "functions not learned by two layers",
            lambda n: 16 - n["functions of 16 learned"]["two layers"],
            below=0.5,
        ),
    ),
    run=run,
    draw=draw,
    source="Minsky and Papert 1969",
)
