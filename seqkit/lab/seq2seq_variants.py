"""Reversed input, peeky and attention, compared at equal training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.training import smoothed
from seqkit.models import Seq2Seq, Seq2SeqConfig
from seqkit.optim import Adam, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIGITS, LENGTH, BATCH = 10, 10, 64
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "reversed": {"reverse": True},
    "reversed, peeky": {"reverse": True, "peeky": True},
    "reversed, cell passed": {"reverse": True, "pass_cell": True},
    "reversed, attention": {"reverse": True, "attention": "dot"},
}
"""As in the textbook the decoder starts from the encoder's h alone, unless its memory cell is passed too."""
POINTS = 20


def run(setup: Setup) -> Numbers:
    """Loss of copying ten digits, ever new ones, so that there is nothing to learn by heart."""
    steps = setup.scale(quick=240, full=1500)
    curves = {name: _losses(setup, steps, **way) for name, way in WAYS.items()}
    return {
        "mean loss while training": {name: float(np.mean(curve)) for name, curve in curves.items()},
        "loss at the end": {name: curve[-1] for name, curve in curves.items()},
        "curves": curves,
    }


def _losses(
    setup: Setup, steps: int, *, reverse: bool = False, pass_cell: bool = False, **settings: Any
) -> list[float]:
    config = Seq2SeqConfig(
        DIGITS, DIGITS + 1, embedding_size=16, hidden_size=64, pass_cell=pass_cell, **settings
    )
    model = Seq2Seq(config, generator=setup.generator("weights"))
    optimizer, random = Adam(model.parameters(), lr=0.005), setup.generator("digits")
    start = np.full((BATCH, 1), DIGITS)
    losses = []
    for _ in range(steps):
        target = random.integers(0, DIGITS, (BATCH, LENGTH))
        source = target[:, ::-1] if reverse else target
        loss = model.loss(source, None, np.concatenate([start, target[:, :-1]], axis=1), target)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    return smoothed(losses, POINTS)


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Loss against training."""
    axes = figure.subplots()
    for name in WAYS:
        band(axes, np.linspace(0, 100, POINTS), stacked(numbers, "curves", name), label=name)
    axes.axhline(np.log(DIGITS), color="0.5", linestyle=":", label="blind guessing")
    axes.set_yscale("log")
    label(axes, "training done (%)", f"loss of copying {LENGTH} digits (nats each)")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)


def saved(n: Numbers, way: str, than: str) -> float:
    """Mean loss while training of one way ÷ that of another."""
    return n["mean loss while training"][way] / n["mean loss while training"][than]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.7",
    claim="Copying digits, an encoder and decoder learns faster with the source reversed, faster still "
    "with peeking, or with the memory cell passed on, and by far fastest with attention.",
    criteria=(
        Criterion("mean loss, reversed ÷ plain", lambda n: saved(n, "reversed", "plain"), below=1),
        Criterion(
            "mean loss, reversed and peeky ÷ reversed",
            lambda n: saved(n, "reversed, peeky", "reversed"),
            below=0.9,
        ),
        Criterion(
            "mean loss, reversed and cell passed ÷ reversed",
            lambda n: saved(n, "reversed, cell passed", "reversed"),
            below=0.9,
        ),
        Criterion(
            "mean loss, reversed with attention ÷ reversed and peeky",
            lambda n: saved(n, "reversed, attention", "reversed, peeky"),
            below=0.9,
        ),
    ),
    run=run,
    draw=draw,
    note="Reversing brings the first digits of source and target together and the last apart: it helps "
    "where the target begins with what the source begins with, and need not elsewhere. Peeking makes up "
    "for the memory cell that the textbook's decoder does not get.",
    source="Sutskever, Vinyals, Le 2014; Cho et al. 2014; Luong, Pham, Manning 2015",
    size=(6.4, 4.6),
)
