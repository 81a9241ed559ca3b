"""Sums over the GPUs of several processes, by NVIDIA's NCCL through CuPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.errors import DeviceError


class NCCLSums:
    """Adds up arrays over processes, each with a GPU of its own, on a stream of its own.

    Args:
        xp: The module cupy.
        size: The number of processes.
        rank: The number of this process.
        share: Returns in all processes the bytes that the first one gives; the others give None.

    Raises:
        DeviceError: CuPy was built without NCCL.
    """

    def __init__(self, xp: Any, size: int, rank: int, share: Callable[[bytes | None], bytes]) -> None:
        nccl = getattr(xp.cuda, "nccl", None)
        if nccl is None or not getattr(nccl, "available", True):
            raise DeviceError("CuPy finds no NCCL, which adds up the gradients of several GPUs")
        own = np.array(nccl.get_unique_id(), np.int16).tobytes() if rank == 0 else None
        name = tuple(np.frombuffer(share(own), np.int16).tolist())
        self._communicator = nccl.NcclCommunicator(size, name, rank)
        self._stream = xp.cuda.Stream(non_blocking=True)
        self._types = {np.dtype(np.float32): nccl.NCCL_FLOAT32, np.dtype(np.float64): nccl.NCCL_FLOAT64}
        self._xp, self._sum = xp, nccl.NCCL_SUM

    def start(self, array: Any) -> Callable[[], None]:
        """Begin to add up a contiguous array in place, after the work on it so far.

        Returns:
            A function after whose call the current stream waits for the sum.
        """
        events = self._xp.cuda
        current = events.get_current_stream()
        self._stream.wait_event(current.record())
        pointer, kind = array.data.ptr, self._types[array.dtype]
        self._communicator.allReduce(pointer, pointer, array.size, kind, self._sum, self._stream.ptr)
        done = self._stream.record()
        return lambda: events.get_current_stream().wait_event(done)
