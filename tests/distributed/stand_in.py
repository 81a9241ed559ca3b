"""A group of processes as threads of one process, for tests of what a group does without MPI."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from seqkit.distributed.group import Pending, ProcessGroup

T = TypeVar("T")
TIMEOUT = 60


class _Meeting:
    """Where threads put what they give, and wait for the others."""

    def __init__(self, size: int) -> None:
        self.slots: list[Any] = [None] * size
        self.barrier = threading.Barrier(size, timeout=TIMEOUT)

    def all(self, rank: int, value: Any) -> list[Any]:
        self.slots[rank] = value
        self.barrier.wait()
        values = list(self.slots)
        self.barrier.wait()
        return values


class _Sum(Pending):
    def __init__(self, group: ThreadGroup, buffer: Any) -> None:
        self.group, self.buffer, self.given = group, buffer, buffer.copy()

    def wait(self) -> None:
        self.buffer[...] = sum(self.group.meeting.all(self.group.rank, self.given))


class ThreadGroup(ProcessGroup):
    """One of ``size`` threads that meet in every collective operation."""

    def __init__(self, meeting: _Meeting, rank: int, size: int) -> None:
        super().__init__()
        self.meeting, self.rank, self.size, self.host_rank = meeting, rank, size, rank
        self.hosts = ["here"] * size

    def sum(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(sum(self.meeting.all(self.rank, values.copy())))

    def start_sum(self, buffer: Any) -> Pending:
        self.bytes_sent += buffer.nbytes
        return _Sum(self, buffer)

    def gather(self, array: np.ndarray) -> list[np.ndarray]:
        self.bytes_sent += array.nbytes
        return [each.copy() for each in self.meeting.all(self.rank, array)]

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [given[self.rank].copy() for given in self.meeting.all(self.rank, list(parts))]

    def share_bytes(self, data: bytes | None) -> bytes:
        shared: bytes = self.meeting.all(self.rank, data)[0]
        return shared

    def share_buffer(self, array: np.ndarray) -> None:
        array[...] = self.meeting.all(self.rank, array.copy())[0]

    def barrier(self) -> None:
        self.meeting.barrier.wait()


def together(size: int, function: Callable[[ProcessGroup], T]) -> list[T]:
    """Return what ``function`` returns in each process of a group; raise what it raises in one of them."""
    meeting = _Meeting(size)
    results: list[Any] = [None] * size
    errors: list[BaseException] = []

    def run(rank: int) -> None:
        try:
            results[rank] = function(ThreadGroup(meeting, rank, size))
        except BaseException as error:
            if not isinstance(error, threading.BrokenBarrierError):
                errors.append(error)
            meeting.barrier.abort()

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run, rank)) for rank in range(size)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
