"""Cross-entropy of a batch: one-hot and index labels, and numerical stability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH, CLASSES = 37, 11
SIZES = (1.0, 3.0, 10.0, 30.0, 60.0, 100.0, 300.0, 1000.0)


def run(setup: Setup) -> Numbers:
    """Compare formulas of the loss and its gradient, and their values as scores grow."""
    random = setup.generator("scores")
    z, labels = random.normal((BATCH, CLASSES), dtype=np.float64), random.integers(0, CLASSES, BATCH)
    one_hot = np.eye(CLASSES)[labels]
    log_p = z - log_sum_exp(z)
    by_index = -log_p[np.arange(BATCH), labels].mean()
    by_one_hot = -(one_hot * log_p).sum() / BATCH
    expected_gradient = (np.exp(log_p) - one_hot) / BATCH
    tensor = Tensor(z, requires_grad=True)
    fused = ops.softmax_cross_entropy(tensor, labels)
    fused.backward()
    naive, offset, stable = [], [], []
    for size in SIZES:  # the true class scores `size` below another
        scores = np.zeros((1, CLASSES), np.float32)
        scores[0, 0] = size
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            p = np.exp(scores) / np.exp(scores).sum()
            naive.append(float(-np.log(p[0, 1])))
        p = np.exp(scores - log_sum_exp(scores))
        offset.append(float(-np.log(p[0, 1] + np.float32(1e-7))))
        stable.append(ops.softmax_cross_entropy(Tensor(scores), np.array([1])).item())
    return {
        "differences": {
            "one-hot and index labels": abs(by_one_hot - by_index),
            "fused op and formula": abs(fused.item() - by_index),
            "gradient and (p - t)/B": float(np.abs(tensor.grad - expected_gradient).max()),
        },
        "fraction of score sizes with a finite naive loss": float(np.isfinite(naive).mean()),
        "relative error of the stable loss": float(np.max(np.abs(stable / exact_losses() - 1))),
        "losses": {"naive": naive, "with 1e-7 added": offset, "fused op": stable},
    }


def log_sum_exp(z: np.ndarray) -> np.ndarray:
    """Return log Σ exp(z) over the last axis, (…, 1); subtracting the maximum avoids overflow."""
    maximum = z.max(axis=-1, keepdims=True)
    return maximum + np.log(np.exp(z - maximum).sum(axis=-1, keepdims=True))


def exact_losses() -> np.ndarray:
    """Return the exact loss log(e^s + K - 1) at each of SIZES."""
    s = np.array(SIZES)
    return s + np.log1p((CLASSES - 1) * np.exp(-s))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the loss of a wrong prediction by its score, as three formulas compute it."""
    axes = figure.subplots()
    axes.plot(SIZES, exact_losses(), color="0.75", linewidth=7, label="exact")
    styles: dict[str, dict[str, Any]] = {
        "fused op": {"marker": "o", "color": "C2"},
        "with 1e-7 added": {"marker": "^", "linestyle": "--", "color": "C1"},
        "naive": {"marker": "s", "linestyle": "", "color": "C0", "markersize": 11, "fillstyle": "none"},
    }
    for name, style in styles.items():
        plot_band(axes, SIZES, stack(numbers, "losses", name), label=name, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.annotate(
        "naive: overflows beyond 88",
        (60, 60),
        xytext=(1.4, 250),
        arrowprops={"arrowstyle": "->", "color": "0.4"},
    )
    label_axes(axes, "score of the wrong class above the others", "loss (nats)")
    axes.legend(loc="lower right")


def equality(pair: str) -> Criterion:
    """Return the criterion that two formulas give the same values."""
    return Criterion(f"difference, {pair}", lambda n: n["differences"][pair], below=1e-9)


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.4",
    place=1,
    claim="One-hot and index labels, the formula and the fused op give the same loss and the gradient "
    "(p - t)/B, at any score.",
    criteria=(
        *map(equality, ("one-hot and index labels", "fused op and formula", "gradient and (p - t)/B")),
        Criterion(
            "relative error of the fused loss up to scores of 1,000",
            lambda n: n["relative error of the stable loss"],
            below=1e-6,
        ),
        Criterion(
            "fraction of score sizes where the naive formula is finite",
            lambda n: n["fraction of score sizes with a finite naive loss"],
            below=0.9,
        ),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    note="Adding 1e-7 before the logarithm avoids log 0, and cuts every loss off at 16.1; a "
    "stable log-sum-exp is exact.",
    source="Blanchard, Higham, Higham 2021, Accurately Computing the Log-Sum-Exp and Softmax Functions",
)
