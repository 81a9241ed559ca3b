"""Shared by all classifiers: their labels, the label of an example, and the scores of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.errors import DamagedFileError
from seqkit.text.vocabulary_file import escape, unescape

LABELS = "labels.txt"


def labels_to_bytes(classes: Sequence[str]) -> bytes:
    """The content of labels.txt: the name of class n, escaped, stands in line n + 1."""
    return "".join(f"{escape(name)}\n" for name in classes).encode()


def labels_from_bytes(data: bytes, source: str) -> tuple[str, ...]:
    """What :func:`labels_to_bytes` wrote. DamagedFileError naming ``source``."""
    try:
        return tuple(unescape(line) for line in data.decode().splitlines())
    except ValueError as error:
        raise DamagedFileError(f"{source} holds no labels ({error})") from error


@dataclass(frozen=True)
class Classified:
    """The likeliest label of an example, its probability, and the probability of every label."""

    label: str
    probability: float
    probabilities: dict[str, float]


def classified(log_probs: np.ndarray, classes: Sequence[str]) -> list[Classified]:
    """Return the most probable class of each of N examples, given log P(class), (N, K)."""
    probabilities = np.exp(log_probs.astype(np.float64))
    return [
        Classified(classes[best], float(row[best]), dict(zip(classes, row.tolist(), strict=True)))
        for best, row in zip(log_probs.argmax(axis=1).tolist(), probabilities, strict=True)
    ]


@dataclass(frozen=True)
class ClassScores:
    """How a split is classified. loss: mean -log P of the true class, in nats.

    confusion: (K, K) int64, examples of class t that were taken for p at [t, p]. scores: precision, recall
    and F1 as :func:`seqkit.metrics.precision_recall_f1` defines them.
    """

    split: str
    examples: int
    accuracy: float
    loss: float
    classes: tuple[str, ...]
    scores: metrics.ClassScores
    confusion: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, in this order."""
        scores = self.scores
        return {
            "split": self.split,
            "examples": self.examples,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "macro": vars(scores.macro),
            "weighted": vars(scores.weighted),
            "classes": [
                {"label": name, "precision": float(p), "recall": float(r), "f1": float(f), "examples": int(n)}
                for name, p, r, f, n in zip(
                    self.classes, scores.precision, scores.recall, scores.f1, scores.support, strict=True
                )
            ],
            "confusion": self.confusion.tolist(),
        }


def score_classes(
    split: str, log_probs: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> ClassScores:
    """The scores of log P(class), (N, K), against class numbers (N,)."""
    predicted = log_probs.argmax(axis=1)
    return ClassScores(
        split=split,
        examples=len(labels),
        accuracy=metrics.accuracy(predicted, labels),
        loss=-float(log_probs[np.arange(len(labels)), labels].mean(dtype=np.float64)),
        classes=tuple(classes),
        scores=metrics.precision_recall_f1(predicted, labels, len(classes)),
        confusion=metrics.confusion_matrix(predicted, labels, len(classes)),
    )
