"""CBOW with the full softmax and with negative sampling: time, and the neighbours that come out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.data import ContextWindows, NegativeSampler
from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import band, bars, label, stacked
from seqkit.lab.harness.text import pydocs
from seqkit.lab.harness.timing import alternate
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.optim import AdaGrad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (500, 2_000, 8_000)
"""Vocabularies that are timed."""
WORDS = 2_000
"""The vocabulary of the comparison of neighbours."""
E, B, K, WINDOW = 50, 100, 5, 3
LOSSES = ("softmax", "negative-sampling")
ASKED = 100
"""The most frequent words, whose ten nearest are compared."""


def run(setup: Setup) -> Numbers:
    """Seconds a step by vocabulary; the overlap of the ten nearest words of the 100 most frequent."""
    seconds: dict[str, list[float]] = {loss: [] for loss in LOSSES}
    for V in SIZES:
        random = setup.generator("words")
        batch = random.integers(0, V, (B, 2 * WINDOW)), random.integers(0, V, B)
        negatives = random.integers(0, V, (B, K))
        ways = {loss: _step(setup, V, loss, batch, negatives) for loss in LOSSES}
        for loss, median in alternate(ways, setup.scale(quick=7, full=25)).items():
            seconds[loss].append(median)
    encoded = pydocs(vocab_size=WORDS)
    ids = np.asarray(encoded.splits["train"])[: setup.scale(quick=60_000, full=None)]
    near = {loss: _nearest(_vectors(setup, ids, loss)) for loss in LOSSES}
    shared = [
        len(set(a) & set(b)) / 10 for a, b in zip(*(near[loss].tolist() for loss in LOSSES), strict=True)
    ]
    ratios = [a / b for a, b in zip(*(seconds[loss] for loss in LOSSES), strict=True)]
    return {
        "time of a step, softmax ÷ negative sampling": {
            f"{V} words": r for V, r in zip(SIZES, ratios, strict=True)
        },
        "share of neighbours in common": float(np.mean(shared)),
        "the same by chance": 10 / WORDS,
        "seconds": seconds,
    }


def _model(setup: Setup, V: int, loss: str) -> tuple[Word2VecModel, AdaGrad]:
    config = Word2VecConfig(V, E, loss=loss, weight_init="normal")
    model = Word2VecModel(config, generator=setup.generator("weights"))
    return model, AdaGrad(model.parameters(), lr=0.1)


def _step(setup: Setup, V: int, loss: str, batch: Any, negatives: np.ndarray) -> Any:
    """A training step as a function without arguments."""
    model, optimizer = _model(setup, V, loss)

    def step() -> None:
        _train(model, optimizer, batch, negatives if loss == "negative-sampling" else None)

    return step


def _train(model: Word2VecModel, optimizer: AdaGrad, batch: Any, negatives: np.ndarray | None) -> None:
    optimizer.zero_grad()
    contexts, centres = batch
    model.loss(contexts, centres, negatives).backward()
    optimizer.step()


def _vectors(setup: Setup, ids: np.ndarray, loss: str) -> np.ndarray:
    """Word vectors (WORDS, E) of unit length after training on a text."""
    model, optimizer = _model(setup, WORDS, loss)
    windows = ContextWindows(ids, window=WINDOW, batch_size=B, seed=setup.seed)
    sampler = NegativeSampler(np.bincount(ids, minlength=WORDS), seed=setup.seed)
    for epoch in range(setup.scale(quick=1, full=2)):
        for index, batch in enumerate(windows.epoch(epoch)):
            drawn = sampler.draw((len(batch[1]), K), epoch=epoch, index=index)
            _train(model, optimizer, batch, drawn if loss == "negative-sampling" else None)
    return model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)


def _nearest(vectors: np.ndarray) -> np.ndarray:
    """(ASKED, 10) the nearest other words of the most frequent ones."""
    cosines = vectors[:ASKED] @ vectors.T
    cosines[np.arange(ASKED), np.arange(ASKED)] = -1
    nearest: np.ndarray = np.argsort(-cosines, axis=1)[:, :10]
    return nearest


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Time of a step against the vocabulary; shared neighbours against chance."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for loss in LOSSES:
        band(left, SIZES, 1e3 * stacked(numbers, "seconds", loss), marker="o", label=loss.replace("-", " "))
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_xticks(SIZES, [f"{V:,}" for V in SIZES])
    left.set_yticks((0.5, 1, 2, 4, 8), ("0.5", "1", "2", "4", "8"))
    left.minorticks_off()
    label(left, "words in the vocabulary", "milliseconds a step (batch of 100)")
    left.legend(loc="upper left")
    keys = ("share of neighbours in common", "the same by chance")
    bars(right, ["measured", "by chance"], np.stack([stacked(numbers, key) for key in keys], axis=1))
    label(right, "ten nearest of 100 words", "share that both losses find")


def log_ratio(n: Numbers, V: int) -> float:
    """log10 of the time of a step with V words, softmax ÷ negative sampling."""
    return math.log10(n["time of a step, softmax ÷ negative sampling"][f"{V} words"])


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.4",
    claim="Negative sampling takes a fraction of the full softmax's time, the smaller the larger the "
    "vocabulary, and finds similar neighbours.",
    criteria=(
        Criterion(
            "log10 of the time of a step at 8,000 words, softmax ÷ negative sampling",
            lambda n: log_ratio(n, 8_000),
            above=0.5,
        ),
        Criterion(
            "the same less that at 500 words",
            lambda n: log_ratio(n, 8_000) - log_ratio(n, 500),
            above=0.2,
        ),
        Criterion(
            "share of the ten nearest words in common, ÷ that by chance",
            lambda n: n["share of neighbours in common"] / n["the same by chance"],
            above=10,
        ),
    ),
    run=run,
    draw=draw,
    source="Mikolov, Sutskever, Chen, Corrado, Dean 2013",
    size=(9.0, 4.0),
)
