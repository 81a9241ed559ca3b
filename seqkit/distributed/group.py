"""A group of processes that train one model: what each has, and how they add, gather and share arrays.

:class:`ProcessGroup` is a group of one, whose collective operations cost nothing: code is written once, for a
group. :class:`seqkit.distributed.mpi.MPIGroup` is a group of MPI processes.

Collective operations are called by all processes of a group, in the same order.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from seqkit.errors import SeqkitError, StoppedElsewhere

T = TypeVar("T")


class Pending:
    """An operation that was begun; :meth:`wait` ends it."""

    def wait(self) -> None:
        """Return when the operation is done."""


def span(n: int, rank: int, size: int) -> slice:
    """Return which of n examples in a row process ``rank`` of ``size`` has: n / size, one more in the first.

    A process for which none is left gets the first one, whose weight is 0 there (:meth:`ProcessGroup.owns`).
    """
    whole, more = divmod(n, size)
    start = rank * whole + min(rank, more)
    end = start + whole + (rank < more)
    return slice(start, end) if end > start else slice(0, min(1, n))


class ProcessGroup:
    """A group of one process.

    Attributes:
        rank: The number of this process, from 0.
        size: The number of processes.
        host_rank: The number of this process among those of its host.
        hosts: The name of each process's host.
        bytes_sent: Bytes that this process handed over to be sent, by the count of each algorithm.
    """

    rank = 0
    size = 1
    host_rank = 0
    bytes_sent = 0
    hosts: Sequence[str] = ("this host",)

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and speaks for the group."""
        return self.rank == 0

    def span(self, n: int) -> slice:
        """Return which of n examples in a row this process has, one at least (:func:`span`)."""
        return span(n, self.rank, self.size)

    def owns(self, n: int) -> bool:
        """Return whether the examples of :meth:`span` count here."""
        return self.rank < n

    def deal(self, items: Iterable[T]) -> Iterator[T]:
        """Iterate over this process's share of some items: every ``size``-th, from number ``rank`` on."""
        return itertools.islice(items, self.rank, None, self.size)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over all processes of a small array, the same everywhere."""
        return values

    def of_first(self, value: float) -> float:
        """Return the number that the first process gives."""
        return value if self.size == 1 else float(self.sum(np.array([value if self.is_first else 0.0]))[0])

    def start_sum(self, buffer: Any) -> Pending:
        """Begin to add up a contiguous array in place, on its device, over all processes."""
        return Pending()

    def gather(self, array: np.ndarray) -> list[np.ndarray]:
        """Return the array of each process; they differ in the first axis only."""
        return [array]

    def gather_json(self, value: Any) -> list[Any]:
        """Return the JSON value of each process."""
        if self.size == 1:
            return [value]
        parts = self.gather(np.frombuffer(json.dumps(value).encode(), np.uint8))
        return [json.loads(part.tobytes()) for part in parts]

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Send part i to process i; return what each process sent here. All parts have one dtype and axis."""
        return list(parts)

    def share_bytes(self, data: bytes | None) -> bytes:
        """Return the bytes that the first process gives; the others give None."""
        assert data is not None
        return data

    def share(self, value: Any) -> Any:
        """Return the JSON value that the first process gives."""
        data = json.dumps(value).encode() if self.is_first else None
        return value if self.size == 1 else json.loads(self.share_bytes(data))

    def share_arrays(self, arrays: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        """Return the arrays by name that the first process gives; the others give None."""
        if self.size == 1:
            return dict(arrays or {})
        described = self.share({n: [a.dtype.str, a.shape] for n, a in (arrays or {}).items()})
        shared = {}
        for name, (dtype, shape) in described.items():
            array = np.ascontiguousarray(arrays[name]) if arrays else np.empty(shape, dtype)
            self.share_buffer(array)
            shared[name] = array
        return shared

    def share_buffer(self, array: np.ndarray) -> None:
        """Fill a contiguous array with that of the first process."""

    def barrier(self) -> None:
        """Wait for all processes."""

    def meet(self, seconds: float) -> bool:
        """Return whether all processes come here within some seconds."""
        return True

    def abort(self, code: int) -> None:
        """End all processes of a job, without a word; one that has no others goes on."""

    def on_first(self, function: Callable[[], T]) -> T | None:
        """Run ``function`` in the first process; return its result there, None elsewhere, when it is done.

        Raises:
            SeqkitError: In the first process what ``function`` raises, elsewhere StoppedElsewhere.
        """
        result, error = None, None
        if self.is_first:
            try:
                result = function()
            except BaseException as raised:
                error = raised
        failed = self.share(error is not None)
        if error is not None:
            raise error
        if failed:
            raise StoppedElsewhere("the first process stopped")
        return result

    def require_same(self, value: str, what: str) -> None:
        """Raise SeqkitError unless all processes give the same text."""
        first = self.share(value)
        differ = self.sum(np.array([float(first != value)]))[0]
        if differ:
            raise SeqkitError(
                f"expected the same {what} in all processes, got others in {int(differ)} of them"
            )


ALONE = ProcessGroup()
"""The group of this process, where nothing is shared out."""

_acting: ContextVar[ProcessGroup] = ContextVar("seqkit_acting_group", default=ALONE)


def acting_group() -> ProcessGroup:
    """Return the group whose processes all run this code now, in :func:`acting_together`."""
    return _acting.get()


@contextlib.contextmanager
def acting_together(group: ProcessGroup) -> Iterator[None]:
    """Say that all processes of a group run the ``with`` block, so that what is in it may be shared out."""
    token = _acting.set(group)
    try:
        yield
    finally:
        _acting.reset(token)
