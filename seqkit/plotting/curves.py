"""Training curves: loss, perplexity and validation scores by step, epoch or time."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqkit.errors import Remedy, UsageError, require_choice
from seqkit.plotting.figure import draw_legend, label_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
"""One line of a run's log.jsonl."""

X_AXES = ("step", "epoch", "minutes")
"""The horizontal axes of :func:`plot_curves`."""

# Training curves are thin and pale, since they are noisy; validation curves have a marker for each epoch.
_TRAIN: dict[str, Any] = {"linewidth": 1.0, "alpha": 0.5}
_VALID: dict[str, Any] = {"linewidth": 1.8, "marker": "o", "markersize": 4}
_TRAINING, _VALIDATION = "train", "valid"
_Curve = tuple[str, str, dict[str, Any]]
_PANELS: tuple[tuple[str, bool, tuple[_Curve, ...]], ...] = (
    ("loss (nats)", False, (("loss", _TRAINING, _TRAIN), ("valid_loss", _VALIDATION, _VALID))),
    ("perplexity", True, (("ppl", _TRAINING, _TRAIN), ("valid_ppl", _VALIDATION, _VALID))),
    ("validation score", False, (
        ("valid_f1", _VALIDATION, _VALID), ("valid_exact_match", _VALIDATION, _VALID),
        ("valid_accuracy", _VALIDATION, _VALID),
    )),
)  # fmt: skip
"""For each panel: axis label, whether its scale is logarithmic, and (key, split, style) of curves. Of several
validation scores, a run's first counts."""


def plot_curves(
    runs: Sequence[Sequence[Record]], labels: Sequence[str] | None = None, *, by: str = "step"
) -> Figure:
    """Draw loss, perplexity and validation score of one or more runs, in one panel each.

    The keys ``loss``, ``valid_loss``, ``ppl``, ``valid_ppl``, and ``valid_f1``, ``valid_exact_match`` or
    ``valid_accuracy`` are drawn. Values that are missing, None or not finite are left out, and so is a panel
    without values.

    Args:
        runs: For each run, the records of its log.jsonl.
        labels: The names of the runs in the legend.
        by: The horizontal axis: "step"; "epoch", the position among the ends of epochs; or "minutes" of
            training.

    Returns:
        The figure.

    Raises:
        UsageError: The labels do not match, a value has no step or time, a run has no complete epoch to
            count by, or there is nothing to draw.
        MissingDependencyError: Matplotlib is not installed.
    """
    require_choice("by", by, X_AXES)
    names = [f"run {i + 1}" for i in range(len(runs))] if labels is None else list(map(label_of, labels))
    if len(names) != len(runs):
        raise UsageError(f"expected one label for each of {len(runs)} runs, got {len(names)}")
    panels = []
    for title, log_scale, curves in _PANELS:
        lines: list[tuple[int, str, list[float], list[float], dict[str, Any]]] = []
        for i, (run, name) in enumerate(zip(runs, names, strict=True)):
            drawn: set[str] = set()
            for key, split, style in curves:
                steps, values = _points(run, key, name)
                if steps and split not in drawn:
                    drawn.add(split)
                    lines.append((i, split, _positions(run, steps, by, name), values, style))
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
        single = len(runs) == 1 and labels is None
        named = {i: split for i, split, *_ in lines}  # the validation curve where there are both
        for i, split, positions, values, style in lines:
            label = split if single else names[i] if named[i] == split else None
            axes.plot(positions, values, color=f"C{i % 10}", **style, label=label)
        if not single and len({split for _, split, *_ in lines}) == 2:
            for split, style in ((_TRAINING, _TRAIN), (_VALIDATION, _VALID)):
                axes.plot([], [], color="0.4", label=split, **style)
        axes.set_xlabel(by)
        axes.set_ylabel(title)
        if log_scale:
            axes.set_yscale("log")
            _set_plain_ticks(axes)
        axes.grid(True, alpha=0.3)
        draw_legend(axes)
    return figure


def _positions(run: Sequence[Record], steps: list[float], by: str, label: str) -> list[float]:
    """Return the positions of steps on the horizontal axis.

    Epochs are counted by the steps at which they ended; before, between and behind these, steps are even.
    """
    if by == "step":
        return steps
    known, epoch = {0.0: 0.0}, 0
    for record in run:
        if by == "minutes" and "seconds" in record:
            known[record["step"]] = record["seconds"] / 60
        elif by == "epoch" and _ends_epoch(record, epoch):
            known[record["step"]] = epoch = record["epoch"]
    places = sorted(known)
    if len(places) < 2:
        missing = "complete epochs" if by == "epoch" else "times"
        raise UsageError(
            f"the log of {label!r} has no {missing}",
            remedy=Remedy('draw it by="step"', command="draw it with --by step"),
        )
    positions = []
    for step in steps:
        right = min(max(1, bisect.bisect_left(places, step)), len(places) - 1)
        left, end = places[right - 1], places[right]
        slope = (known[end] - known[left]) / (end - left)
        positions.append(known[left] + slope * (step - left))
    return positions


def _ends_epoch(record: Record, before: int) -> bool:
    """Return whether a record ends an epoch after ``before``; a validation within an epoch does not."""
    return "train_loss" in record and record.get("complete", True) and record.get("epoch", 0) > before


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
