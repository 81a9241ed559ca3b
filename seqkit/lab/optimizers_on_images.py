"""Five optimisers on images, at the textbook's learning rates and each at its best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import fit, load_images, make_mlp, smooth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPTIMIZERS = {
    "sgd": "SGD",
    "momentum": "Momentum",
    "adagrad": "AdaGrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
TEXTBOOK = dict.fromkeys(OPTIMIZERS, 0.01) | {"adam": 0.001}
"""Learning rates of the textbook's comparison: the defaults of its classes."""
POINTS = 30


def run(setup: Setup) -> Numbers:
    """Record loss curves of a network of four hidden layers by optimiser and learning rate."""
    train, _, _ = load_images(setup, train=setup.scale(quick=600, full=1000))
    curves: dict[str, dict[str, list[float]]] = {}
    for name in OPTIMIZERS:
        for lr in RATES:
            model = make_mlp(setup, train, hidden=(100,) * 4)
            epochs = setup.scale(quick=20, full=40)
            losses = fit(
                model, train, epochs=epochs, lr=lr, optimizer=name, generator=setup.generator("batches")
            )
            curves.setdefault(name, {})[str(lr)] = smooth(losses, POINTS)
    means = {name: {lr: float(np.mean(curve)) for lr, curve in each.items()} for name, each in curves.items()}
    best = {name: min(each, key=lambda lr: _or_inf(each[lr])) for name, each in means.items()}
    return {
        "mean loss in training, textbook's lr": {n: means[n][str(lr)] for n, lr in TEXTBOOK.items()},
        "mean loss in training, best lr": {name: means[name][best[name]] for name in OPTIMIZERS},
        "best lr": {name: float(lr) for name, lr in best.items()},
        "curves, textbook's lr": {name: curves[name][str(lr)] for name, lr in TEXTBOOK.items()},
        "curves, best lr": {name: curves[name][best[name]] for name in OPTIMIZERS},
    }


def _or_inf(loss: float) -> float:
    return loss if np.isfinite(loss) else np.inf


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the loss in training: the textbook's learning rates on the left, the best on the right."""
    panels = figure.subplots(1, 2, sharey=True)
    best = {name: sorted({each["best lr"][name] for each in numbers}) for name in OPTIMIZERS}
    used = {"textbook's lr": {name: [lr] for name, lr in TEXTBOOK.items()}, "best lr": best}
    for axes, (choice, rates) in zip(panels, used.items(), strict=True):
        for name, shown in OPTIMIZERS.items():
            values = stack(numbers, f"curves, {choice}", name)
            text = f"{shown}, {' or '.join(f'{lr:g}' for lr in rates[name])}"
            plot_band(axes, np.linspace(0, 100, POINTS), np.maximum(values, 1e-3), label=text)
        axes.set_yscale("log")
        title = (
            "each at its best learning rate" if choice == "best lr" else "at the textbook's learning rates"
        )
        label_axes(axes, "training done (%)", "training loss (at least 0.001)", title)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=9, frameon=False)


def spread(n: Numbers, choice: str) -> float:
    """Return ln(mean loss of the worst optimiser ÷ that of the best)."""
    losses = n[f"mean loss in training, {choice}"].values()
    return math.log(max(losses) / min(losses))


def loss_ratio(n: Numbers, name: str, *others: str) -> float:
    """Return the mean loss of an optimiser ÷ the lowest of some others, each at its best learning rate."""
    losses = n["mean loss in training, best lr"]
    return losses[name] / min(losses[other] for other in others)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=2,
    claim="Which optimiser looks best depends on the learning rate: each at its own best, they lie closer, "
    "AdaGrad does not lead, and Adam is no worse.",
    criteria=(
        Criterion(
            "ln of the spread (worst ÷ best mean loss), best learning rates ÷ the textbook's",
            lambda n: spread(n, "best lr") / spread(n, "textbook's lr"),
            below=0.8,
        ),
        Criterion(
            "mean loss of AdaGrad ÷ that of the best other, best learning rates",
            lambda n: loss_ratio(n, "adagrad", *(set(OPTIMIZERS) - {"adagrad"})),
            above=0.9,
        ),
        Criterion(
            "mean loss of Adam ÷ that of AdaGrad, best learning rates",
            lambda n: loss_ratio(n, "adam", "adagrad"),
            below=1.1,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="AdaGrad is not the best optimiser in general, nor Adam worse: at the textbook's rates, 0.01 and "
    "0.001 for Adam, the comparison is one of learning rates.",
    source="Choi et al. 2019, On Empirical Comparisons of Optimizers for Deep Learning",
    size=(9.0, 4.8),
)
