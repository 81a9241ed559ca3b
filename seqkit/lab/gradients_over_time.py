"""Vanishing and exploding gradients: the norm of a gradient T steps back in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.nn import initializers
from seqkit.optim import clip_grad_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN, BATCH = 64, 8
STEPS = (1, 2, 5, 10, 20, 35, 50, 75, 100)
LIMIT = 5.0
"""Norm to which gradients are clipped."""
NETWORKS = (
    "tanh",
    "ReLU, large weights",
    "ReLU, large weights, clipped",
    "LSTM, forget bias 1",
    "LSTM, forget bias 5",
)


def run(setup: Setup) -> Numbers:
    """Measure log10 of ‖∂L/∂(state T steps before)‖ by network, for a random gradient at the end."""
    norms: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for T in STEPS:
        random = setup.generator("inputs")
        x = random.normal((BATCH, T, HIDDEN), dtype=np.float64)
        above = random.normal((BATCH, HIDDEN), dtype=np.float64)
        for name in NETWORKS:
            norms[name].append(_log_norm(setup, name, Tensor(x), above))
    last = {name: each[-1] for name, each in norms.items()}
    return {f"log10 of the norm after {STEPS[-1]} steps": last, "log10 of the norm": norms}


def _log_norm(setup: Setup, name: str, x: Tensor, above: np.ndarray) -> float:
    weights = setup.generator("weights")
    network: Any
    if name.startswith("LSTM"):
        network = nn.LSTM(HIDDEN, HIDDEN, generator=weights).astype(np.float64)
        network.set_forget_bias(float(name[-1]))
    else:
        nonlinearity = "tanh" if name == "tanh" else "relu"
        network = nn.RNN(HIDDEN, HIDDEN, nonlinearity=nonlinearity, generator=weights).astype(np.float64)
        if name != "tanh":
            start = initializers.orthogonal((HIDDEN, HIDDEN), weights, gain=2.0)
            network.layers[0].weight_hh.data[...] = start
    state = [
        tuple(Tensor(s, requires_grad=True) for s in entry) for entry in network.zero_state(BATCH, np.float64)
    ]
    _, [after] = network(x, state)
    after[-1].backward(above)  # for an LSTM, along its memory cell
    before = [state[0][-1]]
    if name.endswith("clipped"):
        clip_grad_norm(before, LIMIT)
    assert before[0].grad is not None
    return float(np.log10(np.linalg.norm(before[0].grad)))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the norm by steps back, on a logarithmic scale."""
    axes = figure.subplots()
    styles = dict(zip(NETWORKS, ("o-", "s-", "s:", "^--", "^-"), strict=True))
    for name in NETWORKS:
        style = {"marker": styles[name][0], "linestyle": styles[name][1:], "markersize": 4}
        plot_band(axes, STEPS, stack(numbers, "log10 of the norm", name), label=name, **style)
    axes.set_ylim(-32, 20)
    axes.set_yticks(range(-30, 21, 10), [f"$10^{{{n}}}$" for n in range(-30, 21, 10)])
    label_axes(axes, "steps back in time T", "norm of the gradient")
    axes.legend(loc="lower left", fontsize=8)


def last_norm(n: Numbers, name: str) -> float:
    """Return log10 of the norm after the most steps."""
    return n[f"log10 of the norm after {STEPS[-1]} steps"][name]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.6",
    place=1,
    claim="Through time a tanh network's gradient vanishes and that of large ReLU weights explodes, unless "
    "clipped; an LSTM's lasts far longer, but fades too.",
    criteria=(
        Criterion("tanh: log10 of the norm after 100 steps", lambda n: last_norm(n, "tanh"), below=-10),
        Criterion("ReLU, large weights", lambda n: last_norm(n, "ReLU, large weights"), above=5),
        Criterion("the same clipped to 5", lambda n: last_norm(n, "ReLU, large weights, clipped"), below=0.7),
        Criterion(
            "LSTM, forget bias 1, minus tanh",
            lambda n: last_norm(n, "LSTM, forget bias 1") - last_norm(n, "tanh"),
            above=5,
        ),
        Criterion("LSTM, forget bias 1: fades", lambda n: last_norm(n, "LSTM, forget bias 1"), below=-3),
        Criterion("LSTM, forget bias 5: lasts", lambda n: last_norm(n, "LSTM, forget bias 5"), above=-1),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    note="An LSTM mitigates vanishing gradients but does not eliminate them: along its cell a gradient "
    "shrinks by the forget gate at every step. Nor does it prevent growth: with a forget bias of 5 the "
    "norm rises, through h and the gates.",
    source="Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013; Gers, Schmidhuber, Cummins 2000",
    size=(7.2, 4.6),
)
