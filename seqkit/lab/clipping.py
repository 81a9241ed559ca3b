"""A language model at a large learning rate, with gradients clipped and not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.text import pydocs
from seqkit.lab.harness.training import smoothed
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.optim import SGD, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

B, T, LR, LIMIT = 20, 35, 20.0, 0.25
GIVEN_UP = 1.5
"""Times the loss of blind guessing."""
WAYS = {"clipped to 0.25": True, "not clipped": False}
LABELS = {"clipped to 0.25": "clipped to 0.25", "not clipped": "not clipped: diverges, and is stopped"}


def run(setup: Setup) -> Numbers:
    """Loss of a small LSTM over characters, step by step, at a learning rate of 20."""
    encoded = pydocs("char")
    ids = np.asarray(encoded.splits["train"], np.int64)
    steps = setup.scale(quick=150, full=600)
    blind = float(np.log(len(encoded.vocabulary)))
    curves: dict[str, Any] = {}
    for name, clip in WAYS.items():
        config = LanguageModelConfig(len(encoded.vocabulary), embedding_size=48, hidden_size=96, tied=False)
        model = LanguageModel(config, generator=setup.generator("weights"))
        optimizer, random = SGD(model.parameters(), lr=LR), setup.generator("windows")
        losses = []
        for _ in range(steps):
            places = random.integers(0, len(ids) - T - 1, B)[:, None] + np.arange(T + 1)
            windows = ids[places]
            with np.errstate(over="ignore", invalid="ignore"):
                loss, _ = model.loss(windows[:, :-1], windows[:, 1:])
                model.zero_grad()
                loss.backward()
                if clip:
                    clip_grad_norm(model.parameters(), LIMIT)
                optimizer.step()
            losses.append(loss.item())
            if losses[-1] > GIVEN_UP * blind:  # diverged: the rest counts as this loss
                losses += [losses[-1]] * (steps - len(losses))
                break
        curves[name] = smoothed(losses, 50)
    return {
        "loss at the end": {name: curve[-1] for name, curve in curves.items()},
        "loss of blind guessing": blind,
        "curves": curves,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Both losses while training."""
    axes = figure.subplots()
    for name in WAYS:
        band(axes, np.linspace(0, 100, 50), stacked(numbers, "curves", name), label=LABELS[name])
    axes.axhline(numbers[0]["loss of blind guessing"], color="0.5", linestyle=":", label="blind guessing")
    axes.set_yscale("log")
    axes.set_yticks((2, 3, 5, 10, 20, 40), ("2", "3", "5", "10", "20", "40"))
    axes.minorticks_off()
    label(axes, "training done (%)", "training loss (nats per character)")
    axes.legend(loc="center right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.6",
    claim="At a large learning rate a recurrent language model learns only if its gradients are clipped.",
    criteria=(
        Criterion(
            "loss at the end, not clipped less clipped (nats per character)",
            lambda n: n["loss at the end"]["not clipped"] - n["loss at the end"]["clipped to 0.25"],
            above=0.3,
        ),
        Criterion(
            "loss at the end, clipped less blind guessing",
            lambda n: n["loss at the end"]["clipped to 0.25"] - n["loss of blind guessing"],
            below=-1,
        ),
    ),
    run=run,
    draw=draw,
    source="Pascanu, Mikolov, Bengio 2013",
)
