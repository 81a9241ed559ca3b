"""A Transformer encoder against an LSTM, by how far back the answer lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import no_grad
from seqkit.backend.random import Generator
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.models import TransformerEncoder, TransformerEncoderConfig
from seqkit.optim import Adam, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VALUES, NOISE, SIZE, BATCH = 4, 8, 32, 32
DISTANCES = (10, 30, 100)
FURTHER = (10, 30, 100, 200)
KINDS = ("Transformer encoder", "LSTM")


class Transformer(nn.Module):
    """One layer of self-attention; the answer is read at the last place."""

    def __init__(self, T: int, generator: Generator) -> None:
        config = TransformerEncoderConfig(
            VALUES + NOISE,
            embedding_size=SIZE,
            hidden_size=64,
            num_layers=1,
            num_heads=2,
            max_length=T,
            init_std=0.1,
        )
        self.encoder = TransformerEncoder(config, generator=generator)
        self.output = nn.Linear(SIZE, VALUES, generator=generator)

    def forward(self, ids: np.ndarray) -> Any:
        """ids (B, T) to scores (B, VALUES)."""
        return self.output(self.encoder(ids)[:, -1])


class Recurrent(nn.Module):
    """An LSTM that starts by remembering (forget bias 1); the answer is read from its last state."""

    def __init__(self, T: int, generator: Generator) -> None:
        self.embedding = nn.Embedding(VALUES + NOISE, SIZE, generator=generator)
        self.lstm = nn.LSTM(SIZE, SIZE, generator=generator)
        self.lstm.layers[0].b.data[SIZE : 2 * SIZE] = 1  # type: ignore[attr-defined]
        self.output = nn.Linear(SIZE, VALUES, generator=generator)

    def forward(self, ids: np.ndarray) -> Any:
        """ids (B, T) to scores (B, VALUES)."""
        _, [(h, _)] = self.lstm(self.embedding(ids))
        return self.output(h)


def examples(random: Generator, batch: int, T: int) -> tuple[np.ndarray, np.ndarray]:
    """One of VALUES tokens, then noise (B, T); the answer (B,) is which it was."""
    ids = random.integers(VALUES, VALUES + NOISE, (batch, T))
    ids[:, 0] = random.integers(0, VALUES, batch)
    return ids, ids[:, 0].copy()


def run(setup: Setup) -> Numbers:
    """Accuracy after equally many steps, by kind and distance."""
    found: dict[str, list[float]] = {}
    for name, kind in zip(KINDS, (Transformer, Recurrent), strict=True):
        found[name] = [_accuracy(setup, kind, T) for T in setup.scale(quick=DISTANCES, full=FURTHER)]
    return {
        "accuracy at the nearest": {name: each[0] for name, each in found.items()},
        "accuracy at the furthest": {name: each[-1] for name, each in found.items()},
        "accuracy": found,
    }


def _accuracy(setup: Setup, kind: Any, T: int) -> float:
    model = kind(T, setup.generator("weights"))
    optimizer, random = Adam(model.parameters(), lr=0.003), setup.generator("examples")
    for _ in range(setup.scale(quick=120, full=400)):
        ids, answers = examples(random, BATCH, T)
        loss = ops.softmax_cross_entropy(model(ids), answers)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
    ids, answers = examples(setup.generator("test"), 200, T)
    with no_grad():
        return float((model(ids).data.argmax(axis=1) == answers).mean())


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Accuracy against distance."""
    axes = figure.subplots()
    for name in KINDS:
        values = stacked(numbers, "accuracy", name)
        distances = FURTHER[: values.shape[1]]
        band(axes, distances, values, marker="o", label=name)
    axes.axhline(1 / VALUES, color="0.4", linestyle=":", label="chance")
    axes.set_ylim(0, 1.05)
    axes.set_xscale("log")
    axes.set_xticks(distances, [str(T) for T in distances])
    axes.minorticks_off()
    label(axes, "steps between the token and the question about it", "accuracy after equal training")
    axes.legend(loc="center right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.9",
    claim="In as many steps as ten tokens take, a Transformer encoder learns to look a hundred or more back, "
    "and an LSTM does not.",
    criteria=(
        Criterion(
            "accuracy at the furthest distance, Transformer less LSTM",
            lambda n: (
                n["accuracy at the furthest"]["Transformer encoder"] - n["accuracy at the furthest"]["LSTM"]
            ),
            above=0.3,
        ),
        Criterion(
            "accuracy at the furthest distance, Transformer",
            lambda n: n["accuracy at the furthest"]["Transformer encoder"],
            above=0.9,
        ),
        Criterion("accuracy at 10 steps, LSTM", lambda n: n["accuracy at the nearest"]["LSTM"], above=0.9),
    ),
    run=run,
    draw=draw,
    source="Vaswani et al. 2017, section 4",
)
