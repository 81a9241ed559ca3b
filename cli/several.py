"""A command that a launcher of MPI started several times: one process speaks, and errors are said once."""

from __future__ import annotations

import os
import sys

from seqkit import distributed
from seqkit.cli.common import echo
from seqkit.cli.supervisor import supervise
from seqkit.launcher import forget_launcher, host, launched

TOGETHER = {
    "train-lm",
    "train-embeddings",
    "train-seq2seq",
    "train-classifier",
    "train-tagger",
    "train-images",
    "eval-lm",
}
"""Commands that several processes run together; the first one runs the others alone."""

_ALONE = ("--help", "-h", "--dry-run", "--interpolate", "--dynamic", "--cache")
"""Flags with which the first process runs those commands alone too."""

_PATIENCE = 5.0
"""Seconds after an error to see whether the other processes stop too."""


def begin(arguments: list[str] | None) -> None:
    """Continue under a supervisor, silent but for errors in all processes except the first.

    The other processes end here if the command is one for a single process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    command = next((each for each in given if not each.startswith("-")), "")
    first = launched().rank == 0
    if command not in TOGETHER or any(each.split("=")[0] in _ALONE for each in given):
        if not first:
            os._exit(0)
        forget_launcher()
        return
    supervise()
    if not first:
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the process


def end(message: str | None, code: int) -> None:
    """End with an exit code; of several processes that stop for the same reason the first one says it.

    Args:
        message: The error; None if it was that of another process.
        code: The exit code.
    """
    group = distributed.current()
    first = launched().rank == 0
    if group is None:  # what one process found out in its arguments or files, all did
        if first and message is not None:
            _say(message)
        sys.exit(code)
    if not group.meet(_PATIENCE):
        if message is not None:
            _say(f"process {group.rank} on {host()}: {message}")
        group.abort(code)
    said = group.share(message)
    if first and message is not None:
        _say(message)
    elif message is not None and message != said:
        _say(f"process {group.rank} on {host()}: {message}")
    sys.exit(code)


def _say(message: str) -> None:
    sys.stderr = sys.__stderr__ or sys.stderr
    echo(message, err=True)
    sys.stderr.flush()
