"""BatchNorm in inference with running statistics and with those of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.autograd import no_grad
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import fit, load_images, make_mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH_SIZES = (1, 2, 4, 8, 16, 64, 256)
MODES = RUNNING, BATCH = "running statistics", "statistics of the batch"


def run(setup: Setup) -> Numbers:
    """Measure the test accuracy of one trained network by the batch size of inference."""
    train, _, test = load_images(setup, train=setup.scale(quick=600, full=1000), test=512)
    model = make_mlp(setup, train, hidden=(100, 100), batch_norm=True)
    fit(model, train, epochs=setup.scale(quick=15, full=40), lr=0.1, generator=setup.generator("batches"))
    trained_buffers = {name: buffer.data.copy() for name, buffer in model.named_buffers()}
    accuracies: dict[str, list[float | None]] = {}
    for name, training in zip(MODES, (False, True), strict=True):
        model.train(training)
        accuracies[name] = []
        for batch in BATCH_SIZES:
            if training and batch == 1:
                accuracies[name].append(None)  # one value has no variance
                continue
            correct = 0
            with no_grad():
                for start in range(0, len(test), batch):
                    scores = model(test.x[start : start + batch]).data
                    correct += int((scores.argmax(axis=1) == test.labels[start : start + batch]).sum())
            accuracies[name].append(correct / len(test))
        for key, buffer in model.named_buffers():
            buffer.data[...] = trained_buffers[key]
    return {
        "accuracy in batches of 2": {name: each[BATCH_SIZES.index(2)] for name, each in accuracies.items()},
        "running statistics, spread over batch sizes": float(np.ptp(np.array(accuracies[RUNNING], float))),
        "accuracy": accuracies,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the accuracy by the batch size of inference."""
    axes = figure.subplots()
    for name in MODES:
        plot_band(axes, BATCH_SIZES, stack(numbers, "accuracy", name), label=name, marker="o")
    axes.set_xscale("log", base=2)
    axes.set_xticks(BATCH_SIZES, [str(batch) for batch in BATCH_SIZES])
    label_axes(axes, "images in an inference batch (1 has no variance)", "test accuracy of the same weights")
    axes.legend(loc="lower right", title="inference with")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=6,
    claim="BatchNorm must use running statistics in inference: with those of the batch, a prediction depends "
    "on the other images in it.",
    criteria=(
        Criterion(
            "accuracy in batches of 2, running statistics minus those of the batch",
            lambda n: n["accuracy in batches of 2"][RUNNING] - n["accuracy in batches of 2"][BATCH],
            above=0.05,
        ),
        Criterion(
            "running statistics: spread of accuracy over batch sizes",
            lambda n: n["running statistics, spread over batch sizes"],
            below=0.005,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="In inference BatchNorm uses the means and variances kept in training, not those of the batch.",
    source="Ioffe and Szegedy 2015, algorithm 2",
)
