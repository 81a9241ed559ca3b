"""A message that names a process of a job when it is killed.

A launcher tells that one of its processes was killed, but not always which. The command therefore runs in a
child of the process that the launcher started, and the parent says what became of it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from seqkit.cli.common import echo
from seqkit.launcher import host, launched
from seqkit.platforms import (
    FORWARDED_SIGNALS,
    KILL,
    fork_child,
    own_process_group,
    send_signal,
    signal_when_parent_ends,
    wait_for,
)


def supervise() -> None:
    """Continue in a child process; the parent waits for it, passes signals on, and names it if it is killed.

    Where processes cannot fork, this one goes on as it is.
    """
    alive, watched = os.pipe()
    child = fork_child()
    if child is None:
        return
    if child == 0:
        os.close(watched)
        # while MPI begins, no thread of this process can run
        signal_when_parent_ends(signal.SIGTERM)
        own_process_group()  # signals to the launcher's group come once, through the parent
        threading.Thread(target=_end_with_parent, args=(alive,), name="supervisor", daemon=True).start()
        return
    os.close(alive)
    for signum in FORWARDED_SIGNALS:
        signal.signal(signum, lambda number, _: send_signal(child, number))
    killed_by, code = wait_for(child)
    if killed_by is not None:
        _say_killed(killed_by)
        if killed_by != KILL:
            signal.signal(killed_by, signal.SIG_DFL)
        send_signal(os.getpid(), killed_by)  # launchers end a job for a signal, not always for an exit code
    os._exit(code)


def _say_killed(signum: int) -> None:
    memory = " (it may have run out of memory)" if signum == KILL else ""
    sys.stderr = sys.__stderr__ or sys.stderr
    echo(
        f"error: process {launched().rank} on {host()} was ended by {signal.Signals(signum).name}{memory}: "
        "the job ends; its last checkpoint is whole, and the same command with --resume goes on from there",
        err=True,
    )
    sys.stderr.flush()


def _end_with_parent(alive: int) -> None:
    """Wait until the parent is gone, and end."""
    os.read(alive, 1)
    _say_killed(KILL)
    os._exit(128 + KILL)
