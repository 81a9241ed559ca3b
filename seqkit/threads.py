"""How many threads work, and on what. By default one pool only: the products' own, kernels of ours have none.

Large work without gradients goes another way: pieces of a batch in a thread each, with one thread for the
products of each piece (:func:`in_threads`). Both never run at once. That costs something where the pools
change over: OpenBLAS's threads look for new work for about 100 ms after a product, on a core that a piece of
ours wants (measured on 2 cores: 50 ms lost). So :func:`let_blas_sleep` shortens that to some milliseconds,
which is longer than any gap between the products of a training step.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")
PIECE = 2.5e9
"""Multiply-adds worth a thread of their own: some 40 ms of one core (measured: equal at 2.2e9)."""
PIECE_BESIDE_WAITING = 3e10
"""The same where OpenBLAS's threads do not sleep."""

_WAIT, _WAIT_LOG2_CYCLES = "OPENBLAS_THREAD_TIMEOUT", "24"
_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


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


@functools.cache
def let_blas_sleep() -> bool:
    """Ask OpenBLAS, before NumPy loads it, for threads that soon sleep. False: NumPy is there, and they wait.

    A setting of the user's own is left as it is.
    """
    if _WAIT in os.environ:
        return True
    if "numpy" in sys.modules:
        return False
    os.environ[_WAIT] = _WAIT_LOG2_CYCLES
    return True


@functools.cache
def _libraries() -> Any:
    """What computes the products, as threadpoolctl sees it. To be asked once NumPy is loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def worthwhile_threads(multiply_adds: float) -> int:
    """Into how many pieces that much work should be cut: 1 for little, at most the products' threads.

    1 also inside a piece, and where the products' threads cannot be told.
    """
    threads = min((library.num_threads for library in _libraries().lib_controllers), default=1)
    piece = PIECE if let_blas_sleep() else PIECE_BESIDE_WAITING
    return max(1, min(threads, int(multiply_adds / piece)))


class _OneThreadEach:
    """Products of one thread each, while anybody asks for it: the limit belongs to the whole process."""

    def __init__(self) -> None:
        self._lock, self._users, self._limit = threading.Lock(), 0, contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._limit.enter_context(_libraries().limit(limits=1))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._limit.close()


_one_thread_each = _OneThreadEach()


def in_threads(function: Callable[[_Part], _Result], parts: Iterable[_Part]) -> list[_Result]:
    """``function`` of each part, in a thread each, all with the caller's context; results in their order.

    Returns, or raises the first error, when all have ended.
    """
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    first, *others = parts
    if not others:
        return [function(first)]
    with _one_thread_each(), ThreadPoolExecutor(len(others)) as pool:
        waiting = [pool.submit(copy_context().run, function, part) for part in others]
        return [function(first), *(future.result() for future in waiting)]
