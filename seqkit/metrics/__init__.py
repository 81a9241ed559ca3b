"""Metrics of predictions. Everywhere the predictions come first, the targets second."""

import importlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from seqkit.errors import ShapeError, UsageError
from seqkit.metrics.translation import Bleu as Bleu
from seqkit.metrics.translation import bleu as bleu
from seqkit.metrics.translation import bleu_tokenizer as bleu_tokenizer
from seqkit.metrics.translation import check_one_each
from seqkit.metrics.translation import chrf as chrf


def _mean_nll(total_nll: float, n: int, unit: str) -> float:
    if n < 1:
        raise UsageError(f"expected the number of {unit} to be at least 1, got {n}")
    return float(total_nll) / n


def perplexity(total_nll: float, n: int) -> float:
    """Return exp(total_nll / n); inf where exp overflows.

    Args:
        total_nll: Negative log-likelihood in nats, summed over n predictions.
        n: At least 1.

    Raises:
        UsageError: ``n`` below 1.

    Example:
        >>> round(perplexity(total_nll=46.05, n=10), 1)
        100.0
    """
    mean = _mean_nll(total_nll, n, "predictions")
    try:
        return math.exp(mean)
    except OverflowError:
        return math.inf


def bits_per_character(total_nll: float, n: int) -> float:
    """Return total_nll / (n ln 2), for a text of ``n`` characters, however it was tokenised.

    Args:
        total_nll: Negative log-likelihood of the text, in nats.
        n: At least 1.

    Raises:
        UsageError: ``n`` below 1.
    """
    return _mean_nll(total_nll, n, "characters") / math.log(2)


def _pair(predicted: ArrayLike, target: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    p, t = np.asarray(predicted), np.asarray(target)
    if p.shape != t.shape:
        raise ShapeError(f"expected predictions and targets of one shape, got {p.shape} and {t.shape}")
    if p.size == 0:
        raise UsageError("expected at least one prediction, got none")
    return p, t


def accuracy(predicted: ArrayLike, target: ArrayLike) -> float:
    """Return the fraction of equal entries of two arrays (N,) of classes.

    Raises:
        ShapeError: Two shapes.
        UsageError: Empty arrays.

    Example:
        >>> accuracy([1, 0, 2, 2], [1, 0, 2, 1])
        0.75
    """
    p, t = _pair(predicted, target)
    return float(np.mean(p == t))


def token_accuracy(predicted: ArrayLike, target: ArrayLike, ignore_index: int | None = None) -> float:
    """Return the fraction of ids predicted right, over the positions whose target is not ``ignore_index``.

    Every position counts once, so long sequences weigh more; the end token
    counts like the others. A position is compared with the same position only: one id too many early on makes
    the rest wrong.

    Args:
        predicted: (B, T), or any other shape.
        target: The same shape.
        ignore_index: Target of positions that do not count; None: all count.

    Raises:
        ShapeError: Two shapes.
        UsageError: No position counts.
    """
    p, t = _pair(predicted, target)
    counted = np.ones(t.shape, bool) if ignore_index is None else t != ignore_index
    if not counted.any():
        raise UsageError(f"every target is the ignored id {ignore_index}")
    return float(np.mean(p[counted] == t[counted]))


def exact_match(predicted: Sequence[Sequence], target: Sequence[Sequence]) -> float:
    """Return the fraction of sequences (lists of ids, or strings) that equal their target from end to end.

    Every sequence counts once, and as given: padding, end tokens, case and spaces are compared too.

    Raises:
        ShapeError: Two lengths.
        UsageError: No sequences.
    """
    check_one_each(predicted, target)
    equal = (
        p == t if isinstance(p, str) or isinstance(t, str) else list(p) == list(t)
        for p, t in zip(predicted, target, strict=True)
    )
    return sum(equal) / len(target)


def confusion_matrix(predicted: ArrayLike, target: ArrayLike, num_classes: int | None = None) -> np.ndarray:
    """Return (C, C) int64: entry [t, p] counts the examples of class t that were predicted as p.

    Args:
        predicted: Classes 0 … C-1, (N,).
        target: Likewise.
        num_classes: C; by default one more than the largest class that occurs.

    Raises:
        ShapeError: Other shapes or dtypes.
        UsageError: A class out of range.

    Example:
        >>> confusion_matrix([1, 1, 0], [1, 0, 0]).tolist()
        [[1, 1], [0, 1]]
    """
    p, t = _pair(predicted, target)
    for name, x in (("predictions", p), ("targets", t)):
        if x.ndim != 1 or not np.issubdtype(x.dtype, np.integer):
            raise ShapeError(f"expected {name} to be a 1-D array of integers, got {x.dtype} {x.shape}")
    low, high = int(min(p.min(), t.min())), int(max(p.max(), t.max()))
    C = high + 1 if num_classes is None else num_classes
    if low < 0 or high >= C:
        raise UsageError(f"expected classes between 0 and {C - 1}, got {low if low < 0 else high}")
    return np.bincount(t.astype(np.int64) * C + p.astype(np.int64), minlength=C * C).reshape(C, C)


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 over all classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of each class, (C,) float64; ``support`` (C,) int64, its examples."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    macro: Averages
    micro: Averages
    weighted: Averages


def precision_recall_f1(
    predicted: ArrayLike, target: ArrayLike, num_classes: int | None = None
) -> ClassScores:
    """Return the scores of a classifier with one class an example.

    Precision is right / predicted, recall right / true, F1 = 2 right / (predicted + true), their harmonic
    mean. A quotient 0/0 counts as 0 (scikit-learn's ``zero_division=0``): precision where a class was never
    predicted, recall where it has no examples, F1 where both. ``macro`` is the plain mean over the classes
    that occur, as a prediction or as a target; its F1 is the mean of the F1s. ``weighted`` is the mean by
    examples, which makes its recall the accuracy. ``micro`` pools the counts of all classes, which makes all
    three the accuracy.

    Arguments and errors as of :func:`confusion_matrix`.
    """
    matrix = confusion_matrix(predicted, target, num_classes)
    right, as_predicted, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)

    def quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a / np.maximum(b, 1)  # every b of 0 stands under an a of 0

    precision, recall = quotient(right, as_predicted), quotient(right, true)
    f1 = quotient(2 * right, as_predicted + true)
    occurs = as_predicted + true > 0
    pooled = float(right.sum() / matrix.sum())
    return ClassScores(
        precision=precision,
        recall=recall,
        f1=f1,
        support=true,
        macro=Averages(*(float(x[occurs].mean()) for x in (precision, recall, f1))),
        micro=Averages(pooled, pooled, pooled),
        weighted=Averages(*(float(np.average(x, weights=true)) for x in (precision, recall, f1))),
    )


