"""The sizes of the processor's registers and caches, by which matrix products are cut."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from llvmlite import binding
from numba.core import config

from seqkit.backend.kernels import kernel_mode

_config: Any = config  # its settings are made at run time


class _Shape(NamedTuple):
    lanes: int
    tallest: int
    packed: int


def _shape() -> _Shape | None:
    """The sizes for what the code is compiled for; None if BLAS is as fast there, or nobody has measured."""
    named = _config.CPU_FEATURES
    found = binding.get_host_cpu_features()
    features = (
        {name for name, there in found.items() if there}
        if named is None
        else set(re.findall(r"\+([\w.-]+)", named))
    )
    if "avx512f" in features:
        return _Shape(16, 14, 1 << 18)
    if {"avx2", "fma"} <= features:
        return _Shape(8, 6, 1 << 16)
    return None


TILES = _shape() is not None and kernel_mode() != "blas"
"""Whether matrix products run in tiles of our own, and kernels on all threads."""
LANES, TALLEST, PACKED = _shape() or _Shape(8, 6, 1 << 16)
"""Numbers in a vector; rows of a tile, with 2 registers each for its sums, 2 for a row of the panel and 1 for
a number of the left factor; numbers of the right factor packed at a time, half of the second cache."""
PANEL = 2 * LANES
"""Columns of a tile."""
