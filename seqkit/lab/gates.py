"""The gates of an LSTM, each fixed open in turn, on a task of storing and replacing a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import smooth
from seqkit.optim import Adam, clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VALUES, T, BATCH, HIDDEN = 4, 30, 32, 32
TEST_T = 1000
"""Steps of the test streams, many more than those of training."""
GATES = {"i": 0, "f": 1, "o": 3}
"""Positions of the input, forget and output gate among the four blocks of rows."""
VARIANTS = ("LSTM", "without i", "without f", "without o", "plain RNN")
POINTS = 25
SECTIONS = TEST_T // 50


def examples(random: Generator, batch: int, T: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw values, some of them marked, (B, T, VALUES + 1), and the last marked value at each step, or -1."""
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
    """Measure the loss in training on 30 steps, and the accuracy along streams of 1,000, by network."""
    curves, accuracies, means = {}, {}, {}
    for variant in VARIANTS:
        weights = setup.generator("weights")
        network_type: Any = nn.RNN if variant == "plain RNN" else nn.LSTM
        network = network_type(VALUES + 1, HIDDEN, generator=weights)
        output = nn.Linear(HIDDEN, VALUES, generator=weights)
        layer = network.layers[0]
        if variant != "plain RNN":
            network.set_forget_bias()
        fixed = None
        if variant.startswith("without"):
            start = GATES[variant[-1]] * HIDDEN
            fixed = slice(start, start + HIDDEN)
            for parameter in (layer.weight_ih, layer.weight_hh):
                parameter.data[fixed] = 0
            layer.bias.data[fixed] = 20  # σ(20) is 1
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
        x, targets = examples(setup.generator("test"), 100, TEST_T)
        with no_grad():
            correct = output(network(Tensor(x))[0]).data.argmax(axis=2) == targets
        sections = zip(
            np.array_split(correct, SECTIONS, axis=1), np.array_split(targets, SECTIONS, axis=1), strict=True
        )
        accuracies[variant] = [float(section[target >= 0].mean()) for section, target in sections]
        curves[variant], means[variant] = smooth(losses, POINTS), float(np.mean(losses))
    return {
        "mean loss in training": means,
        "accuracy over the first 50 steps": {name: each[0] for name, each in accuracies.items()},
        "accuracy over the last 50 steps": {name: each[-1] for name, each in accuracies.items()},
        "accuracy along the stream": accuracies,
        "curves": curves,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the loss in training, and the errors along the test streams."""
    left, right = figure.subplots(1, 2)
    for name in VARIANTS:
        plot_band(left, np.linspace(0, 100, POINTS), stack(numbers, "curves", name), label=name)
    label_axes(left, "training done (%)", "loss (nats)", f"learning, on streams of {T} steps")
    left.legend(loc="upper right", fontsize=8)
    styles: dict[str, Any] = {
        "LSTM": {"linewidth": 6, "alpha": 0.4},
        "without i": {"linewidth": 3, "linestyle": "--"},
        "plain RNN": {"linewidth": 2, "linestyle": ":"},
    }
    for name in VARIANTS:
        values = 100 * (1 - stack(numbers, "accuracy along the stream", name))
        plot_band(right, np.arange(SECTIONS) * 50 + 25, values, label=name, **styles.get(name, {}))
    right.set_ylim(0, 2)
    guessing = 100 * (1 - 1 / VALUES)
    label_axes(
        right, "step of the stream", f"errors (%; guessing: {guessing:.0f})", "tested on a long stream"
    )
    right.legend(fontsize=8, loc="upper right")


def log_ratio(n: Numbers, name: str) -> float:
    """Return ln(mean loss in training ÷ that of the whole LSTM)."""
    loss = n["mean loss in training"]
    return math.log(loss[name] / loss["LSTM"])


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.6",
    place=3,
    claim="An LSTM learns to hold a value sooner than a plain recurrent network; of its gates the forget "
    "gate matters most, and without it a long stream blurs the value.",
    criteria=(
        Criterion("ln(mean loss ÷ the LSTM's), plain RNN", lambda n: log_ratio(n, "plain RNN"), above=0.5),
        Criterion(
            "the same without the forget gate minus without the input gate",
            lambda n: log_ratio(n, "without f") - log_ratio(n, "without i"),
            above=0,
        ),
        Criterion(
            "the same without the input gate minus without the output gate",
            lambda n: log_ratio(n, "without i") - log_ratio(n, "without o"),
            above=0,
        ),
        Criterion(
            "accuracy over the last 50 steps, LSTM minus without the forget gate",
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
