"""Grids of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqkit.errors import UsageError
from seqkit.plotting.figure import label_of, new_figure

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


def plot_images(
    images: np.ndarray, titles: Sequence[str] | None = None, columns: int | None = None
) -> Figure:
    """Draw images side by side in a grid.

    Args:
        images: Images (N, H, W, C) with 1 or 3 channels: uint8 from 0 to 255, or floats from 0 to 1.
        titles: A title for each image.
        columns: Images per row; by default the grid is about square.

    Returns:
        The figure.

    Raises:
        UsageError: The images have another shape, there are none, or the titles do not match.
        MissingDependencyError: Matplotlib is not installed.
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or not shape[0] or shape[3] not in (1, 3):
        raise UsageError(f"expected images (N, H, W, C) with 1 or 3 channels, got {shape}")
    N, H, W, C = shape
    if titles is not None and len(titles) != N:
        raise UsageError(f"expected {N} titles for {N} images, got {len(titles)}")
    columns = min(N, columns or math.ceil(math.sqrt(1.6 * N)))
    rows = math.ceil(N / columns)
    if titles is not None:
        titles = ["\n".join(map(label_of, title.split("\n"))) for title in titles]
    longest = max((len(line) for title in titles or () for line in title.split("\n")), default=0)
    side = 0.9 if titles is None else max(1.25, 0.068 * longest)
    figure = new_figure(side * columns, (side * H / W + (0.0 if titles is None else 0.3)) * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    white = 255 if images.dtype.kind == "u" else 1
    for i, axes in enumerate(panels[:N]):
        axes.imshow(images[i, ..., 0] if C == 1 else images[i], cmap="gray", vmin=0, vmax=white)
        if titles is not None:
            axes.set_title(titles[i], fontsize=8, parse_math=False)
    return figure
