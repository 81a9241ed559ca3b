"""Creation and saving of figures."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqkit.errors import MissingDependencyError, UsageError
from seqkit.plotting.fonts import fonts_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".pdf", ".png", ".svg")
"""File suffixes that :func:`save` can write."""
MOST_PIXELS = 1 << 27
"""Pixels of a figure: 512 MiB while it is drawn."""
_NOTEBOOK_DPI = 90
LONGEST_LABEL = 60
"""Characters of a label; what is longer is cut."""


def label_of(text: str) -> str:
    """Return text as a figure can show it: cut to 60 characters, control characters escaped.

    Matplotlib leaves empty labels and those that begin with an underscore out of legends, hence the blank.
    """
    shown = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
    return f" {shown}" if shown.startswith("_") else shown or " "


def draw_legend(axes: Axes, **style: Any) -> None:
    """Draw the legend of labels as they are, without mathematics between dollar signs."""
    for text in axes.legend(**style).get_texts():
        text.set_parse_math(False)


def new_figure(width: float, height: float, dpi: float = 150) -> Figure:
    """Return an empty figure of the given size in inches, independent of pyplot and its settings.

    A notebook shows it where it is the last expression of a cell, with or without pyplot.

    Raises:
        UsageError: The figure would have more than 2^27 pixels.
        MissingDependencyError: Matplotlib is not installed.
    """
    if not width * height * dpi**2 <= MOST_PIXELS:
        raise UsageError(
            f"expected a figure of at most {MOST_PIXELS:,} pixels, got {width:,.0f} × {height:,.0f} inches",
            remedy="draw less",
        )
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "figures need Matplotlib, which is not installed", remedy="pip install 'seqkit[plot]'"
        ) from error
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    vars(figure)["_repr_png_"] = lambda: _png_of(figure)  # notebooks call it
    return figure


def _png_of(figure: Figure) -> bytes:
    """Return a figure as a notebook shows it."""
    file = io.BytesIO()
    with fonts_for(figure):
        figure.savefig(file, format="png", dpi=_NOTEBOOK_DPI)
    return file.getvalue()


def save(
    figure: Figure,
    path: str | os.PathLike[str],
    *,
    colors: int | None = None,
    on_message: Callable[[str], object] | None = None,
) -> None:
    """Write a figure in the format of the path's suffix: .pdf, .png or .svg.

    No date is written, so that equal figures are equal files.

    Args:
        figure: The figure to write.
        path: The file to write, in an existing folder.
        colors: Reduce a .png to a palette of this many colours, for a third of the size.
        on_message: Called with a sentence about characters that no installed font has; without it, a
            warning says so.

    Raises:
        UsageError: The suffix is unknown, or the folder does not exist.
    """
    target = check_figure_path(path)
    suffix = target.suffix.lower()
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": None}[suffix]
    with fonts_for(figure) as advice:
        figure.savefig(target, format=suffix[1:], metadata=undated)
    if advice is not None:
        (on_message or warnings.warn)(advice)
    if suffix == ".png" and colors is not None:
        from PIL import Image  # comes with Matplotlib

        with Image.open(target) as image:
            reduced = image.convert("RGB").quantize(colors)
        reduced.save(target, optimize=True)


def check_figure_path(path: str | os.PathLike[str]) -> Path:
    """Check that a figure can be written to ``path``, before the work that precedes it.

    Returns:
        The path.

    Raises:
        UsageError: The suffix is unknown, the folder does not exist, or the file cannot be written.
        MissingDependencyError: Matplotlib is not installed.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"expected a figure file ending in {', '.join(FORMATS)}, got {suffix or 'no suffix'!r}",
            where=str(target),
        )
    if not target.parent.is_dir():
        raise UsageError(f"the folder {str(target.parent)!r} does not exist", remedy="create it first")
    if target.is_dir() or not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UsageError("the figure file cannot be written", where=str(target), remedy="name another file")
    new_figure(1, 1)
    return target
