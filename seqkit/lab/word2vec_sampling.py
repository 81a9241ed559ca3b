"""CBOW with the full softmax and with negative sampling: time and nearest neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqkit.data import ContextWindows, NegativeSampler
from seqkit.lab.harness.drawing import label_axes, plot_band, plot_bars, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import encode_pydocs, shortest_seconds
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.optim import AdaGrad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (500, 2_000, 8_000)
"""Vocabulary sizes of the timing."""
WORDS = 2_000
"""Vocabulary size of the comparison of neighbours."""
E, B, K, WINDOW = 50, 100, 5, 3
LOSSES = ("softmax", "negative-sampling")
Batch = tuple[np.ndarray, np.ndarray]
"""Contexts and centre words."""
QUERIES = 100
"""Number of most frequent words whose ten nearest neighbours are compared."""


def run(setup: Setup) -> Numbers:
    """Measure seconds per step by vocabulary size, and the overlap of nearest neighbours of both losses."""
    seconds: dict[str, list[float]] = {loss: [] for loss in LOSSES}
    for V in SIZES:
        random = setup.generator("words")
        batch = random.integers(0, V, (B, 2 * WINDOW)), random.integers(0, V, B)
        negatives = random.integers(0, V, (B, K))
        steps = {loss: _step(setup, V, loss, batch, negatives) for loss in LOSSES}
        for loss, least in shortest_seconds(steps, setup.scale(quick=25, full=100)).items():
            seconds[loss].append(least)
    encoded = encode_pydocs(vocab_size=WORDS)
    ids = np.asarray(encoded.splits["train"])[: setup.scale(quick=60_000, full=None)]
    neighbours = {loss: _nearest(_vectors(setup, ids, loss)) for loss in LOSSES}
    pairs = zip(*(neighbours[loss].tolist() for loss in LOSSES), strict=True)
    overlaps = [len(set(a) & set(b)) / 10 for a, b in pairs]
    ratios = [a / b for a, b in zip(*(seconds[loss] for loss in LOSSES), strict=True)]
    return {
        "time of a step, softmax ÷ negative sampling": {
            f"{V} words": r for V, r in zip(SIZES, ratios, strict=True)
        },
        "fraction of neighbours in common": float(np.mean(overlaps)),
        "fraction expected by chance": 10 / WORDS,
        "seconds": seconds,
    }


def _model(setup: Setup, V: int, loss: str) -> tuple[Word2VecModel, AdaGrad]:
    config = Word2VecConfig(V, E, loss=loss, weight_init="normal")
    model = Word2VecModel(config, generator=setup.generator("weights"))
    return model, AdaGrad(model.parameters(), lr=0.1)


def _step(setup: Setup, V: int, loss: str, batch: Batch, negatives: np.ndarray) -> Callable[[], None]:
    """Return a training step as a function without arguments."""
    model, optimizer = _model(setup, V, loss)

    def step() -> None:
        _train(model, optimizer, batch, negatives if loss == "negative-sampling" else None)

    return step


def _train(model: Word2VecModel, optimizer: AdaGrad, batch: Batch, negatives: np.ndarray | None) -> None:
    optimizer.zero_grad()
    contexts, centres = batch
    model.loss(contexts, centres, negatives).backward()
    optimizer.step()


def _vectors(setup: Setup, ids: np.ndarray, loss: str) -> np.ndarray:
    """Train on a text and return word vectors (WORDS, E) of unit length."""
    model, optimizer = _model(setup, WORDS, loss)
    windows = ContextWindows(ids, window=WINDOW, batch_size=B, seed=setup.seed)
    sampler = NegativeSampler(np.bincount(ids, minlength=WORDS), seed=setup.seed)
    for epoch in range(setup.scale(quick=1, full=2)):
        for index, batch in enumerate(windows.epoch(epoch)):
            negatives = sampler.draw((len(batch[1]), K), epoch=epoch, index=index)
            _train(model, optimizer, batch, negatives if loss == "negative-sampling" else None)
    return model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)


def _nearest(vectors: np.ndarray) -> np.ndarray:
    """Return the ten nearest neighbours of the most frequent words, (QUERIES, 10)."""
    cosines = vectors[:QUERIES] @ vectors.T
    cosines[np.arange(QUERIES), np.arange(QUERIES)] = -1
    nearest: np.ndarray = np.argsort(-cosines, axis=1)[:, :10]
    return nearest


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the time of a step by vocabulary size, and the shared neighbours beside chance."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for loss in LOSSES:
        plot_band(
            left, SIZES, 1e3 * stack(numbers, "seconds", loss), marker="o", label=loss.replace("-", " ")
        )
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_xticks(SIZES, [f"{V:,}" for V in SIZES])
    left.set_yticks((0.5, 1, 2, 4, 8), ("0.5", "1", "2", "4", "8"))
    left.minorticks_off()
    label_axes(left, "words in the vocabulary", "milliseconds per step (batch of 100)")
    left.legend(loc="upper left")
    keys = ("fraction of neighbours in common", "fraction expected by chance")
    plot_bars(right, ["measured", "by chance"], np.stack([stack(numbers, key) for key in keys], axis=1))
    label_axes(right, "ten nearest of 100 words", "fraction that both losses find")


def log_ratio(n: Numbers, V: int) -> float:
    """Return log10 of the time of a step with V words, softmax ÷ negative sampling."""
    return math.log10(n["time of a step, softmax ÷ negative sampling"][f"{V} words"])


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.4",
    place=1,
    claim="Negative sampling takes a fraction of the full softmax's time, smaller for larger vocabularies, "
    "and finds similar neighbours.",
    criteria=(
        Criterion(
            "log10 of the time of a step at 8,000 words, softmax ÷ negative sampling",
            lambda n: log_ratio(n, 8_000),
            above=0.5,
        ),
        Criterion(
            "the same minus that at 500 words",
            lambda n: log_ratio(n, 8_000) - log_ratio(n, 500),
            above=0.2,
        ),
        Criterion(
            "fraction of the ten nearest words in common ÷ that by chance",
            lambda n: n["fraction of neighbours in common"] / n["fraction expected by chance"],
            above=10,
        ),
    ),
    run=run,
    draw=draw,
    source="Mikolov, Sutskever, Chen, Corrado, Dean 2013",
    size=(9.0, 4.0),
)
