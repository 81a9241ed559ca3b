"""The number of threads. By default only one pool of threads works at a time.

Where the tiles of our own matrix products fit the processor (seqkit/backend/kernels/processor.py), they share
a thread pool with the other kernels (seqkit/backend/kernels/thread_pool.py), and BLAS gets what is small or
float64. Elsewhere, and with SEQKIT_KERNELS=blas, the BLAS library's pool is the only one, and kernels have
one thread.

OpenBLAS's threads spin for some 100 ms after a product, on a core that others want: our pool, or another
library in the process (measured on 2 cores: 1.8 times as long). :func:`let_blas_sleep` shortens that.
"""

import os
import sys

from seqkit.launcher import processes_here
from seqkit.platforms import usable_cores

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")

_WAIT, _WAIT_LOG2_CYCLES = "OPENBLAS_THREAD_TIMEOUT", "20"
"""2^20 cycles are 0.4 ms; to wake up again costs a product 50 µs (both measured)."""


def available_cores() -> int:
    """Return the number of cores that this process may use: its share, if a launcher started several here."""
    return min(usable_cores(), max(1, (os.cpu_count() or 1) // processes_here()))


def thread_count() -> int:
    """Return the number of threads that the environment requests, else one per core."""
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


def share_cores() -> None:
    """Ask for one thread for each core of this process's share, unless the environment has a number."""
    if processes_here() > 1:
        set_thread_count(thread_count())


def let_blas_sleep() -> None:
    """Ask OpenBLAS for threads that soon sleep. It reads this when NumPy is first imported, and never again.

    A setting of the user's own is left as it is.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault(_WAIT, _WAIT_LOG2_CYCLES)
