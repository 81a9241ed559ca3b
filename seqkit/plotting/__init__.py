"""Figures of training curves, word vectors, attention and images.

One file per figure: add a new figure as a file of this package and export it here. Matplotlib is imported on
first use; pyplot and Matplotlib's global settings are never touched.
"""

from seqkit.plotting.attention import plot_attention
from seqkit.plotting.curves import plot_curves
from seqkit.plotting.figure import FORMATS, check_figure_path, new_figure, save
from seqkit.plotting.images import plot_images
from seqkit.plotting.search import plot_search
from seqkit.plotting.word_map import PROJECTIONS, check_projection, plot_word_map, project_to_plane

__all__ = [
    "FORMATS",
    "PROJECTIONS",
    "check_figure_path",
    "check_projection",
    "new_figure",
    "plot_attention",
    "plot_curves",
    "plot_images",
    "plot_search",
    "plot_word_map",
    "project_to_plane",
    "save",
]
