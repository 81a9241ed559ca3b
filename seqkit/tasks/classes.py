"""Labels, predictions and scores, shared by the classifiers of texts and images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.errors import DamagedFileError
from seqkit.text.vocabulary_file import escape, unescape

LABELS = "labels.txt"


def labels_to_bytes(classes: Sequence[str]) -> bytes:
    """Return the content of labels.txt: line n + 1 is the name of class n, escaped."""
    return "".join(f"{escape(name)}\n" for name in classes).encode()


def labels_from_bytes(data: bytes, source: str) -> tuple[str, ...]:
    """Return the names in labels.txt. Raise DamagedFileError if ``source`` is damaged."""
    try:
        labels = tuple(unescape(line) for line in data.decode().splitlines())
    except ValueError as error:
        raise DamagedFileError(f"{source} is damaged: {error}") from error
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise DamagedFileError(
            f"{source} is damaged: expected two or more different labels, got {len(labels)} of which "
            f"{len(set(labels))} differ"
        )
    return labels


@dataclass(frozen=True)
class Prediction:
    """The most probable label of an example, its probability, and the probabilities of all labels."""

    label: str
    probability: float
    probabilities: dict[str, float]


def predictions(log_probs: np.ndarray, classes: Sequence[str]) -> list[Prediction]:
    """Return the predictions for N examples from log P(class) (N, K)."""
    probabilities = np.exp(log_probs.astype(np.float64))
    return [
        Prediction(classes[best], float(row[best]), dict(zip(classes, row.tolist(), strict=True)))
        for best, row in zip(log_probs.argmax(axis=1).tolist(), probabilities, strict=True)
    ]


@dataclass(frozen=True)
class ClassScores:
    """Scores of a classifier on a split.

    Attributes:
        split: The name of the split.
        examples: Number of examples.
        accuracy: Fraction of correct predictions.
        loss: Mean -log P of the true class, in nats.
        classes: Names of the K classes.
        scores: Precision, recall and F1 of :func:`seqkit.metrics.precision_recall_f1`.
        confusion: (K, K) int64; entry [t, p] counts the examples of class t predicted as p.
    """

    split: str
    examples: int
    accuracy: float
    loss: float
    classes: tuple[str, ...]
    scores: metrics.ClassScores
    confusion: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
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
    """Return the scores of log P(class) (N, K) against the true class ids ``labels`` (N,)."""
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
