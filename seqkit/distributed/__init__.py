"""Training by several processes, on one host or many, started by MPI: ``mpiexec -n 4 seqkit train-lm …``.

:func:`world` is the group of all processes. Without a launcher it is a group of one; nothing is imported.
"""

from seqkit.distributed.group import Pending, ProcessGroup
from seqkit.distributed.launcher import launched

__all__ = ["Pending", "ProcessGroup", "launched", "world"]

_world: ProcessGroup | None = None


def world() -> ProcessGroup:
    """Return the group of all processes of the job; it is made at the first call, which all must make.

    Raises:
        MissingDependencyError: A launcher started this process, and mpi4py is not installed.
    """
    global _world
    if _world is None:
        if launched().size == 1:
            _world = ProcessGroup()
        else:
            from seqkit.distributed.mpi import MPIGroup, load_mpi

            _world = MPIGroup(load_mpi())
    return _world
