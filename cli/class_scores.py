"""Scores of a classifier as text."""

from __future__ import annotations

from seqkit.cli.common import echo
from seqkit.tasks.classes import ClassScores

_MAX_COLUMNS = 20
"""Classes whose confusion matrix fits a terminal; --json has larger ones."""


def print_class_scores(scores: ClassScores) -> None:
    """Print accuracy, a line per class, means, and the confusion matrix of up to 20 classes."""
    echo(f"accuracy {scores.accuracy:.2%} of {scores.examples:,} ({scores.split})")
    echo(f"loss {scores.loss:.4f}\n")
    width = max(map(len, (*scores.classes, "weighted mean")))
    table = scores.scores
    rows = zip(scores.classes, table.precision, table.recall, table.f1, table.support, strict=True)
    echo(f"{'':<{width}}  precision  recall      F1  examples")
    for name, precision, recall, f1, support in rows:
        echo(f"{name:<{width}}  {precision:>9.4f}  {recall:>6.4f}  {f1:>6.4f}  {support:>8,}")
    for name, mean in (("macro mean", table.macro), ("weighted mean", table.weighted)):
        echo(f"{name:<{width}}  {mean.precision:>9.4f}  {mean.recall:>6.4f}  {mean.f1:>6.4f}")
    if len(scores.classes) > _MAX_COLUMNS:
        return
    cell = max(5, len(str(scores.confusion.max())) + 2)
    echo("\nconfusion matrix (rows: true classes, columns: predicted classes)")
    echo(" " * width + "".join(f"{name[: cell - 1]:>{cell}}" for name in scores.classes))
    for name, counts in zip(scores.classes, scores.confusion.tolist(), strict=True):
        echo(f"{name:<{width}}" + "".join(f"{count:>{cell}}" for count in counts))
