"""BatchNorm in training and in inference: the batch's statistics, and the running ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqkit.autograd import no_grad
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.images import load_images
from seqkit.lab.harness.training import fit, mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCHES = (1, 2, 4, 8, 16, 64, 256)
WAYS = ("running statistics", "the batch's own")


def run(setup: Setup) -> Numbers:
    """Test accuracy of one trained network by the size of the batches in which it is asked."""
    train, _, test = load_images(setup, train=setup.scale(quick=600, full=1000), test=512)
    model = mlp(setup, train, hidden=(100, 100), batch_norm=True)
    fit(model, train, epochs=setup.scale(quick=15, full=40), lr=0.1, generator=setup.generator("batches"))
    kept = {name: buffer.data.copy() for name, buffer in model.named_buffers()}
    found: dict[str, Any] = {}
    for name, training in zip(WAYS, (False, True), strict=True):
        model.train(training)
        found[name] = []
        for batch in BATCHES:
            if training and batch == 1:
                found[name].append(None)  # one value has no variance: refused
                continue
            right = 0
            with no_grad():
                for start in range(0, len(test), batch):
                    scores = model(test.x[start : start + batch]).data
                    right += int((scores.argmax(axis=1) == test.labels[start : start + batch]).sum())
            found[name].append(right / len(test))
        for key, buffer in model.named_buffers():
            buffer.data[...] = kept[key]
    return {
        "accuracy in batches of 2": {name: each[BATCHES.index(2)] for name, each in found.items()},
        "running statistics, spread over batch sizes": max(found[WAYS[0]]) - min(found[WAYS[0]]),
        "accuracy": found,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Accuracy against the batch size of the question."""
    axes = figure.subplots()
    for name in WAYS:
        band(axes, BATCHES, stacked(numbers, "accuracy", name), label=name, marker="o")
    axes.set_xscale("log", base=2)
    axes.set_xticks(BATCHES, [str(batch) for batch in BATCHES])
    label(axes, "images asked about at once (1 alone has no variance)", "test accuracy of the same weights")
    axes.legend(loc="lower right", title="inference with")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="BatchNorm must infer with running statistics: with the batch's own, an answer depends on its "
    "company.",
    criteria=(
        Criterion(
            "accuracy in batches of 2, running statistics less the batch's own",
            lambda n: n["accuracy in batches of 2"][WAYS[0]] - n["accuracy in batches of 2"][WAYS[1]],
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
    note="BatchNorm infers with the means and variances that it kept while training, not those of the batch.",
    source="Ioffe and Szegedy 2015, algorithm 2",
)
