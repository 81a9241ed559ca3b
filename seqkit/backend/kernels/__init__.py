"""Fused loops: one family a folder, one signature, up to three versions.

``reference`` is plain array code for NumPy and CuPy, and the oracle of the others. ``cpu`` (Numba, float32)
and ``gpu`` (CUDA source through CuPy, float32) exist only where they were measured to gain. Float64 always
takes the reference: it serves gradient checks, and a kernel compiled for it would serve nothing else.

``SEQKIT_KERNELS`` chooses for a process: ``compiled`` (the default), ``blas`` (every matrix product goes
through BLAS, other kernels are compiled and have one thread) or ``reference`` (references everywhere).
docs/kernels.md tells how the layer works.
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

from seqkit.errors import UsageError

MODES = ("compiled", "blas", "reference")

_log = logging.getLogger("seqkit")
_failed: set[str] = set()


@functools.cache
def kernel_mode() -> str:
    """Return the value of SEQKIT_KERNELS, "compiled" if it is not set.

    Raises:
        UsageError: it is none of :data:`MODES`.

    """
    mode = os.environ.get("SEQKIT_KERNELS") or MODES[0]
    if mode not in MODES:
        raise UsageError(
            f"expected SEQKIT_KERNELS to be one of {', '.join(MODES)}, got {mode!r}",
            remedy="unset it for the default, compiled",
        )
    return mode


@functools.cache
def numba_missing() -> str | None:
    """Return why compiled CPU kernels are not used, or None when they are."""
    if kernel_mode() == "reference":
        return "SEQKIT_KERNELS=reference"
    try:
        import numba  # noqa: F401
    except ImportError as error:
        _log.warning("Numba is not usable (%s): running the slower NumPy kernels", error)
        return f"Numba is not usable ({error})"
    return None


@functools.cache
def has_tiles() -> bool:
    """Return whether float32 matrix products on the CPU are ours, so that all threads are ours to use."""
    return numba_missing() is None and bool(_processor().TILES)


def _processor() -> ModuleType:
    return importlib.import_module(f"{__name__}.processor")


@functools.cache
def products() -> str:
    """Describe who multiplies float32 matrices on the CPU, for people to read."""
    if has_tiles():
        sizes = f"{_processor().TALLEST} by {_processor().PANEL}"
        return f"tiles of {sizes} numbers, kernels on all threads"
    return "BLAS, kernels on one thread"


@functools.cache
def _version(family: str, version: str) -> ModuleType | None:
    name = f"{__name__}.{family}.{version}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def warn_of_failure(family: str, error: Exception) -> None:
    """Say once that compiled kernels of a family do not work, and with the cause."""
    if family not in _failed:
        _failed.add(family)
        cause = " ".join(str(error).split()[:40])
        _log.warning(
            "the compiled kernels %s do not work (%s: %s): running the slower NumPy ones",
            family,
            type(error).__name__,
            cause,
        )


def _compiled(family: str) -> ModuleType | None:
    """The family's version for the CPU, or None if it has none or it cannot be imported."""
    try:
        return _version(family, "cpu")
    except Exception as error:  # Numba and LLVM raise all kinds
        warn_of_failure(family, error)
        return None


@functools.cache
def _choose(family: str, module_name: str) -> ModuleType:
    chosen = None
    if module_name == "numpy" and numba_missing() is None:
        chosen = _compiled(family)
    elif module_name == "cupy" and kernel_mode() != "reference":
        chosen = _version(family, "gpu")
    reference = _version(family, "reference")
    assert reference is not None, f"kernel family {family!r} has no reference"
    return chosen or reference


def kernels(family: str, xp: Any, dtype: Any = np.float32) -> ModuleType:
    """Return the fastest version of a kernel family for arrays of module ``xp`` and this dtype."""
    if dtype != np.float32:
        reference = _version(family, "reference")
        assert reference is not None
        return reference
    return _choose(family, xp.__name__)
