"""Layer against batch normalisation, as the batch shrinks to one, and in a recurrent network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, label, stacked
from seqkit.lab.harness.images import load_images
from seqkit.lab.harness.training import accuracy, fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCHES = (1, 2, 4, 8, 32)
NORMS: dict[str, Callable[[int], Any]] = {
    "none": lambda size: lambda x: x,
    "BatchNorm": nn.BatchNorm,
    "LayerNorm": nn.LayerNorm,
}
HIDDEN = 50
LR = 0.2
"""For the largest batch."""
LAYERED = ("BatchNorm", "LayerNorm")
RECURRENT_BATCHES = (4, 8, 32)


class _Classifier(nn.Module):
    """Images (B, H, W, 1) to scores (B, 10), by :meth:`features`."""

    output: nn.Linear

    def features(self, x: np.ndarray) -> Tensor:
        """Images to (B, HIDDEN)."""
        raise NotImplementedError

    def loss(self, x: np.ndarray, labels: np.ndarray, *, generator: Any = None) -> Tensor:
        """Mean cross entropy."""
        return ops.softmax_cross_entropy(self.output(self.features(x)), labels)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Classes (B,)."""
        self.eval()
        with no_grad():
            classes: np.ndarray = self.output(self.features(x)).data.argmax(axis=1)
        self.train()
        return classes


class Layered(_Classifier):
    """Two hidden layers, normalised before each ReLU."""

    def __init__(self, inputs: int, norm: str, generator: Generator) -> None:
        self.first = nn.Linear(inputs, HIDDEN, generator=generator)
        self.second = nn.Linear(HIDDEN, HIDDEN, generator=generator)
        self.norms = [NORMS[norm](HIDDEN) for _ in range(2)]
        self.output = nn.Linear(HIDDEN, 10, generator=generator)

    def features(self, x: np.ndarray) -> Tensor:
        h = Tensor(x.reshape(len(x), -1))
        for layer, norm in zip((self.first, self.second), self.norms, strict=True):
            h = ops.relu(norm(layer(h)))
        return h


class RowReader(_Classifier):
    """A plain recurrent network that reads an image row by row: h = tanh(norm(Wx·row + Wh·h))."""

    def __init__(self, inputs: int, norm: str, generator: Generator) -> None:
        self.row = nn.Linear(inputs, HIDDEN, generator=generator)
        self.state = nn.Linear(HIDDEN, HIDDEN, bias=False, generator=generator)
        self.norm = NORMS[norm](HIDDEN)
        self.output = nn.Linear(HIDDEN, 10, generator=generator)

    def features(self, x: np.ndarray) -> Tensor:
        h = Tensor(np.zeros((len(x), HIDDEN), np.float32))
        for t in range(x.shape[1]):
            h = ops.tanh(self.norm(self.row(Tensor(x[:, t, :, 0])) + self.state(h)))
        return h


def run(setup: Setup) -> Numbers:
    """Test accuracy by normalisation and batch size, of the layered network and of the recurrent one."""
    train, _, test = load_images(setup, train=setup.scale(quick=200, full=800))
    epochs = setup.scale(quick=10, full=20)

    def trained(kind: Any, inputs: int, norm: str, batch: int) -> float | None:
        if norm == "BatchNorm" and batch == 1:
            return None  # refused: one value has no variance
        model = kind(inputs, norm, setup.generator("weights"))
        lr = LR * batch / BATCHES[-1]  # as many examples, so as long a way
        fit(model, train, epochs=epochs, lr=lr, batch=batch, generator=setup.generator("batches"))
        return accuracy(model, test)

    height, width = train.x.shape[1:3]
    layered = {norm: [trained(Layered, height * width, norm, b) for b in BATCHES] for norm in LAYERED}
    recurrent = {norm: [trained(RowReader, width, norm, b) for b in RECURRENT_BATCHES] for norm in NORMS}
    return {
        **{
            f"layered network, batches of {batch}": {
                norm: layered[norm][BATCHES.index(batch)] for norm in LAYERED
            }
            for batch in (1, 2, 32)
        },
        "recurrent network, batches of 4": {norm: each[0] for norm, each in recurrent.items()},
        "recurrent network, batches of 32": {norm: each[-1] for norm, each in recurrent.items()},
        "layered": layered,
        "recurrent": recurrent,
    }


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Accuracy against batch size, a panel a network."""
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, key, batches in ((left, "layered", BATCHES), (right, "recurrent", RECURRENT_BATCHES)):
        for i, norm in enumerate(NORMS):
            if norm in numbers[0][key]:
                band(axes, batches, stacked(numbers, key, norm), marker="o", label=norm, color=f"C{i}")
        axes.set_xscale("log", base=2)
        axes.set_xticks(batches, [str(batch) for batch in batches])
        label(axes, "images in a training batch", "test accuracy", f"{key} network")
        axes.legend(loc="lower right")
    left.set_xlabel("images in a training batch (BatchNorm refuses 1)")


def gain(n: Numbers, key: str) -> float:
    """Accuracy with LayerNorm less that with BatchNorm."""
    return n[key]["LayerNorm"] - n[key]["BatchNorm"]


def shrinking(n: Numbers, norm: str, batch: int) -> float:
    """Accuracy that the layered network loses from batches of 32 to smaller ones."""
    return n["layered network, batches of 32"][norm] - n[f"layered network, batches of {batch}"][norm]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.8",
    claim="As the batch shrinks BatchNorm loses accuracy and LayerNorm does not; in a recurrent network, "
    "too, LayerNorm does better in small batches.",
    criteria=(
        Criterion(
            "accuracy in batches of 2, LayerNorm less BatchNorm",
            lambda n: gain(n, "layered network, batches of 2"),
            above=0.05,
        ),
        Criterion(
            "LayerNorm, accuracy in batches of 32 less in batches of 1",
            lambda n: shrinking(n, "LayerNorm", 1),
            below=0.05,
        ),
        Criterion(
            "BatchNorm, accuracy in batches of 32 less in batches of 2",
            lambda n: shrinking(n, "BatchNorm", 2),
            above=0.05,
        ),
        Criterion(
            "recurrent network in batches of 4, LayerNorm less BatchNorm",
            lambda n: gain(n, "recurrent network, batches of 4"),
            above=0.02,
        ),
    ),
    run=run,
    draw=draw,
    note="Layer normalisation in sequence models normalises over the features of one token, not over the "
    "batch or over time. The recurrent BatchNorm here has one set of running statistics for all time steps, "
    "where Cooijmans et al. keep one for each, and lags in large batches as well.",
    source="Ba, Kiros, Hinton 2016, section 3.1; Cooijmans et al. 2017, Recurrent Batch Normalization",
    size=(9.0, 4.0),
)
