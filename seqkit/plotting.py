"""Figures. Matplotlib is imported on use; its global settings and pyplot are never touched."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqkit.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
"""One line of a run's log.jsonl."""

# Of each panel: the axis label, whether its scale is logarithmic, and (key, suffix of the legend, style).
# A training curve is thin and pale, since it is noisy; a validation curve has a point an epoch.
_TRAIN: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.6}
_VALID: dict[str, Any] = {"linewidth": 1.8, "marker": "o", "markersize": 4}
_PANELS: tuple[tuple[str, bool, tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    ("loss (nats per token)", False, (("loss", "train", _TRAIN), ("valid_loss", "valid", _VALID))),
    ("perplexity", True, (("ppl", "train", _TRAIN), ("valid_ppl", "valid", _VALID))),
)

FORMATS = (".pdf", ".png", ".svg")
"""The suffixes that :func:`save` knows."""


def _new_figure(width: float, height: float) -> Figure:
    """A figure (inches) outside pyplot, so that no window, backend or setting of the user's is involved."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "figures need Matplotlib, which is not installed", remedy="pip install 'seqkit[plot]'"
        ) from error
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def _points(run: Sequence[Record], key: str, label: str) -> tuple[list[float], list[float]]:
    """(step, value) of the records of ``run`` that have a finite ``key``."""
    steps, values = [], []
    for record in run:
        value = record.get(key)
        if value is None or not math.isfinite(value):
            continue
        if record.get("step") is None:
            raise UsageError(f"a record with {key!r} of the run {label!r} has no 'step'")
        steps.append(record["step"])
        values.append(value)
    return steps, values


def _perplexity_ticks(axes: Axes) -> None:
    """Ticks written 90, 100, 200 instead of 9×10¹, 10²: perplexities seldom span a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = axes.get_ylim()
    narrow = high / low < 4
    axes.yaxis.set_major_locator(
        MaxNLocator(8, steps=[1, 2, 5, 10]) if narrow else LogLocator(subs=(1.0, 2.0, 5.0))
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))


def plot_curves(runs: Sequence[Sequence[Record]], labels: Sequence[str] | None = None) -> Figure:
    """Training curves of one or more runs: loss and perplexity against step, one panel each.

    ``runs`` holds, for each run, the records of its log.jsonl; ``labels`` names the runs. Drawn are the keys
    ``loss``, ``valid_loss``, ``ppl`` and ``valid_ppl`` against ``step``; values that are absent, None or not
    finite are left out, and so is a panel without values. A run keeps its colour in both panels. Raises
    UsageError for labels that do not match, a value without a step or nothing to draw, MissingDependencyError
    without Matplotlib.
    """
    names = [f"run {i + 1}" for i in range(len(runs))] if labels is None else list(labels)
    if len(names) != len(runs):
        raise UsageError(f"there must be one label a run, not {len(names)} for {len(runs)} runs")
    panels = []
    for title, log_scale, kinds in _PANELS:
        lines = []
        for i, (run, name) in enumerate(zip(runs, names, strict=True)):
            for key, suffix, style in kinds:
                steps, values = _points(run, key, name)
                if steps:
                    label = suffix if len(runs) == 1 and labels is None else f"{name}, {suffix}"
                    lines.append((steps, values, {"color": f"C{i % 10}", "label": label, **style}))
        if lines:
            panels.append((title, log_scale, lines))
    if not panels:
        raise UsageError(
            "nothing to draw: no record has a finite loss, valid_loss, ppl or valid_ppl",
            remedy="give the records of a log.jsonl with at least one log interval",
        )
    figure = _new_figure(5.2 * len(panels), 3.8)
    for axes, (title, log_scale, lines) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        for steps, values, style in lines:
            axes.plot(steps, values, **style)
        axes.set_xlabel("step")
        axes.set_ylabel(title)
        if log_scale:
            axes.set_yscale("log")
            _perplexity_ticks(axes)
        axes.grid(True, alpha=0.3)
        axes.legend()
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write ``figure`` in the format that the suffix of ``path`` names: .pdf, .png or .svg.

    No date is written, so that the same curves in a .pdf are the same bytes. Raises UsageError for another
    suffix or a folder that is not there.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"a figure's file name must end in {', '.join(FORMATS)}, not {suffix or 'nothing'!r}",
            where=str(target),
        )
    if not target.parent.is_dir():
        raise UsageError(f"the folder {str(target.parent)!r} is not there", remedy="create it first")
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": None}[suffix]
    figure.savefig(target, format=suffix[1:], metadata=undated)
