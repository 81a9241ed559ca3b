"""Progress of work that takes over two seconds.

Code at any level opens a :class:`Job` with :func:`progress` and says what is done. Whether and how it is
shown is up to the caller: ``show_progress(True)`` shows bars, the commands install a reporter of their own,
and without one a job costs a few attributes.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import ParamSpec, TypeVar

from seqkit.progress.job import Job, amount, duration
from seqkit.progress.reporters import BarReporter, LineReporter, Reporter, current_reporter

__all__ = [
    "BarReporter",
    "Job",
    "LineReporter",
    "Reporter",
    "amount",
    "current_reporter",
    "duration",
    "progress",
    "show_progress",
    "tracked",
    "with_progress",
]

P = ParamSpec("P")
Item = TypeVar("Item")
R = TypeVar("R")


@contextlib.contextmanager
def progress(
    description: str,
    total: int | None = None,
    unit: str = "",
    *,
    done: int = 0,
    position: Callable[[], int] | None = None,
    limit: float | None = None,
) -> Iterator[Job]:
    """Report the work of the block as a :class:`Job`.

    Args:
        description: What is being done.
        total: The number of units; None if it is not known.
        unit: The name of the units; "B" for bytes.
        done: The units that were done before.
        position: Returns the units that are done, instead of :meth:`Job.advance`; called by another thread.
        limit: Seconds after which the work ends at the latest.

    Example:
        >>> with show_progress(True), progress("reading", 3, "files") as job:
        ...     for file in range(3):
        ...         job.advance()
    """
    job = Job(description, total, unit, done=done, position=position, limit=limit)
    reporter = current_reporter()
    if reporter is None:
        yield job
        return
    reporter.start(job)
    try:
        yield job
    finally:
        reporter.end(job)


def tracked(
    items: Iterable[Item], description: str, unit: str, *, total: int | None = None
) -> Iterator[Item]:
    """Iterate over items as a job.

    Args:
        items: The items.
        description: What is being done with them.
        unit: What they are.
        total: Their number; that of a list, range and the like is known.
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    with progress(description, total, unit) as job:
        for item in items:
            yield item
            job.advance()


@contextlib.contextmanager
def show_progress(enabled: bool = True) -> Iterator[None]:
    """Show bars of the work in the block that takes over two seconds, unless a reporter shows it already."""
    if not enabled or current_reporter() is not None:
        yield
        return
    with BarReporter():
        yield


def with_progress(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function whose argument ``progress`` says whether to show bars of its work."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with show_progress(bool(kwargs.get("progress"))):
            return function(*args, **kwargs)

    return call
