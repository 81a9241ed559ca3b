"""Speed of inference by batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit import nn, ops
from seqkit.autograd import no_grad
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import shortest_seconds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH_SIZES = (1, 3, 10, 30, 100, 300, 1000)


def run(setup: Setup) -> Numbers:
    """Measure the images per second of a 784-50-100-10 network by batch size, in inference."""
    random = setup.generator("weights")
    network = nn.Sequential(
        *(nn.Linear(784, 50, generator=random), ops.relu, nn.Linear(50, 100, generator=random)),
        *(ops.relu, nn.Linear(100, 10, generator=random)),
    )
    x = setup.generator("images").uniform((BATCH_SIZES[-1], 784))
    with no_grad():
        functions = {str(batch): lambda batch=batch: network(x[:batch]) for batch in BATCH_SIZES}
        seconds = shortest_seconds(functions, setup.scale(quick=30, full=200))
    speeds = [batch / seconds[str(batch)] for batch in BATCH_SIZES]
    return {
        "images per second": {f"batch {b}": speed for b, speed in zip(BATCH_SIZES, speeds, strict=True)},
        "batch of 100 ÷ one by one": speeds[BATCH_SIZES.index(100)] / speeds[0],
        "speeds": speeds,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the speed by batch size."""
    axes = figure.subplots()
    plot_band(axes, BATCH_SIZES, stack(numbers, "speeds"), marker="o")
    axes.set_xscale("log")
    axes.set_yscale("log")
    ratio = stack(numbers, "batch of 100 ÷ one by one").mean()
    text = f"in batches of 100: {ratio:.0f} times as fast as one by one"
    axes.text(0.98, 0.06, text, transform=axes.transAxes, ha="right")
    label_axes(axes, "images in a batch", "images per second")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.3",
    place=3,
    claim="A batch of 100 images goes through a network several times as fast as one image at a time.",
    criteria=(
        Criterion(
            "log10 of the speed of batches of 100 ÷ one by one",
            lambda n: math.log10(n["batch of 100 ÷ one by one"]),
            above=0.5,
        ),
    ),
    run=run,
    draw=draw,
    source="Goodfellow, Bengio, Courville 2016, section 8.1.3",
)
