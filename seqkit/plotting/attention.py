"""Heat maps of attention weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit.errors import UsageError
from seqkit.plotting.figure import label_of, new_figure

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


def plot_attention(weights: np.ndarray, source: Sequence[str], target: Sequence[str]) -> Figure:
    """Draw attention weights as a heat map with a row per target token; dark is 1.

    Args:
        weights: Attention weights (T, S).
        source: The S source tokens; spaces in them are shown as ␣.
        target: The T target tokens.

    Returns:
        The figure.

    Raises:
        UsageError: The tokens do not match the weights, or there are none.
        MissingDependencyError: Matplotlib is not installed.
    """
    T, S = len(target), len(source)
    if not T or not S or tuple(weights.shape) != (T, S):
        raise UsageError(
            f"expected weights of shape {(T, S)} for {T} target and {S} source tokens, "
            f"got {tuple(weights.shape)}"
        )
    columns, rows = ([label_of(token.replace(" ", "␣")) for token in tokens] for tokens in (source, target))
    size = 0.28
    beside, above = (0.08 * max(0, max(map(len, labels)) - 12) for labels in (rows, columns))
    figure = new_figure(max(3.0, size * S + 1.6) + beside, max(2.2, size * T + 1.2) + above)
    axes = figure.subplots()
    image = axes.imshow(weights, cmap="Greys", vmin=0.0, vmax=1.0, aspect="equal")
    rotation = 90 if max(map(len, columns)) > 2 else 0
    axes.set_xticks(range(S), columns, rotation=rotation, parse_math=False)
    axes.set_yticks(range(T), rows, parse_math=False)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xticks([x - 0.5 for x in range(1, S)], minor=True)
    axes.set_yticks([y - 0.5 for y in range(1, T)], minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    figure.colorbar(image, ax=axes, shrink=0.8, label="weight")
    return figure
