"""A language model at a large learning rate, with and without gradient clipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import encode_pydocs, smooth
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.optim import SGD, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

B, T, LR, LIMIT = 20, 35, 20.0, 0.25
DIVERGED = 1.5
"""Training stops at this multiple of the loss of uniform guessing."""
VARIANTS = {"clipped to 0.25": True, "not clipped": False}
TITLES = {"clipped to 0.25": "clipped to 0.25", "not clipped": "not clipped: diverges and is stopped"}


def run(setup: Setup) -> Numbers:
    """Measure the loss of a small character LSTM at a learning rate of 20, step by step."""
    encoded = encode_pydocs("char")
    ids = np.asarray(encoded.splits["train"], np.int64)
    steps = setup.scale(quick=150, full=600)
    uniform = float(np.log(len(encoded.vocabulary)))
    curves: dict[str, list[float]] = {}
    for name, clip in VARIANTS.items():
        config = LanguageModelConfig(len(encoded.vocabulary), embedding_size=48, hidden_size=96, tied=False)
        model = LanguageModel(config, generator=setup.generator("weights"))
        optimizer, random = SGD(model.parameters(), lr=LR), setup.generator("windows")
        losses = []
        for _ in range(steps):
            positions = random.integers(0, len(ids) - T - 1, B)[:, None] + np.arange(T + 1)
            windows = ids[positions]
            with np.errstate(over="ignore", invalid="ignore"):
                loss, _ = model.loss(windows[:, :-1], windows[:, 1:])
                model.zero_grad()
                loss.backward()
                if clip:
                    clip_grad_norm(model.parameters(), LIMIT)
                optimizer.step()
            losses.append(loss.item())
            if losses[-1] > DIVERGED * uniform:  # diverged: the rest counts as this loss
                losses += [losses[-1]] * (steps - len(losses))
                break
        curves[name] = smooth(losses, 50)
    return {
        "loss at the end": {name: curve[-1] for name, curve in curves.items()},
        "loss of uniform guessing": uniform,
        "curves": curves,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot both losses during training."""
    axes = figure.subplots()
    for name in VARIANTS:
        plot_band(axes, np.linspace(0, 100, 50), stack(numbers, "curves", name), label=TITLES[name])
    axes.axhline(numbers[0]["loss of uniform guessing"], color="0.5", linestyle=":", label="uniform guessing")
    axes.set_yscale("log")
    axes.set_yticks((2, 3, 5, 10, 20, 40), ("2", "3", "5", "10", "20", "40"))
    axes.minorticks_off()
    label_axes(axes, "training done (%)", "training loss (nats per character)")
    axes.legend(loc="center right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.6",
    claim="At a large learning rate a recurrent language model learns only if its gradients are clipped.",
    criteria=(
        Criterion(
            "loss at the end, not clipped minus clipped (nats per character)",
            lambda n: n["loss at the end"]["not clipped"] - n["loss at the end"]["clipped to 0.25"],
            above=0.3,
        ),
        Criterion(
            "loss at the end, clipped minus uniform guessing",
            lambda n: n["loss at the end"]["clipped to 0.25"] - n["loss of uniform guessing"],
            below=-1,
        ),
    ),
    run=run,
    draw=draw,
    source="Pascanu, Mikolov, Bengio 2013",
)
