"""Figures of experiments: the claim above, its verdict with it, and a few kinds of panels."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness.registry import experiment
from seqkit.lab.harness.results import Results
from seqkit.plotting import _new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 100
"""Sharp enough on a page, and a figure of two panels stays small."""

_COLOURS = {"holds": "#1a7f37", "fails": "#c62828", "undecided": "#8a6d00"}


def draw(results: Results) -> Figure:
    """The figure of saved or fresh numbers. MissingDependencyError without Matplotlib."""
    what, verdict = experiment(results.experiment), results.verdict()
    figure = _new_figure(*what.size, dpi=_DPI)
    what.draw(figure, results.numbers)
    heading = _balanced(f"{what.claim} ({verdict.outcome})", int(11 * what.size[0]))
    figure.suptitle(heading, fontsize=10, color=_COLOURS[verdict.outcome])
    return figure


def _balanced(text: str, width: int) -> str:
    """Wrapped into as few lines of that width as it takes, and those about equally long."""
    lines = textwrap.wrap(text, width)
    narrower = (textwrap.wrap(text, each) for each in range(len(text) // len(lines), width + 1))
    return "\n".join(next(found for found in narrower if len(found) == len(lines)))


def write(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Save a figure; a .png with a palette, in a third of the space. Errors as ``plotting.save``."""
    save(figure, path)
    if Path(path).suffix.lower() == ".png":
        from PIL import Image  # comes with Matplotlib

        with Image.open(path) as image:
            small = image.convert("RGB").quantize(128)
        small.save(path, optimize=True)


def label(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Name both axes, and perhaps the panel; a pale grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10)
    axes.grid(True, alpha=0.3)


def band(axes: Axes, x: Any, values: Any, **style: Any) -> None:
    """The mean of values (seeds, points) against x as a line, and from the least to the most as a band."""
    rows = np.array(values, float)  # None becomes NaN
    [line] = axes.plot(x, rows.mean(axis=0), **{"linewidth": 1.8, **style})
    if len(rows) > 1:
        low, high = rows.min(axis=0), rows.max(axis=0)
        axes.fill_between(x, low, high, color=line.get_color(), alpha=0.18, linewidth=0)


def bars(axes: Axes, names: Sequence[str], values: Any, **style: Any) -> None:
    """A bar a name at the mean of values (seeds, names), and a dot for each seed."""
    rows = np.array(values, float)
    colours = [f"C{i}" for i in range(len(names))]
    axes.bar(
        range(len(names)), rows.mean(axis=0), **{"color": colours, "alpha": 0.75, "width": 0.65, **style}
    )
    for row in rows:
        axes.plot(range(len(names)), row, "o", color="0.15", markersize=3)
    axes.set_xticks(range(len(names)), names)


def stacked(numbers: Sequence[Any], *path: str) -> np.ndarray:
    """numbers[seed][path[0]][path[1]]… of all seeds as one array, NaN for None."""
    found = []
    for each in numbers:
        for key in path:
            each = each[key]
        found.append(each)
    return np.array(found, float)
