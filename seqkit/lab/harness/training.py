"""Image classifiers in experiments: their images, their training, and measures that experiments share."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import optim
from seqkit.backend.random import Generator
from seqkit.corpora import open_corpus, open_images
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.lab.harness.experiment import Setup
from seqkit.models.images import MLP, MLPConfig
from seqkit.text import get_tokenizer


@dataclass(frozen=True)
class Images:
    """Labelled images: ``x`` (N, H, W, 1) float32 from 0 to 1, and ``labels`` (N,) below 10."""

    x: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: np.ndarray) -> Images:
        """Return the images of the given rows."""
        return Images(self.x[rows], self.labels[rows])


def load_images(
    setup: Setup, *, train: int, valid: int = 0, test: int = 500
) -> tuple[Images, Images, Images]:
    """Return disjoint training, validation and test splits of the given sizes, drawn by the seed."""
    images = _all_images(setup.data)
    order = setup.generator("split").permutation(len(images))
    a, b, c = train, train + valid, train + valid + test
    return images.select(order[:a]), images.select(order[a:b]), images.select(order[b:c])


@functools.cache
def _all_images(data: str) -> Images:
    """Return all splits of a data set together, since each seed splits them anew."""
    corpus = open_images(data)
    splits = [corpus.images(split) for split in corpus.splits]
    pixels = np.concatenate([split.images for split in splits])
    return Images(pixels.astype(np.float32) / 255, np.concatenate([split.labels for split in splits]))


@functools.cache
def encode_pydocs(tokenizer: str = "word", vocab_size: int | None = None) -> EncodedCorpus:
    """Return the embedded corpus as ids of lower-case words or of characters; ids are cached on disk."""
    corpus = open_corpus("pydocs")
    encoder = get_tokenizer(tokenizer, lowercase=tokenizer == "word")
    return encode_corpus(
        corpus.sources, encoder, key=corpus.content_key(), vocab_size=vocab_size, min_count=2
    )


Curves = dict[str, list[float]]
"""Values by epoch, under the names of what was measured."""


def accuracy(model: Any, data: Images) -> float:
    """Return the fraction of images that an image model classifies correctly, in evaluation mode."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return float((model.predict(data.x) == data.labels).mean())


def smooth(curve: Sequence[float], points: int) -> list[float]:
    """Return the means of ``points`` consecutive sections of a curve, of about equal length."""
    return [float(np.mean(section)) for section in np.array_split(np.array(curve), points)]


def final_mean(curve: Sequence[float]) -> float:
    """Return the mean of a curve's last ten points, since the accuracy of a single epoch is noisy."""
    return float(np.mean(curve[-10:]))


def generalisation_gap(curves: Curves) -> float:
    """Return the final training accuracy minus the final test accuracy."""
    return final_mean(curves["train"]) - final_mean(curves["test"])


def shortest_seconds(functions: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Time functions in turn and return the least seconds of each.

    On a busy machine most times contain waiting, but the least of many short ones does not.

    Args:
        functions: The functions to time, by name; each should take a few milliseconds at most.
        repeats: Timed rounds, after a first round that is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return {name: min(each) for name, each in seconds.items()}


OVERFITTING_IMAGES = 200
"""Training images of :func:`overfit`."""


def make_mlp(setup: Setup, images: Images, **settings: Any) -> MLP:
    """Return a fully connected network for such images; ``settings`` are those of MLPConfig."""
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
    after_epoch: Callable[[int], Any] = lambda epoch: None,
    **settings: Any,
) -> list[float]:
    """Train an image model in shuffled batches and return the loss of every iteration.

    Losses that overflow are kept, since divergence is a result too. An incomplete last batch is left out.

    Args:
        model: The model to train.
        data: The training images.
        epochs: Number of epochs.
        lr: Learning rate.
        optimizer: Name of the optimiser.
        batch: Images in a batch.
        generator: Source of randomness for shuffling and dropout.
        after_epoch: Called with 0 before the first epoch, then with the number of each epoch after it.
        settings: Further settings of the optimiser.
    """
    updater = optim.make_optimizer(optimizer, list(model.named_parameters()), lr=lr, **settings)
    losses = []
    after_epoch(0)
    for epoch in range(1, epochs + 1):
        order = generator.permutation(len(data))
        for start in range(0, len(data) - batch + 1, batch):
            rows = order[start : start + batch]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                loss = model.loss(data.x[rows], data.labels[rows], generator=generator)
                model.zero_grad()
                loss.backward()
                updater.step()
            losses.append(loss.item())
        after_epoch(epoch)
    return losses


def overfit(
    setup: Setup, *, wrong: float = 0.2, dropout: float = 0.0, **settings: Any
) -> tuple[Curves, np.ndarray]:
    """Train a large network on 200 images, a fraction ``wrong`` of them with a wrong label.

    Args:
        setup: Seed, sizes and data of the run.
        wrong: Fraction of images with a wrong label.
        dropout: Dropout rate.
        settings: Further settings of SGD, such as weight_decay.

    Returns:
        Accuracies by epoch under "train" and "test", and the magnitudes of the first layer's weights.
    """
    train, _, test = load_images(setup, train=OVERFITTING_IMAGES, test=1000)
    labels = train.labels.copy()
    wrong_count = int(wrong * OVERFITTING_IMAGES)
    offsets = setup.generator("labels").integers(1, 10, wrong_count)
    labels[:wrong_count] = (labels[:wrong_count] + offsets) % 10
    train = Images(train.x, labels)
    model = make_mlp(setup, train, hidden=(100, 100, 100), dropout=dropout)
    curves: Curves = {"train": [], "test": []}

    def record(epoch: int) -> None:
        curves["train"].append(accuracy(model, train))
        curves["test"].append(accuracy(model, test))

    fit(
        model,
        train,
        epochs=setup.scale(quick=120, full=300),
        lr=0.1,
        batch=50,
        generator=setup.generator("batches"),
        after_epoch=record,
        **settings,
    )
    return curves, abs(model.layers[0].weight.data).ravel()
