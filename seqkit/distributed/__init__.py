"""Training by several processes, on one host or many, started by MPI: ``mpiexec -n 4 seqkit train-lm …``.

:func:`world` is the group of all processes. Without a launcher it is a group of one; nothing is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqkit.launcher import launched

if TYPE_CHECKING:
    from seqkit.distributed.group import ProcessGroup

_world: ProcessGroup | None = None


def world() -> ProcessGroup:
    """Return the group of all processes of the job; it is made at the first call, which all must make.

    Raises:
        MissingDependencyError: A launcher started this process, and mpi4py is not installed.
    """
    global _world
    if _world is None:
        from seqkit.distributed.group import ProcessGroup

        if launched().size == 1:
            _world = ProcessGroup()
        else:
            from seqkit.distributed.mpi import MPIGroup, load_mpi

            _world = MPIGroup(load_mpi())
    return _world


def current() -> ProcessGroup | None:
    """Return the group of all processes if it was made."""
    return _world
