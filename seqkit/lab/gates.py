"""What each gate of an LSTM is for: one fixed open, on a task of storing and replacing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.training import smoothed
from seqkit.optim import Adam, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VALUES, T, BATCH, HIDDEN = 4, 30, 32, 32
LONG = 1000
"""Steps of the streams that are tested, far more than those trained on."""
GATES = {"i": 0, "f": 1, "o": 3}
"""Places of the input, forget and output gate among the four blocks of rows."""
WAYS = ("LSTM", "without i", "without f", "without o", "plain RNN")
POINTS = 25
PARTS = LONG // 50


def examples(random: Generator, batch: int, T: int) -> tuple[np.ndarray, np.ndarray]:
    """Values, some of them marked (B, T, VALUES + 1), and at each step the last marked one, or -1."""
    values = random.integers(0, VALUES, (batch, T))
    marked = random.uniform((batch, T)) < 0.12
    x = np.zeros((batch, T, VALUES + 1), np.float32)
    np.put_along_axis(x, values[:, :, None], 1.0, axis=2)
    x[:, :, VALUES] = marked
    targets = np.full((batch, T), -1)
    last = np.full(batch, -1)
    for t in range(T):
        last = np.where(marked[:, t], values[:, t], last)
        targets[:, t] = last
    return x, targets


def run(setup: Setup) -> Numbers:
    """Loss while training on 30 steps, and accuracy along streams of 1,000, by network."""
    curves, along, means = {}, {}, {}
    for way in WAYS:
        weights = setup.generator("weights")
        kind: Any = nn.RNN if way == "plain RNN" else nn.LSTM
        network = kind(VALUES + 1, HIDDEN, generator=weights)
        output = nn.Linear(HIDDEN, VALUES, generator=weights)
        layer = network.layers[0]
        if way != "plain RNN":
            layer.b.data[HIDDEN : 2 * HIDDEN] = 1
        fixed = None
        if way.startswith("without"):
            start = GATES[way[-1]] * HIDDEN
            fixed = slice(start, start + HIDDEN)
            for parameter, value in ((layer.Wx, 0), (layer.Wh, 0), (layer.b, 20)):  # σ(20) is 1
                parameter.data[fixed] = value
        parameters = [*network.parameters(), *output.parameters()]
        optimizer, random = Adam(parameters, lr=0.01), setup.generator("examples")
        losses = []
        for _ in range(setup.scale(quick=250, full=1000)):
            x, targets = examples(random, BATCH, T)
            h, _ = network(Tensor(x))
            loss = ops.softmax_cross_entropy(output(h), targets)
            optimizer.zero_grad()
            loss.backward()
            if fixed is not None:
                for parameter in layer.parameters():
                    parameter.grad[fixed] = 0
            clip_grad_norm(parameters, 1.0)
            optimizer.step()
            losses.append(loss.item())
        x, targets = examples(setup.generator("test"), 100, LONG)
        with no_grad():
            right = output(network(Tensor(x))[0]).data.argmax(axis=2) == targets
        parts = zip(np.array_split(right, PARTS, axis=1), np.array_split(targets, PARTS, axis=1), strict=True)
        along[way] = [float(part[held >= 0].mean()) for part, held in parts]
        curves[way], means[way] = smoothed(losses, POINTS), float(np.mean(losses))
    return {
        "mean loss while training": means,
        "accuracy over the first 50 steps": {way: each[0] for way, each in along.items()},
        "accuracy over the last 50 steps": {way: each[-1] for way, each in along.items()},
        "along": along,
        "curves": curves,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Loss while training; accuracy along the streams."""
    left, right = figure.subplots(1, 2)
    for way in WAYS:
        band(left, np.linspace(0, 100, POINTS), stacked(numbers, "curves", way), label=way)
    label(left, "training done (%)", "loss (nats)", f"learning, on streams of {T} steps")
    left.legend(loc="upper right", fontsize=8)
    styles: dict[str, Any] = {
        "LSTM": {"linewidth": 6, "alpha": 0.4},
        "without i": {"linewidth": 3, "linestyle": "--"},
        "plain RNN": {"linewidth": 2, "linestyle": ":"},
    }
    for way in WAYS:
        along = stacked(numbers, "along", way)
        band(right, np.arange(PARTS) * 50 + 25, along, label=way, **styles.get(way, {}))
    label(right, "step of the stream", "accuracy", "asked along a long stream")
    right.legend(fontsize=8, loc="lower left")


def slower(n: Numbers, way: str) -> float:
    """ln(mean loss while training ÷ that of the whole LSTM)."""
    loss = n["mean loss while training"]
    return math.log(loss[way] / loss["LSTM"])


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.6",
    claim="An LSTM learns to hold a value sooner than a plain recurrent network; of its gates the forget "
    "gate is missed most, and without it a long stream blurs the value.",
    criteria=(
        Criterion("ln(mean loss ÷ the LSTM's), plain RNN", lambda n: slower(n, "plain RNN"), above=0.5),
        Criterion(
            "the same without the forget gate, less without the input gate",
            lambda n: slower(n, "without f") - slower(n, "without i"),
            above=0,
        ),
        Criterion(
            "the same without the input gate, less without the output gate",
            lambda n: slower(n, "without i") - slower(n, "without o"),
            above=0,
        ),
        Criterion(
            "accuracy over the last 50 steps, LSTM less without the forget gate",
            lambda n: (
                n["accuracy over the last 50 steps"]["LSTM"]
                - n["accuracy over the last 50 steps"]["without f"]
            ),
            above=0.001,
        ),
    ),
    run=run,
    draw=draw,
    note="No gate is indispensable: trained four times as long, the network with any one of them fixed "
    "open, and the plain one, hold the value too. Without the forget gate the cell can only add.",
    source="Gers, Schmidhuber, Cummins 2000; Greff, Srivastava, Koutník, Steunebrink, Schmidhuber 2017",
    size=(9.0, 4.2),
)
