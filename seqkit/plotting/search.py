"""Trials of a search: their scores in order, what each setting is worth, and the scores over each setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqkit.errors import UsageError
from seqkit.plotting.figure import draw_legend, label_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
"""A trial: "number", "state", "score" (or None), and "params" by name."""

_COLUMNS = 4
_MOST_SLICES = 24
_OUTSIDE = 4.0
"""Scores further from the best than so many times the median's distance are drawn at the border."""
_STYLES: dict[str, dict[str, Any]] = {
    "complete": {"color": "C0", "marker": "o", "s": 22, "clip_on": False},
    "pruned": {"edgecolors": "0.55", "facecolors": "none", "marker": "o", "s": 22, "clip_on": False},
    "running": {"color": "C2", "marker": "d", "s": 22, "clip_on": False},
    "diverged": {"color": "C3", "marker": "x", "s": 26, "clip_on": False},
    "failed": {"color": "C3", "marker": "+", "s": 30, "clip_on": False},
}
"""Trials at the border are drawn whole."""


def plot_search(
    trials: Sequence[Row],
    *,
    score: str = "valid loss",
    maximize: bool = False,
    importance: Mapping[str, float] | None = None,
    logarithmic: Sequence[str] = (),
) -> Figure:
    """Draw the trials of a search: scores by number, importance of the settings, and a slice for each.

    Args:
        trials: The trials, in any order.
        score: The name of the score.
        maximize: Whether the highest score is the best.
        importance: A fraction for each setting; None or empty leaves its panel out.
        logarithmic: The names of settings with a logarithmic range.

    Returns:
        The figure.

    Raises:
        UsageError: No trial has a score.
        MissingDependencyError: Matplotlib is not installed.
    """
    rows = sorted(trials, key=lambda row: row["number"])
    scored = [row for row in rows if row["score"] is not None and math.isfinite(row["score"])]
    if not scored:
        raise UsageError("nothing to draw: no trial has a score yet")
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))[:_MOST_SLICES]
    names.sort(key=lambda name: -(importance or {}).get(name, 0.0))
    lines = math.ceil(len(names) / _COLUMNS)
    figure = new_figure(11.0, 3.6 + 2.7 * lines)
    top: Any = figure
    bottom: Any = None
    if lines:
        parts: Any = figure.subfigures(2, 1, height_ratios=(3.6, 2.7 * lines))
        top, bottom = parts
    limits = _limits([row["score"] for row in scored], maximize)
    if importance:
        left, right = top.subplots(1, 2, width_ratios=(2.2, 1))
        _draw_importance(right, importance)
    else:
        left = top.subplots()
    _draw_history(left, rows, scored, limits, maximize, score)
    if bottom is not None:
        panels = bottom.subplots(lines, _COLUMNS, squeeze=False).ravel()
        for axes, name in zip(panels, names, strict=False):
            _draw_slice(axes, name, scored, limits, maximize, name in logarithmic)
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        for place, axes in enumerate(panels[: len(names)]):
            if place % _COLUMNS == 0:
                axes.set_ylabel(score)
            else:
                axes.tick_params(labelleft=False)
    return figure


def _limits(scores: Sequence[float], maximize: bool) -> tuple[float, float]:
    """Return the vertical range: to the worst score, or nearer where single ones are far from the others."""
    sign = -1.0 if maximize else 1.0
    losses = sorted(sign * score for score in scores)
    best, median, worst = losses[0], losses[len(losses) // 2], losses[-1]
    far = best + _OUTSIDE * (median - best)
    if median > best:
        worst = min(worst, far)
    margin = 0.06 * (worst - best) or 0.05 * abs(best) or 1.0
    ends = (sign * (best - margin), sign * (worst + margin))
    return min(ends), max(ends)


def _draw_history(
    axes: Axes,
    rows: Sequence[Row],
    scored: Sequence[Row],
    limits: tuple[float, float],
    maximize: bool,
    score: str,
) -> None:
    """Draw the score of each trial by its number, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    for state, style in _STYLES.items():
        chosen = [row for row in rows if row["state"] == state]
        if chosen:
            x = [row["number"] for row in chosen]
            axes.scatter(
                x, [_inside(row, limits, maximize) for row in chosen], **style, label=state, zorder=3
            )
    steps: list[tuple[int, float]] = []
    best: float | None = None
    for row in scored:
        if row["state"] == "complete":
            choose = max if maximize else min
            best = row["score"] if best is None else choose(best, row["score"])
            steps.append((row["number"], best))
    if steps:
        last = max(row["number"] for row in rows)
        steps.append((last, steps[-1][1]))
        axes.step(
            [x for x, _ in steps],
            [y for _, y in steps],
            where="post",
            color="C1",
            linewidth=1.5,
            label="best so far",
            zorder=2,
        )
    axes.set_ylim(*limits)
    axes.set_xlabel("trial")
    axes.set_ylabel(score)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, alpha=0.3)
    draw_legend(axes, fontsize=8)


def _inside(row: Row, limits: tuple[float, float], maximize: bool) -> float:
    """Return the height at which a trial is drawn: the border for a score beyond it, or for none."""
    worst = limits[0] if maximize else limits[1]
    value = row["score"]
    if value is None or not math.isfinite(value):
        return worst
    return max(limits[0], min(limits[1], value))


def _draw_importance(axes: Axes, importance: Mapping[str, float]) -> None:
    """Draw a bar for the importance of each setting, the greatest on top."""
    items = sorted(importance.items(), key=lambda item: item[1])
    places = range(len(items))
    bars = axes.barh(places, [value for _, value in items], color="C0")
    axes.bar_label(bars, [f"{value:.0%}" for _, value in items], padding=3, fontsize=8)
    axes.set_yticks(places, [label_of(name) for name, _ in items])
    axes.set_xlim(0, 1.18 * max(value for _, value in items) or 1)
    axes.set_xlabel("importance (PED-ANOVA)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _draw_slice(
    axes: Axes,
    name: str,
    scored: Sequence[Row],
    limits: tuple[float, float],
    maximize: bool,
    logarithmic: bool,
) -> None:
    """Draw the scores over the values of one setting; the best trial as a star."""
    rows = [row for row in scored if name in row["params"]]
    numeric = all(type(row["params"][name]) in (int, float) for row in rows)
    choices = [] if numeric else sorted({str(row["params"][name]) for row in rows})

    def place(row: Row) -> float:
        value = row["params"][name]
        return value if numeric else float(choices.index(str(value)))

    complete = [row for row in rows if row["state"] == "complete"]
    best = (max if maximize else min)(complete, key=lambda row: row["score"], default=None)
    for state, style in _STYLES.items():
        chosen = [row for row in rows if row["state"] == state and row is not best]
        if chosen:
            y = [_inside(row, limits, maximize) for row in chosen]
            axes.scatter([place(row) for row in chosen], y, **style)
    if best is not None:
        axes.scatter([place(best)], [best["score"]], marker="*", s=110, color="C1", zorder=4)
    if logarithmic and numeric:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        axes.set_xscale("log")
        values = [place(row) for row in rows]
        axes.xaxis.set_major_locator(
            LogLocator(subs=(1.0,) if max(values) > 30 * min(values) else (1.0, 3.0))
        )
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    if choices:
        axes.set_xticks(range(len(choices)), [label_of(each) for each in choices])
        axes.set_xlim(-0.5, len(choices) - 0.5)
    axes.set_ylim(*limits)
    axes.set_xlabel(label_of(name))
    axes.grid(True, alpha=0.3)
