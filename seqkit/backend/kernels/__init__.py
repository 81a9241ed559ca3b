"""Fused loops: one family a folder, one signature, up to three versions.

``reference`` is plain array code for NumPy and CuPy, and the oracle of the others. ``cpu`` (Numba, float32)
and ``gpu`` (CUDA source through CuPy, float32) exist only where they were measured to gain. Float64 always
takes the reference: it serves gradient checks, and a kernel compiled for it would serve nothing else.

``SEQKIT_KERNELS=reference`` forces the references everywhere.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import os
from types import ModuleType
from typing import Any

import numpy as np

_log = logging.getLogger("seqkit")


@functools.cache
def numba_missing() -> str | None:
    """Why compiled CPU kernels are not used, or None when they are."""
    if os.environ.get("SEQKIT_KERNELS", "") == "reference":
        return "SEQKIT_KERNELS=reference"
    try:
        import numba  # noqa: F401
    except ImportError as error:
        _log.warning("Numba is not usable (%s): running the slower NumPy kernels", error)
        return f"Numba is not usable ({error})"
    return None


@functools.cache
def products() -> str:
    """Who multiplies float32 matrices on the CPU, for people to read."""
    if numba_missing() is None:
        processor = importlib.import_module(f"{__name__}.processor")
        if processor.FITS:
            return f"tiles of {processor.TALLEST} by {processor.PANEL} numbers, kernels on all threads"
    return "BLAS, kernels on one thread"


@functools.cache
def _version(family: str, version: str) -> ModuleType | None:
    name = f"{__name__}.{family}.{version}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


@functools.cache
def _choose(family: str, module_name: str) -> ModuleType:
    chosen = None
    if module_name == "numpy" and numba_missing() is None:
        chosen = _version(family, "cpu")
    elif module_name == "cupy" and os.environ.get("SEQKIT_KERNELS", "") != "reference":
        chosen = _version(family, "gpu")
    reference = _version(family, "reference")
    assert reference is not None, f"kernel family {family!r} has no reference"
    return chosen or reference


def kernels(family: str, xp: Any, dtype: Any = np.float32) -> ModuleType:
    """The fastest version of a kernel family for arrays of module ``xp`` and this dtype."""
    if dtype != np.float32:
        reference = _version(family, "reference")
        assert reference is not None
        return reference
    return _choose(family, xp.__name__)
