"""Pearson's and Spearman's correlation in NumPy."""

from __future__ import annotations

import importlib
import math
from typing import NamedTuple

import numpy as np


class Correlation(NamedTuple):
    """A coefficient and its two-sided p-value, which is NaN where SciPy is not installed."""

    statistic: float
    pvalue: float


def _coefficient(x: np.ndarray, y: np.ndarray) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(dx @ dx)) * math.sqrt(float(dy @ dy))
    return max(-1.0, min(1.0, float(dx @ dy) / scale)) if scale > 0 else math.nan


def _p_value(r: float, count: int) -> float:
    """By Student's t with count - 2 degrees of freedom."""
    if count < 3 or math.isnan(r):
        return math.nan
    if abs(r) == 1:
        return 0.0
    try:
        stats = importlib.import_module("scipy.stats")
    except ImportError:
        return math.nan
    t = abs(r) * math.sqrt((count - 2) / ((1 - r) * (1 + r)))
    return float(2 * stats.t.sf(t, count - 2))


def ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing the mean of theirs: (N,) float64."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place.reshape(-1)]


def pearson(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Correlation of x and y, (N,); NaN where one is constant."""
    r = _coefficient(np.asarray(x, np.float64), np.asarray(y, np.float64))
    return Correlation(r, _p_value(r, len(x)))


def spearman(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Correlation of the ranks of x and y, (N,)."""
    return pearson(ranks(np.asarray(x)), ranks(np.asarray(y)))
