"""Pooling: sensitivity to shifts, and the size of the next layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import no_grad
from seqkit.lab.harness.drawing import label_axes, plot_band, plot_bars, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import load_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHIFTS = (0, 1, 2, 3)
SIZES = (1, 2, 4)
SIDE = 16
NEXT_LAYER = "weights of a following linear layer of 100"


def run(setup: Setup) -> Numbers:
    """Measure the relative change of features by the shift of the image, and the size of the next layer."""
    train, _, _ = load_images(setup, train=200)
    images = _centre(train.x)
    weights = setup.generator("weights")
    conv = nn.Conv2d(1, 16, 3, padding=1, generator=weights)
    pools = {size: nn.MaxPool2d(size) for size in SIZES}
    changes: dict[str, list[float]] = {}
    weight_counts = {}
    with no_grad():
        for size, pool in pools.items():
            features = pool(ops.relu(conv(images))).data
            row = []
            for shift in SHIFTS:
                shifted = pool(ops.relu(conv(np.roll(images, shift, axis=2)))).data
                row.append(float(np.linalg.norm(shifted - features) / np.linalg.norm(features)))
            changes[str(size)] = row
            linear = nn.Linear(features[0].size, 100, bias=False, generator=weights)
            weight_counts[f"pool {size}"] = linear.parameter_count()
    return {
        "change by a shift of 1, pooled 2×2 ÷ not": changes["2"][1] / changes["1"][1],
        "parameters of a pooling layer": sum(pool.parameter_count() for pool in pools.values()),
        NEXT_LAYER: weight_counts,
        "changes": changes,
    }


def _centre(x: np.ndarray) -> np.ndarray:
    """Crop or pad images to 16×16, with room to shift them."""
    x = x[:, ::2, ::2] if x.shape[1] > SIDE else x
    x = x[:, :SIDE, :SIDE]
    before = (SIDE - x.shape[1]) // 2, (SIDE - x.shape[2]) // 2
    pads = [(each, SIDE - n - each) for each, n in zip(before, x.shape[1:3], strict=True)]
    return np.pad(x, ((0, 0), *pads, (0, 0)))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the change by shift, and the weights of the next layer."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for size in SIZES:
        text = "not pooled" if size == 1 else f"max pooling {size}×{size}"
        plot_band(left, SHIFTS, stack(numbers, "changes", str(size)), marker="o", label=text)
    left.set_xticks(SHIFTS)
    label_axes(left, "shift of the image (pixels)", "relative change of the features")
    left.legend(loc="upper left")
    values = np.stack([stack(numbers, NEXT_LAYER, f"pool {size}") for size in SIZES], axis=1)
    plot_bars(right, ["none", "2×2", "4×4"], values / 1e3)
    label_axes(right, "pooling (0 parameters of its own)", "weights of the next layer (thousands)")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.7",
    place=2,
    claim="Max pooling makes features change less when the image shifts by a pixel, and the next layer "
    "smaller; it has no parameters itself.",
    criteria=(
        Criterion(
            "change by a shift of 1 pixel, pooled 2×2 ÷ not pooled",
            lambda n: n["change by a shift of 1, pooled 2×2 ÷ not"],
            below=0.9,
        ),
        Criterion(
            "weights of a following linear layer, pooled 2×2 ÷ not pooled",
            lambda n: n[NEXT_LAYER]["pool 2"] / n[NEXT_LAYER]["pool 1"],
            below=0.3,
        ),
        Criterion("parameters of pooling layers", lambda n: n["parameters of a pooling layer"], below=0.5),
    ),
    run=run,
    draw=draw,
    has_sizes=False,
    reads_images=True,
    note="Pooling has no parameters to save; it saves positions, and so weights and time of the next "
    "layer. It reduces the effect of a shift but does not remove it.",
    source="Goodfellow, Bengio, Courville 2016, section 9.3; Zhang 2019, Making Convolutional Networks "
    "Shift-Invariant Again",
    size=(9.0, 4.0),
)
