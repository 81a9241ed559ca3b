"""Sums over GPUs, against a stand-in for CuPy: which calls of NCCL are made, where, and in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqkit.backend.nccl import NCCLSums
from seqkit.distributed.group import ProcessGroup
from seqkit.errors import DeviceError
from tests.distributed.stand_in import ThreadGroup, together


class _Array:
    """An array whose memory is known by a number, as on a GPU."""

    def __init__(self, values: np.ndarray, memory: dict[int, np.ndarray]) -> None:
        self.values, self.size, self.dtype = values, values.size, values.dtype
        self.data = SimpleNamespace(ptr=values.ctypes.data)
        memory[self.data.ptr] = values


class _Stream:
    def __init__(self, calls: list[Any], name: str) -> None:
        self.calls, self.name, self.ptr = calls, name, name

    def record(self) -> str:
        self.calls.append(f"event after {self.name}")
        return f"event of {self.name}"

    def wait_event(self, event: str) -> None:
        self.calls.append(f"{self.name} waits for {event}")


def _cupy(group: ThreadGroup, calls: list[Any], memory: dict[int, np.ndarray]) -> Any:
    current = _Stream(calls, "current")

    class Communicator:
        def __init__(self, size: int, name: tuple[int, ...], rank: int) -> None:
            assert (size, rank, name) == (group.size, group.rank, tuple(range(-64, 64)))

        def allReduce(  # CuPy's name
            self, source: int, target: int, count: int, kind: str, op: str, stream: str
        ) -> None:
            assert source == target
            assert (count, kind, op) == (memory[source].size, "float32", "sum")
            calls.append(f"sum on {stream}")
            memory[target][...] = sum(group.meeting.all(group.rank, memory[source].copy()))

    nccl = SimpleNamespace(
        available=True,
        get_unique_id=lambda: tuple(range(-64, 64)),
        NcclCommunicator=Communicator,
        NCCL_FLOAT32="float32",
        NCCL_FLOAT64="float64",
        NCCL_SUM="sum",
    )
    stream = _Stream(calls, "own")
    cuda = SimpleNamespace(nccl=nccl, Stream=lambda non_blocking: stream, get_current_stream=lambda: current)
    return SimpleNamespace(cuda=cuda)


def test_sums_on_a_stream_of_their_own() -> None:
    def run(group: ProcessGroup) -> tuple[list[float], list[str]]:
        assert isinstance(group, ThreadGroup)
        calls: list[str] = []
        memory: dict[int, np.ndarray] = {}
        sums = NCCLSums(_cupy(group, calls, memory), group.size, group.rank, group.share_bytes)
        values = np.full(3, group.rank + 1, np.float32)
        wait = sums.start(_Array(values, memory))
        calls.append("other work")
        wait()
        return values.tolist(), calls

    for values, calls in together(2, run):
        assert values == [3.0, 3.0, 3.0]
        assert calls == [
            "event after current",
            "own waits for event of current",
            "sum on own",
            "event after own",
            "other work",
            "current waits for event of own",
        ]


def test_cupy_without_nccl() -> None:
    with pytest.raises(DeviceError, match="CuPy finds no NCCL"):
        NCCLSums(SimpleNamespace(cuda=SimpleNamespace()), 2, 0, lambda data: data or b"")
