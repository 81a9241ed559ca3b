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
    ("loss (nats)", False, (("loss", "train", _TRAIN), ("valid_loss", "valid", _VALID))),
    ("perplexity", True, (("ppl", "train", _TRAIN), ("valid_ppl", "valid", _VALID))),
)

FORMATS = (".pdf", ".png", ".svg")
"""The suffixes that :func:`save` knows."""


def _new_figure(width: float, height: float, dpi: float = 150) -> Figure:
    """A figure (inches) outside pyplot, so that no window, backend or setting of the user's is involved."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "figures need Matplotlib, which is not installed", remedy="pip install 'seqkit[plot]'"
        ) from error
    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


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


MAP_METHODS = ("pca", "tsne")
"""How :func:`flatten` brings vectors into the plane."""


def flatten(vectors: Any, method: str = "pca", seed: int = 0) -> Any:
    """Vectors (N, D) as points of the plane, (N, 2) float64, after scaling each to length 1.

    pca: the two directions in which the points differ most, by singular value decomposition; of each the
    sign is settled by its largest part. tsne: neighbours stay neighbours, distances mean nothing (van der
    Maaten and Hinton 2008); by scikit-learn, the same for the same seed. Raises UsageError for fewer than
    three vectors or another method, MissingDependencyError without scikit-learn.
    """
    import numpy as np

    x = np.asarray(vectors, np.float64)
    if method not in MAP_METHODS:
        raise UsageError(f"unknown method {method!r}", remedy=f"use {' or '.join(MAP_METHODS)}")
    if x.ndim != 2 or len(x) < 3 or x.shape[1] < 2:
        raise UsageError(f"a map needs three vectors or more, of two numbers or more; got {x.shape}")
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    x = x / np.where(norms == 0, 1, norms)
    if method == "tsne":
        return _tsne(x, seed)
    x = x - x.mean(axis=0)
    _, _, directions = np.linalg.svd(x, full_matrices=False)
    directions = directions[:2]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.where(directions[[0, 1], largest] < 0, -1.0, 1.0)[:, None]
    return x @ directions.T


def _tsne(x: Any, seed: int) -> Any:
    import importlib

    try:
        manifold: Any = importlib.import_module("sklearn.manifold")
    except ImportError as error:
        raise MissingDependencyError(
            "t-SNE needs scikit-learn, which is not installed",
            remedy="pip install scikit-learn, or use the method pca",
        ) from error
    perplexity = min(30.0, (len(x) - 1) / 3)  # of neighbours; it must stay below the number of points
    return manifold.TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(x)


def plot_map(
    labels: Sequence[str],
    points: Any,
    groups: Sequence[int] | None = None,
    group_names: Sequence[str] | None = None,
) -> Figure:
    """A labelled map of words: ``points`` (N, 2) with their ``labels``, as :func:`flatten` lays them out.

    groups: of each point a number that gives it its colour; group_names: their legend, by number, and bold
    where a label is the name of its group.
    Labels stand where they cover no point and no other label as far as there is room, with a thin line to
    the point where they had to move away. Raises UsageError, MissingDependencyError without Matplotlib.
    """
    import numpy as np

    xy = np.asarray(points, np.float64)
    if xy.shape != (len(labels), 2) or (groups is not None and len(groups) != len(labels)):
        raise UsageError(f"{len(labels)} labels for points of shape {xy.shape}")
    if not len(labels) or not np.isfinite(xy).all():
        raise UsageError("nothing to draw: no points, or points that are not finite")
    crowd = len(labels) > 60
    grown = min(2.0, max(1.0, len(labels) / 100) ** 0.5)  # labels of one size want room by their number
    figure = _new_figure(*(11.0 * grown, 8.5 * grown) if crowd else (8.0, 6.2))
    axes = figure.subplots()
    axes.margins(0.08)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", "datalim")
    axes.spines[:].set_color("0.8")
    numbers = [0] * len(labels) if groups is None else list(groups)
    for group in sorted(set(numbers)):
        mine = [i for i, each in enumerate(numbers) if each == group]
        name = group_names[group] if group_names is not None else None
        axes.scatter(xy[mine, 0], xy[mine, 1], s=14, color=f"C{group % 10}", label=name, linewidths=0)
    if group_names is not None:
        axes.legend(loc="best", fontsize=8, framealpha=0.8)
    styles = [
        {
            "fontsize": 7 if crowd else 9,
            "color": "0.1" if len(set(numbers)) == 1 else f"C{group % 10}",
            "fontweight": "bold" if group_names is not None and group_names[group] == label else "normal",
        }
        for group, label in zip(numbers, labels, strict=True)
    ]
    _place_labels(figure, axes, labels, xy, styles)
    return figure


_RINGS = (3.0, 9.0, 16.0, 24.0, 34.0)
"""Distances of a label from its point that are tried, in points of 1/72 inch."""
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def _place_labels(
    figure: Figure, axes: Axes, labels: Sequence[str], xy: Any, styles: Sequence[Mapping[str, Any]]
) -> None:
    """Write each label in the first free place around its point, the nearest first; else the emptiest."""
    import numpy as np

    texts = [
        axes.annotate(
            label,
            (x, y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            parse_math=False,  # a word may hold dollar signs
            **style,
        )
        for label, (x, y), style in zip(labels, xy, styles, strict=True)
    ]
    figure.draw_without_rendering()  # settles the axes, so that their pixels are known
    scale = figure.dpi / 72
    pixels = axes.transData.transform(xy)
    frame = axes.get_window_extent()
    dots = np.concatenate([pixels - 3 * scale, pixels + 3 * scale], axis=1)
    legend = axes.get_legend()
    taken = [dots, *([np.array([legend.get_window_extent().extents])] if legend is not None else [])]
    boxes = np.concatenate(taken)  # (K, 4): left, bottom, right, top
    centre = pixels.mean(axis=0)
    # those at the rim first: they have room outwards, and leave the middle to the others
    for i in np.argsort(-((pixels - centre) ** 2).sum(axis=1), kind="stable"):
        extent = texts[i].get_window_extent()
        half = np.array([extent.width, extent.height]) / 2
        outward = pixels[i] - centre
        sides = sorted(_SIDES, key=lambda side: -float(np.dot(side, outward)) / float(np.hypot(*side)))
        best: tuple[float, Any, float] | None = None
        for ring in _RINGS:
            for side in sides:
                direction = np.array(side, float)
                shift = direction * (half + ring * scale / np.hypot(*side))
                place = pixels[i] + shift
                box = np.concatenate([place - half, place + half])
                wide = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
                covered = float(np.prod(np.clip(wide, 0, None), axis=1).sum())
                outside = np.concatenate([[frame.x0, frame.y0] - box[:2], box[2:] - [frame.x1, frame.y1]])
                covered += float(np.clip(outside, 0, None).sum()) * extent.height
                if best is None or covered < best[0]:
                    best = covered, shift, ring
                if covered == 0:
                    break
            if best is not None and best[0] == 0:
                break
        assert best is not None
        _, shift, ring = best
        texts[i].set_position(tuple(shift / scale))
        if ring > _RINGS[0]:
            end = tuple((shift - np.sign(shift) * half) / scale)
            arrow = {"arrowstyle": "-", "linewidth": 0.6, "color": "0.5", "shrinkA": 0, "shrinkB": 1}
            axes.annotate("", xy[i], xytext=end, textcoords="offset points", arrowprops=arrow)
        place = pixels[i] + shift
        boxes = np.concatenate([boxes, np.concatenate([place - half, place + half])[None]])


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write ``figure`` in the format that the suffix of ``path`` names: .pdf, .png or .svg.

    No date is written, so that the same curves in a .pdf are the same bytes. Raises UsageError for another
    suffix or a folder that is not there.
    """
    target = figure_file(path)
    suffix = target.suffix.lower()
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": None}[suffix]
    figure.savefig(target, format=suffix[1:], metadata=undated)


