"""What ends with a process of a job: a message that names it, its launcher, and what it started.

A launcher tells that one of its processes was killed, but not always which. The command therefore runs in a
child of the process that the launcher started, and the parent says what became of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from seqkit.launcher import host, launched

_GRACE = 3.0
"""Seconds for a launcher to end by itself: MPICH's waits for a host that is gone."""
_LAUNCHERS = ("mpiexec", "mpirun", "prterun", "orterun", "srun")


def supervise() -> None:
    """Continue in a child process; the parent waits for it, passes signals on, and names it if it is killed.

    Where a process cannot fork, or no launcher started it, it goes on as it is.
    """
    if launched().size == 1 or not hasattr(os, "fork"):
        return
    alive, watched = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(watched)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)  # signals to the group of the launcher come once, through the parent
        threading.Thread(target=_end_with_parent, args=(alive,), name="supervisor", daemon=True).start()
        return
    os.close(alive)

    def pass_on(signum: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signum)

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, pass_on)
    while True:
        with contextlib.suppress(InterruptedError):
            status = os.waitpid(child, 0)[1]
            break
    if os.WIFSIGNALED(status):
        _say_killed(os.WTERMSIG(status))
        os._exit(128 + os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def _say_killed(signum: int) -> None:
    memory = " (it may have run out of memory)" if signum == signal.SIGKILL else ""
    print(
        f"error: process {launched().rank} on {host()} was ended by {signal.Signals(signum).name}{memory}: "
        "the job ends; its last checkpoint is whole, and the same command with --resume goes on from there",
        file=sys.stderr,
        flush=True,
    )


def _end_with_parent(alive: int) -> None:
    """Wait until the parent is gone, and end."""
    os.read(alive, 1)
    _say_killed(signal.SIGKILL)
    os._exit(128 + signal.SIGKILL)


def end_launcher() -> None:
    """Tell the launcher on this host to end: cut off from another host, some wait for ever."""
    process = os.getppid()
    while process > 1:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process}/comm").read_text().strip().startswith(_LAUNCHERS):
                os.kill(process, signal.SIGTERM)
                time.sleep(_GRACE)
                os.kill(process, signal.SIGKILL)
                return
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            process = int(fields[1])
        except (OSError, ValueError, IndexError):
            return
