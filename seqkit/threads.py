"""How many threads the matrix products use. One pool only: kernels of ours are single-threaded."""

from __future__ import annotations

import os
import sys

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count() -> int:
    """The threads asked for by the environment, else one a core."""
    for name in VARIABLES:
        value = os.environ.get(name, "")
        if value.isdecimal() and int(value) > 0:
            return int(value)
    return available_cores()


def set_thread_count(count: int) -> bool:
    """Ask for ``count`` threads. BLAS libraries read this when NumPy is first imported: False if too late."""
    if "numpy" in sys.modules:
        return thread_count() == count
    for name in VARIABLES:
        os.environ[name] = str(count)
    return True
