"""Output shapes and parameter counts of convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit import nn
from seqkit.autograd import no_grad
from seqkit.lab.harness.drawing import label_axes
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 28
KERNELS = (1, 3, 5, 7, 9, 11)
CASES = ((1, 0), (1, 2), (2, 0), (2, 2))
"""Stride and padding."""
CHANNELS, FILTERS = (1, 2, 4, 8, 16, 32), 30
SIDES = (28, 64)
"""Image sides, for an affine layer with as many inputs and outputs as a 5×5 convolution."""


def expected_side(side: int, kernel: int, stride: int, padding: int) -> int:
    """Return ⌊(H + 2P - K) / S⌋ + 1."""
    return (side + 2 * padding - kernel) // stride + 1


def run(setup: Setup) -> Numbers:
    """Compare output sides with the formula, for fixed and random cases, and count weights."""
    random = setup.generator("cases")
    wrong, measured = 0, []
    with no_grad():
        for stride, padding in CASES:
            row = []
            for kernel in KERNELS:
                layer = nn.Conv2d(1, 2, kernel, stride=stride, padding=padding, generator=random)
                row.append(int(layer(np.zeros((1, SIDE, SIDE, 1), np.float32)).shape[1]))
            measured.append(row)
        cases = setup.scale(quick=50, full=500)
        for _ in range(cases):
            channels, filters, kernel, stride = (int(n) for n in random.integers(1, 6, 4))
            padding, side = int(random.integers(0, 4, 1)[0]), int(random.integers(6, 20, 1)[0])
            layer = nn.Conv2d(channels, filters, kernel, stride=stride, padding=padding, generator=random)
            y = layer(np.zeros((2, side, side, channels), np.float32))
            expected = expected_side(side, kernel, stride, padding)
            wrong += y.shape != (2, expected, expected, filters)
            wrong += layer.parameter_count() != filters * (channels * kernel * kernel + 1)
    weights = {
        str(K): [nn.Conv2d(C, FILTERS, K, generator=random).parameter_count() for C in CHANNELS]
        for K in (3, 5)
    }
    affine = {
        str(side): [FILTERS * (side - 4) ** 2 * (C * side * side + 1) for C in CHANNELS] for side in SIDES
    }
    return {
        "cases where shape or count differ from the formula": wrong,
        "cases tried": cases,
        "weights by channels, kernels of side": weights,
        "weights of an affine layer, images of side": affine,
        "measured": measured,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot output sides by kernel, formula as lines and measurements as dots; and weights by channels."""
    axes, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for i, ((stride, padding), row) in enumerate(zip(CASES, numbers[0]["measured"], strict=True)):
        sides = range(KERNELS[0], KERNELS[-1] + 1)
        formula = [expected_side(SIDE, kernel, stride, padding) for kernel in sides]
        axes.plot(sides, formula, color=f"C{i}", linewidth=1)
        axes.plot(KERNELS, row, "o", color=f"C{i}", label=f"stride {stride}, padding {padding}")
    axes.axhline(SIDE, color="0.5", linestyle=":")
    axes.text(KERNELS[-1], SIDE + 0.3, "side of the input", ha="right", color="0.35")
    axes.set_ylim(0, SIDE + 6)
    for side, line in zip(SIDES, ("--", ":"), strict=True):
        values = numbers[0]["weights of an affine layer, images of side"][str(side)]
        right.plot(CHANNELS, values, line, color="0.4", label=f"affine layer, image {side}×{side}")
    for K, row in numbers[0]["weights by channels, kernels of side"].items():
        right.plot(
            CHANNELS,
            row,
            "o-",
            color="C4" if K == "3" else "C5",
            label=f"{FILTERS} filters {K}×{K}, any image",
        )
    right.set_xscale("log", base=2)
    right.set_yscale("log")
    right.set_ylim(top=1e13)
    right.set_xticks(CHANNELS, [str(C) for C in CHANNELS])
    label_axes(right, "channels C", "weights")
    right.legend(loc="upper left", fontsize=8)
    wrong = sum(each["cases where shape or count differ from the formula"] for each in numbers)
    tried = sum(each["cases tried"] for each in numbers)
    title = f"lines: formula, dots: measured; {wrong} of {tried:,} random cases differ"
    label_axes(axes, "side of the kernel K", "side of the output", title)
    axes.legend(loc="lower left", ncols=2, fontsize=9)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.7",
    place=1,
    claim="A convolution's output has ⌊(H + 2P - K)/S⌋ + 1 positions per side, and it has F·(C·K² + 1) "
    "weights, whatever the image's size.",
    criteria=(
        Criterion(
            "random cases where shape or number of weights differ",
            lambda n: n["cases where shape or count differ from the formula"],
            below=0.5,
        ),
    ),
    run=run,
    draw=draw,
    source="Dumoulin and Visin 2016",
    size=(9.6, 4.2),
)