def figure_file(path: str | os.PathLike[str]) -> Path:
    """A figure's file to be. UsageError for a suffix not in ``FORMATS``, and where there is no folder."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"a figure's file name must end in {', '.join(FORMATS)}, not {suffix or 'nothing'!r}",
            where=str(target),
        )
    if not target.parent.is_dir():
        raise UsageError(f"the folder {str(target.parent)!r} is not there", remedy="create it first")
    return target


def plot_attention(weights: Any, source: Sequence[str], target: Sequence[str]) -> Figure:
    """Attention weights (T, S) as a heat map: a row a target token, a column a source token, dark is 1.

    Blanks are shown as ␣. Raises UsageError for tokens that do not match the weights or for none,
    MissingDependencyError without Matplotlib.
    """
    T, S = len(target), len(source)
    if not T or not S or tuple(weights.shape) != (T, S):
        raise UsageError(f"weights {tuple(weights.shape)} for {T} target and {S} source tokens")
    size = 0.28
    figure = _new_figure(max(3.0, size * S + 1.6), max(2.2, size * T + 1.2))
    axes = figure.subplots()
    image = axes.imshow(weights, cmap="Greys", vmin=0.0, vmax=1.0, aspect="equal")
    longest = max(map(len, source))
    axes.set_xticks(
        range(S), [token.replace(" ", "␣") for token in source], rotation=90 if longest > 2 else 0
    )
    axes.set_yticks(range(T), [token.replace(" ", "␣") for token in target])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xticks([x - 0.5 for x in range(1, S)], minor=True)
    axes.set_yticks([y - 0.5 for y in range(1, T)], minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    figure.colorbar(image, ax=axes, shrink=0.8, label="weight")
    return figure


def plot_images(images: Any, titles: Sequence[str] | None = None, columns: int | None = None) -> Figure:
    """Images (N, H, W, C) side by side, C 1 or 3: uint8 of 0 to 255, or floats of 0 to 1.

    titles: one above each. columns: how many in a row, by default about as many as there are rows. Raises
    UsageError for another shape or none, MissingDependencyError without Matplotlib.
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or not shape[0] or shape[3] not in (1, 3):
        raise UsageError(f"images must be (N, H, W, C) with 1 or 3 channels, not {shape}")
    N, H, W, C = shape
    if titles is not None and len(titles) != N:
        raise UsageError(f"{len(titles)} titles for {N} images")
    columns = min(N, columns or math.ceil(math.sqrt(1.6 * N)))
    rows = math.ceil(N / columns)
    longest = max((len(line) for title in titles or () for line in title.split("\n")), default=0)
    side = 0.9 if titles is None else max(1.25, 0.068 * longest)
    figure = _new_figure(side * columns, (side * H / W + (0.0 if titles is None else 0.3)) * rows)
    every = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in every:
        axes.set_axis_off()
    most = 255 if images.dtype.kind == "u" else 1
    for i, axes in enumerate(every[:N]):
        axes.imshow(images[i, ..., 0] if C == 1 else images[i], cmap="gray", vmin=0, vmax=most)
        if titles is not None:
            axes.set_title(titles[i], fontsize=8, parse_math=False)
    return figure
