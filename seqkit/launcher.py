"""How an MPI launcher (mpiexec, mpirun, srun) says which process of a job this one is.

Read from the environment, so that nothing is imported in a process that no launcher started.
"""

from __future__ import annotations

import os
from typing import NamedTuple

_VARIABLES = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI, and Slurm with PMI-2
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # srun; the latter is not set in a shell of salloc
)

_ON_HOST = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE")
_RANKS_ON_HOST = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")


class Launch(NamedTuple):
    """The place of this process in its job."""

    rank: int
    size: int


def launched() -> Launch:
    """Return this process's rank and the number of processes; 0 of 1 without a launcher."""
    for rank, size in _VARIABLES:
        here, count = os.environ.get(rank, ""), os.environ.get(size, "")
        if here.isdecimal() and count.isdecimal() and int(here) < int(count):
            return Launch(int(here), int(count))
    return Launch(0, 1)


def host() -> str:
    """Return the name of this host."""
    import socket  # takes 6 ms, and few commands need it

    return socket.gethostname()


def processes_here() -> int:
    """Return how many processes of the job the launcher started on this host, as far as it says so."""
    for name in _ON_HOST:
        count = os.environ.get(name, "").split("(")[0]  # Slurm: "4(x2)"
        if count.isdecimal() and int(count) > 0:
            return int(count)
    return 1


def rank_here() -> int:
    """Return this process's number among those of its host, as far as the launcher says so."""
    for name in _RANKS_ON_HOST:
        if os.environ.get(name, "").isdecimal() and launched().size > 1:
            return int(os.environ[name])
    return 0


def forget_launcher() -> None:
    """Make this process, and those that it starts, one of its own: the others of its job end."""
    for name in (*(name for pair in _VARIABLES for name in pair), *_ON_HOST, *_RANKS_ON_HOST):
        os.environ.pop(name, None)
