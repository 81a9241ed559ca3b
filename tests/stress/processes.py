"""Commands in processes of their own, with the environment and the limits of a test, and what they left.

Most are forks of this process, which has imported everything: they begin within milliseconds. Nothing here
may start a thread or load compiled code before such a fork.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from seqkit.cli import COMMANDS, group, main
from tests.training.tiny import environment

SECONDS = 240.0
"""No command may run for so long, not even one that compiles kernels on a busy machine."""
OPENING_SECONDS = 20.0
"""CPU seconds in which a damaged file must be opened or refused; a process that starts takes some."""
OPENING_MEMORY = 320 << 20
"""Bytes that opening it may take: NumPy, Numba and 64 MiB."""
ADDRESSES = 6 << 30
"""Address space of a command, so that a fault does not take the machine's memory."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class FaultError(AssertionError):
    """A command did what it must not."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended; ``code`` is negative for a signal."""

    arguments: tuple[str, ...]
    code: int
    out: bytes
    err: bytes
    cpu: float
    memory: int

    def fault(self, reason: str) -> FaultError:
        """Return the error to raise for this outcome."""
        shown = self.err[-3000:].decode(errors="backslashreplace")
        return FaultError(f"{reason}\n  seqkit {' '.join(self.arguments)}\n  exit {self.code}\n{shown}")

    def require_own_words(self, *codes: int) -> Outcome:
        """Fail unless the command ended with one of the codes, and said why in seqkit's own words."""
        if self.code not in codes:
            raise self.fault(f"expected exit code {' or '.join(map(str, codes))}, got {self.code}")
        for words in (b"Traceback", b"Exception ignored", b"Fatal Python", b"out of memory"):
            if words in self.err:
                raise self.fault(f"expected an error of seqkit, got {words.decode()!r}")
        if self.code in (1, 2) and not re.search(rb"^(error|Error): ", self.err, re.M):
            raise self.fault("expected a line with the error, got none")
        if _CONTROLS.search(self.err.replace(b"\r", b"")):
            raise self.fault("expected control characters to be escaped, got them raw")
        return self

    def require_bounds(self, files: int) -> Outcome:
        """Fail if opening files of so many bytes took too long or too much memory."""
        if self.cpu > OPENING_SECONDS:
            raise self.fault(f"expected at most {OPENING_SECONDS:.0f} s, got {self.cpu:.1f}")
        if self.memory > 2 * files + OPENING_MEMORY:
            raise self.fault(f"expected at most {OPENING_MEMORY >> 20} MiB, got {self.memory >> 20}")
        return self


@dataclass
class Setting:
    """The surroundings of a command."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    limits: dict[int, int] = field(default_factory=dict)
    fresh: bool = False
    """An interpreter of its own, not a fork."""
    prefix: tuple[str, ...] = ()
    """Of a fresh one: the command that starts it."""
    prepare: Callable[[], None] = lambda: None
    """Called in the child, last."""


class Child:
    """A running command; its standard output and error are files unless ``prepare`` makes them others."""

    count = 0

    def __init__(self, arguments: list[str], setting: Setting) -> None:
        Child.count += 1
        self.arguments = tuple(arguments)
        self.files = [setting.folder / f".{name}-{Child.count}" for name in ("out", "err")]
        sys.stdout.flush()
        sys.stderr.flush()
        self.id = os.fork()
        self.status: int | None = None
        if not self.id:
            self._child(setting)

    def _child(self, setting: Setting) -> NoReturn:
        code = 70
        try:
            os.setsid()
            for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(signum, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            os.chdir(setting.folder)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, path in zip((1, 2), self.files, strict=True):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
            os.environ.update(environment(**setting.environment))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
            setting.prepare()
            os.closerange(3, 64)
            for limit, value in setting.limits.items():
                resource.setrlimit(limit, (value, value))
            if setting.fresh:
                command = [*setting.prefix, sys.executable, "-m", "seqkit", *self.arguments]
                os.execvpe(command[0], command, os.environ)
            code = _run(list(self.arguments))
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def ended(self) -> bool:
        """Return whether the command has ended."""
        if self.status is None:
            found, status, self.usage = os.wait4(self.id, os.WNOHANG)
            if found:
                self.status = status
        return self.status is not None

    def signal(self, signum: int) -> None:
        """Send a signal, if the command is still running."""
        if not self.ended():
            os.kill(self.id, signum)

    def wait(self, seconds: float = SECONDS) -> Outcome | None:
        """Return the outcome, or None if the command runs on after so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > deadline:
                return None
            time.sleep(0.004)
        assert self.status is not None
        out, err = (path.read_bytes() if path.exists() else b"" for path in self.files)
        for path in self.files:
            path.unlink(missing_ok=True)
        cpu = self.usage.ru_utime + self.usage.ru_stime
        code = os.waitstatus_to_exitcode(self.status)
        return Outcome(self.arguments, code, out, err, cpu, self.usage.ru_maxrss << 10)

    def finish(self) -> Outcome:
        """Wait for the end. Fail if it does not come."""
        outcome = self.wait()
        if outcome is None:
            os.kill(self.id, signal.SIGKILL)
            outcome = self.wait()
            assert outcome is not None
            raise outcome.fault(f"expected an end within {SECONDS:.0f} s")
        return outcome


def _run(arguments: list[str]) -> int:
    """Run a command in a fork, and end as the interpreter would."""
    code: Any = 0
    try:
        main(arguments)
    except SystemExit as stop:
        code = stop.code
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return 120
    return code if isinstance(code, int) else int(code is not None)


def run(arguments: list[str], setting: Setting) -> Outcome:
    """Run a command to its end."""
    return Child(arguments, setting).finish()


def load_everything() -> None:
    """Import what commands import, so that forks have it."""
    for name in COMMANDS:
        group.get_command(None, name)  # type: ignore[arg-type]  # needs no context
    import seqkit.lab
    import seqkit.tasks.embeddings
    import seqkit.tasks.image_classification
    import seqkit.tasks.language_modeling
    import seqkit.tasks.masked_language_modeling
    import seqkit.tasks.sentence_encoding
    import seqkit.tasks.seq2seq
    import seqkit.tasks.text_classification  # noqa: F401

    with contextlib.suppress(ImportError):
        import numba  # noqa: F401
        import tokenizers  # noqa: F401
