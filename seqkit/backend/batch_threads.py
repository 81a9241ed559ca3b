"""Batches in several threads: for work on batches that need nothing from each other, as in evaluation."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain, islice
from typing import Any, TypeVar

from seqkit.backend.kernels import has_tiles
from seqkit.threads import thread_count

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_AHEAD = 1
"""Batches of each thread that wait to be fetched or begun."""


def map_batches(
    compute: Callable[[Batch], Result], batches: Iterable[Batch], device: str
) -> Iterator[Result]:
    """Iterate over the results of batches, in order.

    Where the steps of a kernel wait for each other, as in a recurrent layer, two threads on one batch are
    half as fast again as one (measured); on a batch each they are twice as fast, but for the interpreter. The
    results have the same bits: a thread does all chunks of its kernels, the same ones, by itself.

    Batches come one after another on a GPU, where BLAS multiplies matrices, and while another thread
    computes.

    Args:
        compute: A function without side effects that other threads could see.
        batches: The batches; few are taken ahead.
        device: Where the arrays are: "cpu" or "cuda:N".
    """
    first = list(islice(batches := iter(batches), 2))
    batches = chain(first, batches)
    threads = thread_count() if device == "cpu" and has_tiles() else 1
    with ExitStack() as stack:
        if threads == 1 or len(first) < 2 or not stack.enter_context(_pool().reserved()):
            yield from map(compute, batches)
            return
        executor = stack.enter_context(ThreadPoolExecutor(threads, "seqkit batches"))
        waiting: deque[Future[Result]] = deque()
        stack.callback(lambda: [future.cancel() for future in waiting])
        for batch in batches:
            waiting.append(executor.submit(compute, batch))
            if len(waiting) > threads * (1 + _AHEAD):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pool() -> Any:
    """The threads of kernels, which cannot be imported without Numba."""
    return importlib.import_module("seqkit.backend.kernels.thread_pool").pool
