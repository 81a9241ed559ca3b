"""A Transformer encoder and an LSTM on answers that lie far back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.models import TransformerEncoder, TransformerEncoderConfig
from seqkit.optim import Adam, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VALUES, NOISE, SIZE, BATCH = 4, 8, 32, 32
DISTANCES = (10, 30, 100)
FULL_DISTANCES = (10, 30, 100, 200)


class Transformer(nn.Module):
    """One layer of self-attention; the answer is read at the last position."""

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

    def forward(self, ids: np.ndarray) -> Tensor:
        """Map ids (B, T) to scores (B, VALUES)."""
        return self.output(self.encoder(ids)[:, -1])


class Recurrent(nn.Module):
    """An LSTM with a forget bias of 1; the answer is read from its last state."""

    def __init__(self, T: int, generator: Generator) -> None:
        self.embedding = nn.Embedding(VALUES + NOISE, SIZE, generator=generator)
        self.lstm = nn.LSTM(SIZE, SIZE, generator=generator)
        self.lstm.set_forget_bias()
        self.output = nn.Linear(SIZE, VALUES, generator=generator)

    def forward(self, ids: np.ndarray) -> Tensor:
        """Map ids (B, T) to scores (B, VALUES)."""
        _, [(h, _)] = self.lstm(self.embedding(ids))
        return self.output(h)


NETWORKS: dict[str, type[Transformer | Recurrent]] = {"Transformer encoder": Transformer, "LSTM": Recurrent}


def examples(random: Generator, batch: int, T: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw one of VALUES tokens followed by noise, (B, T), and the first token as the answer, (B,)."""
    ids = random.integers(VALUES, VALUES + NOISE, (batch, T))
    ids[:, 0] = random.integers(0, VALUES, batch)
    return ids, ids[:, 0].copy()


def run(setup: Setup) -> Numbers:
    """Measure the accuracy after equal training, by network and distance."""
    accuracies: dict[str, list[float]] = {}
    for name, network in NETWORKS.items():
        accuracies[name] = [
            _accuracy(setup, network, T) for T in setup.scale(quick=DISTANCES, full=FULL_DISTANCES)
        ]
    return {
        "accuracy at the nearest": {name: each[0] for name, each in accuracies.items()},
        "accuracy at the furthest": {name: each[-1] for name, each in accuracies.items()},
        "accuracy": accuracies,
    }


def _accuracy(setup: Setup, network: type[Transformer | Recurrent], T: int) -> float:
    model = network(T, setup.generator("weights"))
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
    """Plot the accuracy by distance."""
    axes = figure.subplots()
    for name in NETWORKS:
        values = stack(numbers, "accuracy", name)
        distances = FULL_DISTANCES[: values.shape[1]]
        plot_band(axes, distances, values, marker="o", label=name)
    axes.axhline(1 / VALUES, color="0.4", linestyle=":", label="chance")
    axes.set_ylim(0, 1.05)
    axes.set_xscale("log")
    axes.set_xticks(distances, [str(T) for T in distances])
    axes.minorticks_off()
    label_axes(axes, "steps between the token and the question", "accuracy after equal training")
    axes.legend(loc="center right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.9",
    place=1,
    claim="With the training that ten tokens need, a Transformer encoder learns to look back a hundred or "
    "more, and an LSTM does not.",
    criteria=(
        Criterion(
            "accuracy at the furthest distance, Transformer minus LSTM",
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
