"""Dropout as an ensemble: the scaled network and the mean of its thinned networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit import ops
from seqkit.autograd import no_grad
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import accuracy, fit, load_images, make_mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEMBERS = (1, 2, 3, 5, 10, 20, 50)


def run(setup: Setup) -> Numbers:
    """Measure the test accuracy of the mean of K thinned networks, and of the whole scaled network."""
    train, _, test = load_images(setup, train=400, test=1000)
    model = make_mlp(setup, train, hidden=(100, 100), dropout=0.5)
    fit(model, train, epochs=setup.scale(quick=40, full=100), lr=0.1, generator=setup.generator("batches"))
    random = setup.generator("masks")
    with no_grad():  # the model is in training mode: each pass draws a new mask
        members = np.stack([ops.softmax(model(test.x, generator=random)).numpy() for _ in range(MEMBERS[-1])])
    means = [float((members[:k].mean(axis=0).argmax(axis=1) == test.labels).mean()) for k in MEMBERS]
    singles = (members.argmax(axis=2) == test.labels).mean(axis=1)
    scaled = accuracy(model, test)
    return {
        "accuracy": {"one thinned network": float(singles.mean()), "mean of 50": means[-1], "scaled": scaled},
        "means": means,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the accuracy by the number of members of the ensemble."""
    axes = figure.subplots()
    plot_band(axes, MEMBERS, stack(numbers, "means"), marker="o", label="mean of K thinned networks")
    for name, style in (("scaled", "-"), ("one thinned network", ":")):
        value = stack(numbers, "accuracy", name).mean()
        text = "the whole network, once" if name == "scaled" else "one thinned network, on average"
        axes.axhline(value, color="C1", linestyle=style, label=text)
    axes.set_xscale("log")
    axes.set_xticks(MEMBERS, [str(k) for k in MEMBERS])
    label_axes(axes, "members K", "test accuracy")
    axes.legend(loc="center right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=10,
    claim="The whole network, run once, is as accurate as the mean of 50 of its thinned networks, and "
    "more accurate than one of them.",
    criteria=(
        Criterion(
            "accuracy, whole network minus the mean of 50",
            lambda n: n["accuracy"]["scaled"] - n["accuracy"]["mean of 50"],
            above=-0.01,
        ),
        Criterion(
            "accuracy, whole network minus one thinned network",
            lambda n: n["accuracy"]["scaled"] - n["accuracy"]["one thinned network"],
            above=0.01,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    source="Srivastava et al. 2014, section 7.5; Goodfellow, Bengio, Courville 2016, section 7.12",
)
