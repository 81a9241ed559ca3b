"""A group of MPI processes, through mpi4py. Arrays travel as they are in memory; nothing is pickled.

The algorithms of MPI libraries depend on the sizes of a message and of the group only, so that two runs of as
many processes add numbers in the same order.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from seqkit.backend import array_module, device_of, to_device, to_numpy
from seqkit.backend.nccl import NCCLSums
from seqkit.distributed.group import Pending, ProcessGroup
from seqkit.distributed.heartbeat import Heartbeat
from seqkit.errors import MissingDependencyError
from seqkit.launcher import host

_AT_ONCE = 1 << 28
"""Bytes of one message at most; counts of larger ones do not fit every MPI."""


def load_mpi() -> Any:
    """Import mpi4py.MPI, which initialises MPI. Raise MissingDependencyError if it is not installed."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        what = "mpi4py, or a library of MPI," if "mpi4py" not in str(error) else "mpi4py"
        raise MissingDependencyError(
            f"training with several processes needs {what} which is not installed ({error})",
            remedy="pip install 'seqkit[mpi]', or start a single process without mpiexec",
        ) from error
    return MPI


class _Request(Pending):
    def __init__(self, request: Any) -> None:
        self._request = request

    def wait(self) -> None:
        self._request.Wait()


class _OnGPU(Pending):
    def __init__(self, wait: Callable[[], None]) -> None:
        self.wait = wait  # type: ignore[method-assign]


class _ThroughHost(Pending):
    def __init__(self, group: MPIGroup, buffer: Any) -> None:
        self._buffer, self._copy = buffer, to_numpy(buffer)
        self._request = group.start_sum(self._copy)

    def wait(self) -> None:
        self._request.wait()
        self._buffer[...] = to_device(self._copy, device_of(self._buffer))


class MPIGroup(ProcessGroup):
    """The processes of a communicator, which is duplicated.

    Args:
        mpi: The module mpi4py.MPI.
        communicator: By default MPI.COMM_WORLD.
    """

    def __init__(self, mpi: Any, communicator: Any = None) -> None:
        super().__init__()
        self._mpi, world = mpi, communicator or mpi.COMM_WORLD
        self._comm, self._meeting = world.Dup(), world.Dup()
        self.rank, self.size = world.Get_rank(), world.Get_size()
        names = self._gather_bytes(host().encode())
        self.hosts = [name.decode() for name in names]
        self.host_rank = self.hosts[: self.rank].count(self.hosts[self.rank])
        self.bytes_sent = 0
        self._heartbeat = Heartbeat(mpi, world.Dup(), self.hosts)
        self._heartbeat.start()
        self._gpus_known = False
        self._nccl: NCCLSums | None = None
        self._excepthook = sys.excepthook
        sys.excepthook = self._end_job
        atexit.register(self._heartbeat.stop)

    def _end_job(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """End all processes when this one ends by an exception: the others would wait for it for ever."""
        self._excepthook(kind, error, trace)
        sys.stderr.flush()
        self.abort(1)

    def abort(self, code: int) -> None:
        """End all processes of the job, without a word."""
        self._heartbeat.silence()
        self._comm.Abort(code)

    def meet(self, seconds: float) -> bool:
        """Return whether all processes come here within some seconds."""
        request, until = self._meeting.Ibarrier(), time.monotonic() + seconds
        while not (met := request.Test()) and time.monotonic() < until:
            time.sleep(0.01)
        return bool(met)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over all processes of a small array, the same everywhere."""
        total = np.empty_like(values)
        self._comm.Allreduce(np.ascontiguousarray(values), total)
        self.bytes_sent += self._sum_bytes(values.nbytes)
        return total

    def start_sum(self, buffer: Any) -> Pending:
        """Begin to add up a contiguous array in place over all processes.

        Arrays on GPUs go by NCCL where each process of a host has a GPU of its own, else through the host's
        memory.
        """
        self.bytes_sent += self._sum_bytes(buffer.nbytes)
        xp = array_module(buffer)
        if xp is np:
            return _Request(self._comm.Iallreduce(self._mpi.IN_PLACE, buffer))
        if not self._gpus_known:
            self._gpus_known = True
            places = self.gather_json([self.hosts[self.rank], device_of(buffer).index])
            if len({tuple(place) for place in places}) == self.size:
                self._nccl = NCCLSums(xp, self.size, self.rank, self.share_bytes)
        return _ThroughHost(self, buffer) if self._nccl is None else _OnGPU(self._nccl.start(buffer))

    def gather(self, array: np.ndarray) -> list[np.ndarray]:
        """Return the array of each process; they differ in the first axis only."""
        array = np.ascontiguousarray(array)
        lengths = np.empty(self.size, np.int64)
        self._comm.Allgather(np.array([len(array)], np.int64), lengths)
        row = array[:1].nbytes if len(array) else int(np.prod(array.shape[1:])) * array.itemsize
        joined = np.empty((int(lengths.sum()), *array.shape[1:]), array.dtype)
        sizes = lengths * row
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        byte = self._mpi.BYTE
        self._comm.Allgatherv(
            [array.view(np.uint8).reshape(-1) if array.size else np.empty(0, np.uint8), byte],
            [joined.reshape(-1).view(np.uint8), (sizes, starts), byte],
        )
        self.bytes_sent += array.nbytes * (self.size - 1)
        return np.split(joined, np.cumsum(lengths)[:-1])

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Send part i to process i; return what each process sent here."""
        sent = np.concatenate(parts) if len(parts) > 1 else np.ascontiguousarray(parts[0])
        counts = np.array([len(part) for part in parts], np.int64)
        coming = np.empty_like(counts)
        self._comm.Alltoall(counts, coming)
        received = np.empty((int(coming.sum()), *sent.shape[1:]), sent.dtype)
        row = int(np.prod(sent.shape[1:])) * sent.itemsize
        byte = self._mpi.BYTE

        def described(array: np.ndarray, lengths: np.ndarray) -> list[Any]:
            sizes = lengths * row
            starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
            return [array.reshape(-1).view(np.uint8), (sizes, starts), byte]

        self._comm.Alltoallv(described(sent, counts), described(received, coming))
        self.bytes_sent += sent.nbytes - parts[self.rank].nbytes
        return np.split(received, np.cumsum(coming)[:-1])

    def share_bytes(self, data: bytes | None) -> bytes:
        """Return the bytes that the first process gives; the others give None."""
        size = np.array([0 if data is None else len(data)], np.int64)
        self._comm.Bcast(size)
        buffer = np.empty(int(size[0]), np.uint8)
        if data is not None:
            buffer[:] = np.frombuffer(data, np.uint8)
        self.share_buffer(buffer)
        return buffer.tobytes()

    def share_buffer(self, array: np.ndarray) -> None:
        """Fill a contiguous array with that of the first process."""
        flat = array.reshape(-1).view(np.uint8)
        for start in range(0, len(flat), _AT_ONCE):
            self._comm.Bcast(flat[start : start + _AT_ONCE])
        if self.is_first:
            self.bytes_sent += flat.nbytes * (self.size - 1)

    def barrier(self) -> None:
        """Wait for all processes."""
        self._comm.Barrier()

    def _gather_bytes(self, data: bytes) -> list[bytes]:
        return [part.tobytes() for part in self.gather(np.frombuffer(data, np.uint8))]

    def _sum_bytes(self, size: int) -> int:
        """Return what a process sends to add up ``size`` bytes: 2 (N-1) / N of them."""
        return 2 * size * (self.size - 1) // self.size
