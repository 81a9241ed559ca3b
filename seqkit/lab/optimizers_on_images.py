"""SGD, Momentum, AdaGrad, RMSprop and Adam on images: at the textbook's rates, and each at its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.images import load_images
from seqkit.lab.harness.training import fit, mlp, smoothed

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
"""What the textbook compares them at: the defaults of its classes."""
POINTS = 30


def run(setup: Setup) -> Numbers:
    """Loss curves of a network of four hidden layers, by optimiser and learning rate."""
    train, _, _ = load_images(setup, train=setup.scale(quick=600, full=1000))
    curves: dict[str, Any] = {}
    for name in OPTIMIZERS:
        for lr in RATES:
            model = mlp(setup, train, hidden=(100,) * 4)
            epochs = setup.scale(quick=20, full=40)
            losses = fit(
                model, train, epochs=epochs, lr=lr, optimizer=name, generator=setup.generator("batches")
            )
            curves.setdefault(name, {})[str(lr)] = smoothed(losses, POINTS)
    area = {name: {lr: float(np.mean(curve)) for lr, curve in each.items()} for name, each in curves.items()}
    own = {name: min(each, key=lambda lr: _or_inf(each[lr])) for name, each in area.items()}
    return {
        "mean loss while training, textbook's lr": {n: area[n][str(lr)] for n, lr in TEXTBOOK.items()},
        "mean loss while training, own lr": {name: area[name][own[name]] for name in OPTIMIZERS},
        "own lr": {name: float(lr) for name, lr in own.items()},
        "curves, textbook's lr": {name: curves[name][str(lr)] for name, lr in TEXTBOOK.items()},
        "curves, own lr": {name: curves[name][own[name]] for name in OPTIMIZERS},
    }


def _or_inf(loss: float) -> float:
    return loss if np.isfinite(loss) else np.inf


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Loss against training: the textbook's rates on the left, the own ones on the right."""
    panels = figure.subplots(1, 2, sharey=True)
    own = {name: sorted({each["own lr"][name] for each in numbers}) for name in OPTIMIZERS}
    used = {"textbook's lr": {name: [lr] for name, lr in TEXTBOOK.items()}, "own lr": own}
    for axes, (kind, rates) in zip(panels, used.items(), strict=True):
        for name, shown in OPTIMIZERS.items():
            values = stacked(numbers, f"curves, {kind}", name)
            text = f"{shown}, {' or '.join(f'{lr:g}' for lr in rates[name])}"
            band(axes, np.linspace(0, 100, POINTS), np.maximum(values, 1e-3), label=text)
        axes.set_yscale("log")
        title = "each at its own best rate" if kind == "own lr" else "at the textbook's rates"
        label(axes, "training done (%)", "training loss (below 0.001: drawn there)", title)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=9, frameon=False)


def spread(n: Numbers, kind: str) -> float:
    """ln(mean loss of the worst optimiser ÷ that of the best)."""
    losses = n[f"mean loss while training, {kind}"].values()
    return math.log(max(losses) / min(losses))


def against(n: Numbers, name: str, *others: str) -> float:
    """Mean loss of an optimiser ÷ that of the best of some others, each at its own rate."""
    losses = n["mean loss while training, own lr"]
    return losses[name] / min(losses[other] for other in others)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="Which optimiser looks best is a matter of the learning rate: each at its own, they lie closer, "
    "AdaGrad does not lead, and Adam is no worse than it.",
    criteria=(
        Criterion(
            "ln of the spread (worst ÷ best mean loss), own rates ÷ the textbook's",
            lambda n: spread(n, "own lr") / spread(n, "textbook's lr"),
            below=0.8,
        ),
        Criterion(
            "mean loss of AdaGrad ÷ that of the best other, own rates",
            lambda n: against(n, "adagrad", *(set(OPTIMIZERS) - {"adagrad"})),
            above=0.9,
        ),
        Criterion(
            "mean loss of Adam ÷ that of AdaGrad, own rates",
            lambda n: against(n, "adam", "adagrad"),
            below=1.1,
        ),
    ),
    run=run,
    draw=draw,
    note="AdaGrad is not the best optimiser in general, nor Adam worse: at the textbook's rates, 0.01 and "
    "0.001 for Adam, the comparison is one of rates.",
    source="Choi et al. 2019, On Empirical Comparisons of Optimizers for Deep Learning",
    size=(9.0, 4.8),
)
