"""Measures that several experiments share: accuracy, smoothed curves, the generalisation gap, time."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqkit.lab.harness.data import Images

Curves = dict[str, list[float]]
"""Values by epoch, under the names of what was measured."""


def accuracy(model: Any, data: Images) -> float:
    """Return the fraction of images that an image model classifies correctly, in evaluation mode."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return float((model.predict(data.x) == data.labels).mean())


def smooth(curve: Sequence[float], points: int) -> list[float]:
    """Return the means of ``points`` consecutive sections of a curve, of about equal length."""
    return [float(np.mean(section)) for section in np.array_split(np.array(curve), points)]


def final_mean(curve: Sequence[float]) -> float:
    """Return the mean of a curve's last ten points, since the accuracy of a single epoch is noisy."""
    return float(np.mean(curve[-10:]))


def generalisation_gap(curves: Curves) -> float:
    """Return the final training accuracy minus the final test accuracy."""
    return final_mean(curves["train"]) - final_mean(curves["test"])


def median_seconds(functions: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Time functions in turn and return the median seconds of each.

    Whatever slows the machine down for a while then slows all of them down.

    Args:
        functions: The functions to time, by name.
        repeats: Timed rounds, after a first round that is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for repeat in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(each)) for name, each in seconds.items()}
