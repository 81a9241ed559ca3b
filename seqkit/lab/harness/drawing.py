"""Figures of experiments: the claim with its verdict as the title, and functions to draw their panels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seqkit.errors import DataError
from seqkit.lab.harness.experiment import get_experiment
from seqkit.lab.harness.results import UNUSABLE, Results
from seqkit.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = 128
"""Colours to save a figure of an experiment with, so that its .png stays small."""

_DPI = 100
_TITLE_COLOURS = {"holds": "#1a7f37", "fails": "#c62828", "undecided": "#8a6d00"}


def draw(results: Results) -> Figure:
    """Draw the figure of an experiment from its results.

    Raises:
        DataError: The numbers are not those of the experiment.
        MissingDependencyError: Matplotlib is not installed.
    """
    experiment, verdict = get_experiment(results.experiment), results.verdict()
    figure = new_figure(*experiment.size, dpi=_DPI)
    try:
        experiment.draw(figure, results.numbers)
        figure.draw_without_rendering()  # what cannot be drawn shows here, not when it is saved
    except UNUSABLE as error:
        raise DataError(
            f"the results of {results.experiment!r} cannot be drawn ({error!r}): perhaps of another version",
            remedy="run the experiment again",
        ) from error
    title = _wrap_evenly(f"{experiment.claim} ({verdict.outcome})", int(11 * experiment.size[0]))
    figure.suptitle(title, fontsize=10, color=_TITLE_COLOURS[verdict.outcome])
    return figure


def _wrap_evenly(text: str, width: int) -> str:
    """Wrap text into as few lines of ``width`` as possible, of about equal length."""
    lines = textwrap.wrap(text, width)
    attempts = (textwrap.wrap(text, each) for each in range(len(text) // len(lines), width + 1))
    return "\n".join(next(attempt for attempt in attempts if len(attempt) == len(lines)))


def label_axes(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Label both axes, set the title, and draw a pale grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10)
    axes.grid(True, alpha=0.3)


def plot_band(axes: Axes, x: ArrayLike, values: ArrayLike, **style: Any) -> None:
    """Plot the mean of ``values`` (seeds, points) as a line, and their range as a band around it."""
    rows = np.array(values, float)  # None becomes NaN
    [line] = axes.plot(x, rows.mean(axis=0), **{"linewidth": 1.8, **style})
    if len(rows) > 1:
        low, high = rows.min(axis=0), rows.max(axis=0)
        axes.fill_between(x, low, high, color=line.get_color(), alpha=0.18, linewidth=0)


def plot_bars(axes: Axes, names: Sequence[str], values: ArrayLike, **style: Any) -> None:
    """Plot the means of ``values`` (seeds, names) as bars, and each seed as a dot."""
    rows = np.array(values, float)
    colours = [f"C{i}" for i in range(len(names))]
    axes.bar(
        range(len(names)), rows.mean(axis=0), **{"color": colours, "alpha": 0.75, "width": 0.65, **style}
    )
    for row in rows:
        axes.plot(range(len(names)), row, "o", color="0.15", markersize=3)
    axes.set_xticks(range(len(names)), names)


def stack(numbers: Sequence[Any], *keys: str) -> np.ndarray:
    """Return numbers[seed][keys[0]][keys[1]]… of all seeds as one array, NaN in place of None."""
    rows = []
    for row in numbers:
        for key in keys:
            row = row[key]
        rows.append(row)
    return np.array(rows, float)
