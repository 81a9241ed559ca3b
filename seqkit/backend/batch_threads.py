"""Batches in several threads: for work on batches that need nothing from each other, as in evaluation."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from typing import Any, TypeVar

from seqkit.backend.kernels import has_tiles
from seqkit.threads import thread_count

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_AHEAD = 1
"""Batches of each thread that wait to be fetched or begun."""

MOST_THREADS = 4
"""With more, kernels share a batch: the interpreter takes a sixth of the time of one thread (measured on a
tagger), and each thread needs the memory of a batch. More than two were not measured."""


@contextmanager
def map_batches(
    compute: Callable[[Batch], Result], batches: Iterable[Batch], device: str
) -> Iterator[Iterator[Result]]:
    """Give an iterator over the results of batches, in order, inside a ``with`` block.

    Where the steps of a kernel wait for each other, as in a recurrent layer, two threads on one batch are
    half as fast again as one (measured); on a batch each they are twice as fast, but for the interpreter. The
    results have the same bits: a thread does all chunks of its kernels, the same ones, by itself.

    Batches come one after another where they are fewer than the threads or threads are more than
    :data:`MOST_THREADS`, on a GPU, where BLAS multiplies matrices, and while another thread computes.

    Args:
        compute: A function without side effects that other threads could see.
        batches: The batches; few are taken ahead.
        device: The kind of the device that has the arrays, such as "cpu".
    """
    threads = thread_count() if device == "cpu" and has_tiles() else 1
    first = list(islice(batches := iter(batches), threads))
    batches = chain(first, batches)
    with ExitStack() as stack:
        is_split = 1 < threads <= MOST_THREADS and len(first) == threads
        if not (is_split and stack.enter_context(_pool().reserved())):
            yield map(compute, batches)
            return
        executor = stack.enter_context(ThreadPoolExecutor(threads, "seqkit batches"))
        waiting: deque[Future[Result]] = deque()
        stack.callback(lambda: [future.cancel() for future in waiting])
        yield _results(executor, compute, batches, waiting, threads * (1 + _AHEAD))


def _results(
    executor: ThreadPoolExecutor,
    compute: Callable[[Batch], Result],
    batches: Iterable[Batch],
    waiting: deque[Future[Result]],
    most: int,
) -> Iterator[Result]:
    """Iterate over results; at most so many batches wait."""
    for batch in batches:
        waiting.append(executor.submit(compute, batch))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _pool() -> Any:
    """The threads of kernels, which cannot be imported without Numba."""
    return importlib.import_module("seqkit.backend.kernels.thread_pool").pool
