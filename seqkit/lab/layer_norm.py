"""Layer and batch normalisation by batch size, and in a recurrent network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.lab.harness.drawing import label_axes, plot_band, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import accuracy, fit, load_images

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
"""Learning rate of the largest batch."""
LAYERED = ("BatchNorm", "LayerNorm")
RECURRENT_BATCHES = (4, 8, 32)


class _Classifier(nn.Module):
    """Classifier of images (B, H, W, 1): scores (B, 10) from :meth:`features`."""

    output: nn.Linear

    def features(self, x: np.ndarray) -> Tensor:
        """Return the features (B, HIDDEN) of images."""
        raise NotImplementedError

    def loss(self, x: np.ndarray, labels: np.ndarray, *, generator: Generator | None = None) -> Tensor:
        """Return the mean cross-entropy."""
        return ops.softmax_cross_entropy(self.output(self.features(x)), labels)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predicted classes (B,)."""
        self.eval()
        with no_grad():
            classes: np.ndarray = self.output(self.features(x)).data.argmax(axis=1)
        self.train()
        return classes


class LayeredNetwork(_Classifier):
    """Network of two hidden layers, normalised before each ReLU."""

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


class RecurrentNetwork(_Classifier):
    """Plain recurrent network that reads an image row by row: h = tanh(norm(Wx·row + Wh·h))."""

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
    """Measure the test accuracy of a layered and a recurrent network by normalisation and batch size."""
    train, _, test = load_images(setup, train=setup.scale(quick=200, full=800))
    epochs = setup.scale(quick=10, full=20)

    def test_accuracy(classifier: Any, inputs: int, norm: str, batch: int) -> float | None:
        if norm == "BatchNorm" and batch == 1:
            return None  # one value has no variance
        model = classifier(inputs, norm, setup.generator("weights"))
        lr = LR * batch / BATCHES[-1]  # equal total step length over an epoch
        fit(model, train, epochs=epochs, lr=lr, batch=batch, generator=setup.generator("batches"))
        return accuracy(model, test)

    height, width = train.x.shape[1:3]
    layered = {
        norm: [test_accuracy(LayeredNetwork, height * width, norm, b) for b in BATCHES] for norm in LAYERED
    }
    recurrent = {
        norm: [test_accuracy(RecurrentNetwork, width, norm, b) for b in RECURRENT_BATCHES] for norm in NORMS
    }
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
    """Plot the accuracy by batch size, in one panel per network."""
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, key, batches in ((left, "layered", BATCHES), (right, "recurrent", RECURRENT_BATCHES)):
        for i, norm in enumerate(NORMS):
            if norm in numbers[0][key]:
                plot_band(axes, batches, stack(numbers, key, norm), marker="o", label=norm, color=f"C{i}")
        axes.set_xscale("log", base=2)
        axes.set_xticks(batches, [str(batch) for batch in batches])
        label_axes(axes, "images in a training batch", "test accuracy", f"{key} network")
        axes.legend(loc="lower right")
    left.set_xlabel("images in a training batch (BatchNorm needs 2)")


def gain(n: Numbers, key: str) -> float:
    """Return the accuracy with LayerNorm minus that with BatchNorm."""
    return n[key]["LayerNorm"] - n[key]["BatchNorm"]


def small_batch_loss(n: Numbers, norm: str, batch: int) -> float:
    """Return the accuracy that the layered network loses from batches of 32 to smaller batches."""
    return n["layered network, batches of 32"][norm] - n[f"layered network, batches of {batch}"][norm]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.9",
    place=2,
    claim="As the batch shrinks BatchNorm loses accuracy and LayerNorm does not; in a recurrent network, "
    "too, LayerNorm does better in small batches.",
    criteria=(
        Criterion(
            "accuracy in batches of 2, LayerNorm minus BatchNorm",
            lambda n: gain(n, "layered network, batches of 2"),
            above=0.05,
        ),
        Criterion(
            "LayerNorm, accuracy in batches of 32 minus in batches of 1",
            lambda n: small_batch_loss(n, "LayerNorm", 1),
            below=0.05,
        ),
        Criterion(
            "BatchNorm, accuracy in batches of 32 minus in batches of 2",
            lambda n: small_batch_loss(n, "BatchNorm", 2),
            above=0.05,
        ),
        Criterion(
            "recurrent network in batches of 4, LayerNorm minus BatchNorm",
            lambda n: gain(n, "recurrent network, batches of 4"),
            above=0.02,
        ),
    ),
    run=run,
    draw=draw,
    reads_images=True,
    note="Layer normalisation in sequence models normalises over the features of one token, not over the "
    "batch or over time. The recurrent BatchNorm here has one set of running statistics for all time steps, "
    "where Cooijmans et al. keep one for each, and is worse in large batches as well.",
    source="Ba, Kiros, Hinton 2016, section 3.1; Cooijmans et al. 2017, Recurrent Batch Normalization",
    size=(9.0, 4.0),
)
