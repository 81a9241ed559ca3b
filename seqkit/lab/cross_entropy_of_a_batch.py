"""Cross-entropy of a batch: one-hot or index labels, the mean over B, and a logarithm that never fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH, CLASSES = 37, 11
SIZES = (1.0, 3.0, 10.0, 30.0, 60.0, 100.0, 300.0, 1000.0)


def run(setup: Setup) -> Numbers:
    """Largest differences between the ways to write it, and the ways' losses as scores grow."""
    random = setup.generator("scores")
    z, labels = random.normal((BATCH, CLASSES), dtype=np.float64), random.integers(0, CLASSES, BATCH)
    onehot = np.eye(CLASSES)[labels]
    log_p = z - safe_log_sum_exp(z)
    by_index = -log_p[np.arange(BATCH), labels].mean()
    by_onehot = -(onehot * log_p).sum() / BATCH
    by_hand = (np.exp(log_p) - onehot) / BATCH
    tensor = Tensor(z, requires_grad=True)
    fused = ops.softmax_cross_entropy(tensor, labels)
    fused.backward()
    plain, clipped, safe = [], [], []
    for size in SIZES:  # the right class has the lowest of scores that are `size` apart
        scores = np.zeros((1, CLASSES), np.float32)
        scores[0, 0] = size
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            p = np.exp(scores) / np.exp(scores).sum()
            plain.append(float(-np.log(p[0, 1])))
        p = np.exp(scores - safe_log_sum_exp(scores))
        clipped.append(float(-np.log(p[0, 1] + np.float32(1e-7))))
        safe.append(ops.softmax_cross_entropy(Tensor(scores), np.array([1])).item())
    return {
        "one-hot against index labels": abs(by_onehot - by_index),
        "fused op against the formula": abs(fused.item() - by_index),
        "gradient against (p - t)/B": float(np.abs(tensor.grad - by_hand).max()),
        "share of score sizes with a finite plain loss": float(np.isfinite(plain).mean()),
        "safe loss against the truth, relative": float(np.max(np.abs(safe / true_losses() - 1))),
        "losses": {"plain": plain, "with 1e-7 added": clipped, "fused op": safe},
    }


def safe_log_sum_exp(z: np.ndarray) -> np.ndarray:
    """log Σ exp(z) over the last axis, (…, 1): with the maximum taken out nothing overflows."""
    top = z.max(axis=-1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True))


def true_losses() -> np.ndarray:
    """log(e^s + K - 1): what the loss is at each of SIZES."""
    s = np.array(SIZES)
    return s + np.log1p((CLASSES - 1) * np.exp(-s))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Loss of a wrong answer against how sure of it the network is, as three ways compute it."""
    axes = figure.subplots()
    axes.plot(SIZES, true_losses(), color="0.75", linewidth=7, label="truth")
    kinds: dict[str, dict[str, Any]] = {
        "fused op": {"marker": "o", "color": "C2"},
        "with 1e-7 added": {"marker": "^", "linestyle": "--", "color": "C1"},
        "plain": {"marker": "s", "linestyle": "", "color": "C0", "markersize": 11, "fillstyle": "none"},
    }
    for name, kind in kinds.items():
        band(axes, SIZES, stacked(numbers, "losses", name), label=name, **kind)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.annotate(
        "plain: overflows beyond 88",
        (60, 60),
        xytext=(1.4, 250),
        arrowprops={"arrowstyle": "->", "color": "0.4"},
    )
    label(axes, "score of the wrong class above the others", "loss (nats)")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.4",
    claim="One-hot and index labels, formula and fused op give one loss and the gradient (p - t)/B, at any "
    "score.",
    criteria=(
        Criterion("one-hot against index labels", lambda n: n["one-hot against index labels"], below=1e-9),
        Criterion("fused op against the formula", lambda n: n["fused op against the formula"], below=1e-9),
        Criterion("gradient against (p - t)/B", lambda n: n["gradient against (p - t)/B"], below=1e-9),
        Criterion(
            "fused loss against the truth up to scores of 1,000, relative",
            lambda n: n["safe loss against the truth, relative"],
            below=1e-6,
        ),
        Criterion(
            "share of score sizes where the plain formula is finite",
            lambda n: n["share of score sizes with a finite plain loss"],
            below=0.9,
        ),
    ),
    run=run,
    draw=draw,
    note="Adding 1e-7 before the logarithm avoids log 0, and cuts every loss off at 16.1; a safe "
    "log-sum-exp is exact.",
    source="Blanchard, Higham, Higham 2021, Accurately Computing the Log-Sum-Exp and Softmax Functions",
)
