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
FIRST, POINTS = 20, 50
"""Steps that are drawn one by one, and points of the curve of a whole training."""


def run(setup: Setup) -> Numbers:
    """Measure the loss of a small character LSTM at a learning rate of 20, step by step."""
    encoded = encode_pydocs("char")
    ids = np.asarray(encoded.splits["train"], np.int64)
    steps = setup.scale(quick=150, full=600)
    uniform = float(np.log(len(encoded.vocabulary)))
    all_losses: dict[str, list[float]] = {}
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
            if losses[-1] > DIVERGED * uniform:
                break
        all_losses[name] = losses
    return {
        "loss at the end": {
            name: losses[-1] if len(losses) < steps else smooth(losses, POINTS)[-1]
            for name, losses in all_losses.items()
        },
        "steps": {name: len(losses) for name, losses in all_losses.items()},
        "loss of uniform guessing": uniform,
        "first losses": {name: losses[:FIRST] for name, losses in all_losses.items()},
        "curve": smooth(all_losses["clipped to 0.25"], POINTS),
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the first losses of each seed, up to the step where it was stopped, and the whole training."""
    left, right = figure.subplots(1, 2)
    for color, name in zip(("C0", "C1"), VARIANTS, strict=True):
        for seed, each in enumerate(numbers):
            losses = each["first losses"][name]
            style = {"color": color, "label": None if seed else name}
            left.plot(range(1, len(losses) + 1), losses, **style, marker=".", linewidth=1.2)
            if each["steps"][name] == len(losses):
                left.plot(len(losses), losses[-1], "x", color=color, markersize=9, markeredgewidth=2)
    left.set_ylim(bottom=0)
    left.xaxis.get_major_locator().set_params(integer=True)
    label_axes(left, "step", "training loss (nats per character)", "the first steps (×: diverged, stopped)")
    steps = np.linspace(1, numbers[0]["steps"]["clipped to 0.25"], POINTS)
    plot_band(right, steps, stack(numbers, "curve"), color="C0", label="clipped to 0.25")
    right.set_ylim(0, 1.1 * numbers[0]["loss of uniform guessing"])
    label_axes(right, "step", "training loss (nats per character)", "the whole training")
    for axes in (left, right):
        guessing = numbers[0]["loss of uniform guessing"]
        axes.axhline(guessing, color="0.5", linestyle=":", label="uniform guessing")
        axes.legend(loc="best", fontsize=9)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.6",
    place=2,
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
    size=(9.0, 4.0),
)
