"""Signs of life between processes: when one is lost, the others name it and end instead of waiting for ever.

A launcher ends the job when a process dies, but cannot see that a host is lost or a cable cut. Each process
sends a byte to its two neighbours every second, from a thread of its own, and ends when it has not heard of
one of them for :data:`PATIENCE` seconds.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from seqkit.platforms import end_ancestor

logger = logging.getLogger("seqkit")

INTERVAL, PATIENCE = 1.0, 20.0
"""Seconds between signs of life, and without one until a process counts as lost."""

GRACE = 3.0
"""Seconds for a launcher to end by itself: MPICH's waits for a host that is gone."""

_LAUNCHERS = ("mpiexec", "mpirun", "prterun", "orterun", "srun")

LOST = 75
"""Exit code of a process that has lost another one."""

_ALIVE, _BYE = 1, 2


class Heartbeat:
    """Sends and expects the signs of life of a process.

    Args:
        mpi: The module mpi4py.MPI.
        communicator: One for it alone.
        hosts: The name of each process's host.
    """

    def __init__(self, mpi: Any, communicator: Any, hosts: Sequence[str]) -> None:
        self._mpi, self._comm, self._hosts = mpi, communicator, hosts
        rank, size = communicator.Get_rank(), communicator.Get_size()
        self._rank = rank
        self._heard = dict.fromkeys({(rank - 1) % size, (rank + 1) % size} - {rank}, time.monotonic())
        self._left: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def silence(self) -> None:
        """Stop without telling the neighbours."""
        self._stop.set()
        if threading.current_thread() is not self._thread and self._thread.is_alive():
            self._thread.join()
        self._heard.clear()

    def stop(self) -> None:
        """Stop, after the neighbours have been told and have said the same: nobody waits for this process."""
        if not self._heard:
            return
        neighbours = list(self._heard)
        self._stop.set()
        self._thread.join()
        sent = [self._comm.Isend([bytearray(1), self._mpi.BYTE], other, _BYE) for other in neighbours]
        until = time.monotonic() + PATIENCE
        while len(self._left) < len(neighbours) and time.monotonic() < until:
            self._listen()
            time.sleep(0.001)
        for request in sent:
            request.Test()
        self._heard.clear()

    def _listen(self) -> None:
        status, byte = self._mpi.Status(), bytearray(1)
        while self._comm.Iprobe(self._mpi.ANY_SOURCE, self._mpi.ANY_TAG, status):
            source, tag = status.Get_source(), status.Get_tag()
            self._comm.Recv([byte, self._mpi.BYTE], source, tag)
            self._heard[source] = time.monotonic()
            if tag == _BYE:
                self._left.add(source)

    def _run(self) -> None:
        sent: list[Any] = []
        while not self._stop.wait(INTERVAL):
            for other in self._heard.keys() - self._left:
                sent.append(self._comm.Isend([bytearray(1), self._mpi.BYTE], other, _ALIVE))
            sent = [request for request in sent if not request.Test()]
            self._listen()
            for other in self._heard.keys() - self._left:
                if time.monotonic() - self._heard[other] > PATIENCE:
                    self._lost(other)

    def _lost(self, other: int) -> None:
        logger.error(
            "error: process %d on %s has heard nothing of process %d on %s for %g seconds: the job ends; its "
            "last checkpoint is whole, and a resumed training goes on from there",
            *(self._rank, self._hosts[self._rank], other, self._hosts[other], PATIENCE),
        )
        sys.stderr.flush()
        end_ancestor(_LAUNCHERS, GRACE)
        os._exit(LOST)
