"""A training loop for experiments: batches of a shuffled order, one optimiser, a look at each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit import optim
from seqkit.backend.random import Generator
from seqkit.lab.harness.experiment import Setup
from seqkit.lab.harness.images import Images
from seqkit.models.images import MLP, MLPConfig


def mlp(setup: Setup, images: Images, **settings: Any) -> MLP:
    """A fully connected network for such images, drawn by the seed; settings of MLPConfig."""
    _, H, W, C = images.x.shape
    return MLP(MLPConfig(H, W, C, **settings), generator=setup.generator("weights"))


def fit(
    model: Any,
    data: Images,
    *,
    epochs: int,
    lr: float,
    optimizer: str = "sgd",
    batch: int = 100,
    generator: Generator,
    look: Callable[[int], Any] = lambda epoch: None,
    **settings: Any,
) -> list[float]:
    """Train an image model; the loss of every iteration.

    ``look`` is called with 0 before the first epoch, and with its number after each. A last batch that is
    not full is left out. ``generator`` shuffles, and serves dropout; ``settings`` are the optimiser's. Losses
    that overflow are kept: to diverge is a result too.
    """
    step = optim.make_optimizer(optimizer, list(model.named_parameters()), lr=lr, **settings)
    losses = []
    look(0)
    for epoch in range(1, epochs + 1):
        order = generator.permutation(len(data))
        for start in range(0, len(data) - batch + 1, batch):
            rows = order[start : start + batch]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                loss = model.loss(data.x[rows], data.labels[rows], generator=generator)
                model.zero_grad()
                loss.backward()
                step.step()
            losses.append(loss.item())
        look(epoch)
    return losses


def accuracy(model: Any, data: Images) -> float:
    """The share of images classified right, in evaluation mode."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return float((model.predict(data.x) == data.labels).mean())


def smoothed(losses: list[float], points: int) -> list[float]:
    """Means of ``points`` equal stretches of the losses."""
    return [float(np.mean(part)) for part in np.array_split(np.array(losses), points)]