@dataclass(frozen=True)
class SpanCounts:
    """Numbers of true, predicted and correct spans, and the scores that follow; 0/0 counts as 0."""

    true: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """The fraction of predicted spans that are correct."""
        return self.correct / max(self.predicted, 1)

    @property
    def recall(self) -> float:
        """The fraction of true spans that were found."""
        return self.correct / max(self.true, 1)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.correct / max(self.predicted + self.true, 1)


def span_counts(
    predicted: Sequence[Sequence[tuple[int, int, str]]], target: Sequence[Sequence[tuple[int, int, str]]]
) -> dict[str, SpanCounts]:
    """Count spans (start, end, type) of sentences as the ``conlleval`` script does.

    A span is correct if start, end and type are.

    Args:
        predicted: The predicted spans of each sentence.
        target: The true ones.

    Returns:
        Counts by type, in alphabetical order.

    Raises:
        ShapeError: Other numbers of sentences.

    Example:
        >>> counts = span_counts([[(0, 2, "NP"), (3, 4, "VP")]], [[(0, 2, "NP"), (2, 4, "VP")]])
        >>> counts["NP"].f1, counts["VP"].f1
        (1.0, 0.0)
    """
    check_one_each(predicted, target)
    found: dict[str, list[int]] = {}
    for guesses, truth in zip(predicted, target, strict=True):
        right = set(guesses) & set(truth)
        for column, spans in enumerate((truth, guesses, right)):
            for _, _, name in spans:
                found.setdefault(name, [0, 0, 0])[column] += 1
    return {name: SpanCounts(*found[name]) for name in sorted(found)}


def total_counts(counts: Iterable[SpanCounts]) -> SpanCounts:
    """Return the sums of counts: the scores over all types."""
    rows = [(each.true, each.predicted, each.correct) for each in counts]
    return SpanCounts(*(sum(column) for column in zip((0, 0, 0), *rows, strict=True)))


class Correlation(NamedTuple):
    """A correlation coefficient and its two-sided p-value, which is NaN where SciPy is not installed."""

    statistic: float
    pvalue: float


def _coefficient(x: np.ndarray, y: np.ndarray) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(dx @ dx)) * math.sqrt(float(dy @ dy))
    return max(-1.0, min(1.0, float(dx @ dy) / scale)) if scale > 0 else math.nan


def _p_value(r: float, count: int) -> float:
    """The two-sided p-value by Student's t with count - 2 degrees of freedom."""
    if count < 3 or math.isnan(r):
        return math.nan
    if abs(r) == 1:
        return 0.0
    try:
        stats = importlib.import_module("scipy.stats")
    except ImportError:
        return math.nan
    t = abs(r) * math.sqrt((count - 2) / ((1 - r) * (1 + r)))
    return float(2 * stats.t.sf(t, count - 2))


def ranks(x: np.ndarray) -> np.ndarray:
    """Return the ranks of (N,) values from 1, equal values sharing the mean of theirs: (N,) float64."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place.reshape(-1)]


def pearson(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Return Pearson's correlation of x and y, (N,); NaN where one is constant."""
    r = _coefficient(np.asarray(x, np.float64), np.asarray(y, np.float64))
    return Correlation(r, _p_value(r, len(x)))


def spearman(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Return Spearman's correlation of x and y, (N,): that of their ranks."""
    return pearson(ranks(np.asarray(x)), ranks(np.asarray(y)))
