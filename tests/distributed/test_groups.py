"""Groups of processes, in threads and under mpiexec, and what a launcher says about this process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.distributed.group import ProcessGroup, span
from seqkit.errors import DataError, SeqkitError, StoppedElsewhere
from seqkit.launcher import launched, processes_here
from tests.distributed.stand_in import together
from tests.training.tiny import environment

PLAIN = {"SEQKIT_KERNELS": "reference"}
"""Nothing is compiled in these processes."""


def mpiexec() -> str:
    """MPI's launcher; the test is skipped by name where it or mpi4py is missing."""
    found = shutil.which(
        "mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    if found is None or importlib.util.find_spec("mpi4py") is None:
        pytest.skip("mpi4py or mpiexec is not installed: nothing runs in several processes")
    return found


def start(size: int, *arguments: str, **settings: Any) -> subprocess.Popen[str]:
    """Start Python on ``arguments`` in several processes."""
    command = [mpiexec(), "-n", str(size), sys.executable, *arguments]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(**PLAIN, **settings), **streams)


def run(size: int, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of Python in several processes."""
    process = start(size, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def collective_operations(group: ProcessGroup) -> None:
    """Call each operation, with sizes that differ between processes, and check what comes back."""
    rank, size = group.rank, group.size
    np.testing.assert_array_equal(group.sum(np.array([rank, 1.0])), [size * (size - 1) / 2, size])
    assert group.of_first(rank + 7.0) == 7.0
    buffer = np.full((3, 2), rank + 1, np.float32)
    pending = group.start_sum(buffer)
    pending.wait()
    np.testing.assert_array_equal(buffer, np.full((3, 2), size * (size + 1) / 2))
    gathered = group.gather(np.full((rank, 2), rank, np.int32))
    assert [part.tolist() for part in gathered] == [[[r, r]] * r for r in range(size)]
    assert group.gather_json({"rank": rank}) == [{"rank": r} for r in range(size)]
    parts = group.exchange([np.full(rank + to, 10 * rank + to, np.int64) for to in range(size)])
    assert [part.tolist() for part in parts] == [[10 * r + rank] * (r + rank) for r in range(size)]
    assert group.share([1, "é"] if rank == 0 else None) == [1, "é"]
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.array(2.5), "c": np.empty((0, 4))}
    shared = group.share_arrays(arrays if rank == 0 else None)
    for name, array in arrays.items():
        np.testing.assert_array_equal(shared[name], array)
        assert shared[name].dtype == array.dtype
    assert group.on_first(lambda: "done") == ("done" if rank == 0 else None)
    assert list(group.deal(range(5))) == list(range(rank, 5, size))
    group.barrier()


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_operations_in_threads(size: int) -> None:
    if size == 1:
        collective_operations(ProcessGroup())
    else:
        together(size, collective_operations)


def test_operations_of_mpi() -> None:
    code = "import numpy as np; from seqkit.distributed import world; "
    code += "from tests.distributed import test_groups; "
    code += "group = world(); test_groups.collective_operations(group); done = group.sum(np.ones(1)); "
    code += "print(int(done[0]), len(group.hosts)) if group.is_first else None"
    status, out, err = run(3, "-c", code)
    assert (status, out) == (0, "3 3\n"), err


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [0, 1, 2, 6, 7, 20])
def test_spans_cover_all_rows_once(n: int, size: int) -> None:
    owned = [span(n, rank, size) for rank in range(size) if rank < n]
    assert [row for part in owned for row in range(n)[part]] == list(range(n))
    assert max((s.stop - s.start for s in owned), default=0) <= -(-n // size)
    others = [span(n, rank, size) for rank in range(n, size)]
    assert all(part == slice(0, min(n, 1)) for part in others)


def test_errors_of_the_first_process_stop_all() -> None:
    def fail() -> None:
        raise DataError("no such file")

    def of_first(group: ProcessGroup) -> str:
        try:
            group.on_first(fail)
        except DataError:
            return "own"
        except StoppedElsewhere:
            return "elsewhere"
        return "none"

    assert together(3, of_first) == ["own", "elsewhere", "elsewhere"]


def test_weights_that_differ_between_processes() -> None:
    def run(group: ProcessGroup) -> None:
        group.require_same("same", "weights")
        with pytest.raises(
            SeqkitError, match="expected the same weights in all processes, got others in 1 of them"
        ):
            group.require_same("other" if group.rank == 2 else "same", "weights")

    together(3, run)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (0, 1)),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, (2, 3)),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "8"}, (0, 8)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (0, 1)),
        ({"PMI_RANK": "4", "PMI_SIZE": "4"}, (0, 1)),
        ({"PMI_RANK": "x", "PMI_SIZE": "4"}, (0, 1)),
    ],
)
def test_who_this_process_is(
    variables: dict[str, str], expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PMI", "OMPI_COMM_WORLD", "SLURM"):
        for end in ("RANK", "SIZE", "PROCID", "STEP_NUM_TASKS"):
            monkeypatch.delenv(f"{name}_{end}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launched() == expected


@pytest.mark.parametrize(("value", "count"), [("2", 2), ("4(x2)", 4), ("", 1), ("none", 1)])
def test_processes_of_this_host(value: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_STEP_TASKS_PER_NODE", value)
    assert processes_here() == count
