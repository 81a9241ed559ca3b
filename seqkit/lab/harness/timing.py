"""Speeds that can be compared on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def alternate(ways: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each of several ways, run in turn ``repeats`` times after a first turn not counted.

    What slows the machine down for a while then slows down all of them.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: float(np.median(each)) for name, each in times.items()}
