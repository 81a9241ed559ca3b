"""Training curves: loss and perplexity by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqkit.errors import Remedy, UsageError
from seqkit.plotting.figure import draw_legend, label_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
"""One line of a run's log.jsonl."""

# Training curves are thin and pale, since they are noisy; validation curves have a marker for each epoch.
_TRAIN: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.6}
_VALID: dict[str, Any] = {"linewidth": 1.8, "marker": "o", "markersize": 4}
_PANELS: tuple[tuple[str, bool, tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    ("loss (nats)", False, (("loss", "train", _TRAIN), ("valid_loss", "valid", _VALID))),
    ("perplexity", True, (("ppl", "train", _TRAIN), ("valid_ppl", "valid", _VALID))),
)
"""For each panel: axis label, whether its scale is logarithmic, and (key, legend suffix, style) of curves."""


def plot_curves(runs: Sequence[Sequence[Record]], labels: Sequence[str] | None = None) -> Figure:
    """Draw the loss and the perplexity of one or more runs by step, in one panel each.

    The keys ``loss``, ``valid_loss``, ``ppl`` and ``valid_ppl`` are drawn by ``step``. Values that are
    missing, None or not finite are left out, and so is a panel without values.

    Args:
        runs: For each run, the records of its log.jsonl.
        labels: The names of the runs in the legend.

    Returns:
        The figure.

    Raises:
        UsageError: The labels do not match, a value has no step, or there is nothing to draw.
        MissingDependencyError: Matplotlib is not installed.
    """
    names = [f"run {i + 1}" for i in range(len(runs))] if labels is None else list(map(label_of, labels))
    if len(names) != len(runs):
        raise UsageError(f"expected one label for each of {len(runs)} runs, got {len(names)}")
    panels = []
    for title, log_scale, curves in _PANELS:
        lines = []
        for i, (run, name) in enumerate(zip(runs, names, strict=True)):
            for key, suffix, style in curves:
                steps, values = _points(run, key, name)
                if steps:
                    label = suffix if len(runs) == 1 and labels is None else f"{name}, {suffix}"
                    lines.append((steps, values, {"color": f"C{i % 10}", "label": label, **style}))
        if lines:
            panels.append((title, log_scale, lines))
    if not panels:
        raise UsageError(
            "nothing to draw: no record has a finite loss, valid_loss, ppl or valid_ppl",
            remedy=Remedy(
                "give the records of a log.jsonl with at least one log interval",
                command="give runs of at least one log interval",
            ),
        )
    figure = new_figure(5.2 * len(panels), 3.8)
    for axes, (title, log_scale, lines) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        for steps, values, style in lines:
            axes.plot(steps, values, **style)
        axes.set_xlabel("step")
        axes.set_ylabel(title)
        if log_scale:
            axes.set_yscale("log")
            _set_plain_ticks(axes)
        axes.grid(True, alpha=0.3)
        draw_legend(axes)
    return figure


def _points(run: Sequence[Record], key: str, label: str) -> tuple[list[float], list[float]]:
    """Return the steps and values of the records that have a finite ``key``."""
    steps, values = [], []
    for record in run:
        value, step = record.get(key), record.get("step")
        if value is None or (isinstance(value, int | float) and not math.isfinite(value)):
            continue
        if step is None:
            raise UsageError(f"a record with {key!r} of the run {label!r} has no 'step'")
        for name, number in ((key, value), ("step", step)):
            if not isinstance(number, int | float):
                raise UsageError(f"expected a number as {name!r} of {label!r}, got {number!r:.40}")
        steps.append(step)
        values.append(value)
    return steps, values


def _set_plain_ticks(axes: Axes) -> None:
    """Write ticks as 90, 100, 200 instead of 9×10¹, 10²: perplexities seldom span a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = axes.get_ylim()
    narrow = high / low < 4
    axes.yaxis.set_major_locator(
        MaxNLocator(8, steps=[1, 2, 5, 10]) if narrow else LogLocator(subs=(1.0, 2.0, 5.0))
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
