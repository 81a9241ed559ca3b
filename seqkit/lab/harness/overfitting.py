"""What the experiments on overfitting share: few images, a large network, some labels wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.lab.harness.experiment import Setup
from seqkit.lab.harness.images import Images, load_images
from seqkit.lab.harness.training import accuracy, fit, mlp

TRAIN = 200


def settled(curve: list[float]) -> float:
    """The mean of a curve's last ten points: a single epoch's accuracy jumps."""
    return float(np.mean(curve[-10:]))


def gap(found: dict[str, Any]) -> float:
    """Training accuracy less test accuracy when training is over."""
    return settled(found["train"]) - settled(found["test"])


def overfit(setup: Setup, *, wrong: float = 0.2, dropout: float = 0.0, **settings: Any) -> dict[str, Any]:
    """Train on 200 images, a share ``wrong`` of them with another label than theirs.

    ``settings`` are SGD's, such as weight_decay. Returns accuracies by epoch, "train" and "test", and
    "weights", the magnitudes of the first layer's.
    """
    train, _, test = load_images(setup, train=TRAIN, test=1000)
    labels = train.labels.copy()
    change = int(wrong * TRAIN)
    labels[:change] = (labels[:change] + setup.generator("labels").integers(1, 10, change)) % 10
    train = Images(train.x, labels)
    model = mlp(setup, train, hidden=(100, 100, 100), dropout=dropout)
    found: dict[str, Any] = {"train": [], "test": []}

    def look(epoch: int) -> None:
        found["train"].append(accuracy(model, train))
        found["test"].append(accuracy(model, test))

    fit(
        model,
        train,
        epochs=setup.scale(quick=120, full=300),
        lr=0.1,
        batch=50,
        generator=setup.generator("batches"),
        look=look,
        **settings,
    )
    found["weights"] = abs(model.layers[0].W.data).ravel().tolist()
    return found
