"""Two-dimensional maps of words by their vectors."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seqkit.errors import MissingDependencyError, UsageError
from seqkit.plotting.figure import draw_legend, label_of, new_figure
from seqkit.plotting.fonts import fonts_for
from seqkit.progress import progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PROJECTIONS = ("pca", "tsne")
"""Methods of :func:`project_to_plane`."""


def project_to_plane(vectors: ArrayLike, method: str = "pca", seed: int = 0) -> np.ndarray:
    """Project vectors to two dimensions, after scaling each to length 1.

    Args:
        vectors: Vectors (N, D), N ≥ 3 and D ≥ 2.
        method: "pca", the two principal components, each with the sign that makes its largest coefficient
            positive; or "tsne", t-SNE by scikit-learn (van der Maaten and Hinton 2008), which preserves
            neighbourhoods but not distances.
        seed: Random seed for t-SNE.

    Returns:
        Points (N, 2).

    Raises:
        UsageError: The vectors have another shape, or the method is unknown.
        MissingDependencyError: "tsne" without scikit-learn.
    """
    x = np.asarray(vectors, np.float64)
    check_projection(method)
    if x.ndim != 2 or len(x) < 3 or x.shape[1] < 2:
        raise UsageError(f"expected vectors (N, D) with N ≥ 3 and D ≥ 2, got shape {x.shape}")
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    x = x / np.where(norms == 0, 1, norms)
    if method == "tsne":
        perplexity = min(30.0, (len(x) - 1) / 3)  # of neighbours; it must stay below the number of points
        tsne = _manifold().TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        with progress(f"t-SNE of {len(x):,} words"):
            points: np.ndarray = tsne.fit_transform(x)
        return points
    x = x - x.mean(axis=0)
    _, _, directions = np.linalg.svd(x, full_matrices=False)
    directions = directions[:2]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.where(directions[[0, 1], largest] < 0, -1.0, 1.0)[:, None]
    return x @ directions.T


def check_projection(method: str) -> None:
    """Check that a method of :func:`project_to_plane` is known and installed.

    Raises:
        UsageError: The method is unknown.
        MissingDependencyError: "tsne" without scikit-learn.
    """
    if method not in PROJECTIONS:
        raise UsageError(f"unknown method {method!r}", remedy=f"use {' or '.join(PROJECTIONS)}")
    if method == "tsne":
        _manifold()


def _manifold() -> Any:
    try:
        return importlib.import_module("sklearn.manifold")
    except ImportError as error:
        raise MissingDependencyError(
            "t-SNE needs scikit-learn, which is not installed",
            remedy="pip install scikit-learn, or use the method pca",
        ) from error


def plot_word_map(
    labels: Sequence[str],
    points: ArrayLike,
    groups: Sequence[int] | None = None,
    group_names: Sequence[str] | None = None,
) -> Figure:
    """Draw labelled points, with labels placed where they cover no point and no other label if possible.

    A thin line joins a label to its point where it had to move away.

    Args:
        labels: A label for each point.
        points: Points (N, 2), as :func:`project_to_plane` returns them.
        groups: A group number for each point, which chooses its colour.
        group_names: Names of the groups in the legend; a label equal to the name of its group is bold.

    Returns:
        The figure.

    Raises:
        UsageError: Labels or groups do not match the points, or there is nothing to draw.
        MissingDependencyError: Matplotlib is not installed.
    """
    xy = np.asarray(points, np.float64)
    labels = list(map(label_of, labels))
    group_names = None if group_names is None else list(map(label_of, group_names))
    if xy.shape != (len(labels), 2) or (groups is not None and len(groups) != len(labels)):
        raise UsageError(f"expected points (N, 2) with N labels, got {xy.shape} and {len(labels)} labels")
    if not len(labels) or not np.isfinite(xy).all():
        raise UsageError("nothing to draw: expected finite points, got none or some that are not finite")
    crowded = len(labels) > 60
    scale = min(2.0, max(1.0, len(labels) / 100) ** 0.5)  # the area grows with the number of labels
    figure = new_figure(*(11.0 * scale, 8.5 * scale) if crowded else (8.0, 6.2))
    axes = figure.subplots()
    axes.margins(0.08)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", "datalim")
    axes.spines[:].set_color("0.8")
    group_of = [0] * len(labels) if groups is None else list(groups)
    for group in sorted(set(group_of)):
        members = [i for i, each in enumerate(group_of) if each == group]
        name = group_names[group] if group_names is not None else None
        axes.scatter(xy[members, 0], xy[members, 1], s=14, color=f"C{group % 10}", label=name, linewidths=0)
    if group_names is not None:
        draw_legend(axes, loc="best", fontsize=8, framealpha=0.8)
    styles = [
        {
            "fontsize": 7 if crowded else 9,
            "color": "0.1" if len(set(group_of)) == 1 else f"C{group % 10}",
            "fontweight": "bold" if group_names is not None and group_names[group] == label else "normal",
        }
        for group, label in zip(group_of, labels, strict=True)
    ]
    _place_labels(figure, axes, labels, xy, styles)
    return figure


_RINGS = (3.0, 9.0, 16.0, 24.0, 34.0)
"""Distances between a label and its point to try, in points of 1/72 inch."""
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Directions from a point to its label to try."""


def _place_labels(
    figure: Figure, axes: Axes, labels: Sequence[str], xy: np.ndarray, styles: Sequence[Mapping[str, Any]]
) -> None:
    """Place each label at the nearest free position around its point, or where it covers the least."""
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
    with fonts_for(figure):
        figure.draw_without_rendering()  # fixes the axes, so that positions in pixels are known
    scale = figure.dpi / 72
    pixels = axes.transData.transform(xy)
    frame = axes.get_window_extent()
    dots = np.concatenate([pixels - 3 * scale, pixels + 3 * scale], axis=1)
    legend = axes.get_legend()
    occupied = [dots, *([np.array([legend.get_window_extent().extents])] if legend is not None else [])]
    boxes = np.concatenate(occupied)  # (K, 4): left, bottom, right, top
    centre = pixels.mean(axis=0)
    # outermost points first: their labels can move outwards and leave the centre to the others
    for i in np.argsort(-((pixels - centre) ** 2).sum(axis=1), kind="stable"):
        extent = texts[i].get_window_extent()
        half = np.array([extent.width, extent.height]) / 2
        outward = pixels[i] - centre
        sides = sorted(_SIDES, key=lambda side: -float(np.dot(side, outward)) / float(np.hypot(*side)))
        best: tuple[float, np.ndarray, float] | None = None
        for ring in _RINGS:
            for side in sides:
                direction = np.array(side, float)
                shift = direction * (half + ring * scale / np.hypot(*side))
                place = pixels[i] + shift
                box = np.concatenate([place - half, place + half])
                overlap = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
                covered = float(np.prod(np.clip(overlap, 0, None), axis=1).sum())
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
