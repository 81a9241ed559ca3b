"""Long computations beside the server, each in a process of its own, which can be ended at any time.

Threads would not do: t-SNE cannot be told to stop, and Ctrl-C must not wait for it.
"""

from __future__ import annotations

import multiprocessing
import secrets
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from seqkit.errors import SeqkitError, UsageError
from seqkit.platforms import interrupts_blocked

Report = Callable[[float | None, str], None]
"""Called by a job with the fraction that is done (None: not known) and a short text."""
_MOST_RUNNING = 2
_MOST_KEPT = 20
_LEAST_KNOWN = 0.05
"""The fraction from which on the time left can be told."""


class Job:
    """A computation in the background.

    Attributes:
        id: Its name in addresses.
        state: "waiting", "running", "done", "failed" or "cancelled".
        fraction: How much is done, from 0 to 1; None where it is not known.
        text: What it is doing.
        result: What it returned.
        error: Why it failed.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.id = secrets.token_hex(8)
        self.state, self.text = "waiting", ""
        self.fraction: float | None = None
        self.result: Any = None
        self.error: str | None = None
        self.begun: float | None = None
        self._function, self._arguments = function, arguments
        self._process: Any = None
        self._cancelled = False
        self._starting = threading.Lock()

    def status(self) -> dict[str, Any]:
        """Return state, progress, seconds since the start and seconds left (None: not known) for a page."""
        seconds = 0.0 if self.begun is None else time.monotonic() - self.begun
        known = self.state == "running" and self.fraction is not None and self.fraction >= _LEAST_KNOWN
        left = seconds / self.fraction - seconds if known and self.fraction else None
        return {
            "job": self.id,
            "state": self.state,
            "fraction": self.fraction,
            "text": self.text,
            "error": self.error,
            "seconds": round(seconds, 1),
            "left": None if left is None else round(left, 1),
        }

    def run(self) -> None:
        """Run the function in a process and wait for it."""
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(sender, self._function, self._arguments), daemon=True)
        with self._starting:  # cancel() waits, so that no process outlives the server
            if self._cancelled:
                self.state = "cancelled"
                return
            with interrupts_blocked():
                process.start()
            self._process, self.state, self.begun = process, "running", time.monotonic()
        sender.close()
        try:
            self._follow(receiver)
        except (EOFError, OSError):
            process.join(5)
            if not self._cancelled:
                self.error = f"the computation ended without a result (exit code {process.exitcode})"
            self.state = "cancelled" if self._cancelled else "failed"
        process.join(5)
        receiver.close()

    def _follow(self, receiver: Connection) -> None:
        while True:
            kind, *values = receiver.recv()
            if kind == "progress":
                self.fraction, self.text = values
            elif kind == "result":
                self.result, self.fraction, self.state = values[0], 1.0, "done"
                return
            else:
                self.error, self.state = values[0], "failed"
                return

    def cancel(self) -> None:
        """End the computation, if it has not ended."""
        with self._starting:
            self._cancelled = True
            if self._process is not None and self.state == "running":
                self._process.kill()


class Jobs:
    """The jobs of a server: at most two run at once, the others wait."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._free = threading.Semaphore(_MOST_RUNNING)
        self._lock = threading.Lock()
        self._closed = False

    def start(self, function: Callable[..., Any], *arguments: Any) -> Job:
        """Start a job.

        Args:
            function: A function of a module, called in another process as ``function(report, *arguments)``,
                with a :data:`Report`.
            arguments: Its other arguments.

        Raises:
            UsageError: Too many jobs are waiting.
        """
        job = Job(function, arguments)
        with self._lock:
            ended = [each for each in self._jobs.values() if each.state not in ("waiting", "running")]
            if len(self._jobs) - len(ended) >= _MOST_KEPT or self._closed:
                raise UsageError(f"{_MOST_KEPT} computations are waiting or running: expected fewer")
            for old in ended[: max(0, len(self._jobs) + 1 - _MOST_KEPT)]:
                del self._jobs[old.id]
            self._jobs[job.id] = job
        threading.Thread(target=self._run, args=(job,), daemon=True).start()
        return job

    def _run(self, job: Job) -> None:
        with self._free:
            job.run()

    def get(self, name: str) -> Job:
        """Return a job by its id. Raise UsageError if there is none, or none any more."""
        job = self._jobs.get(name)
        if job is None:
            raise UsageError(f"no computation {name!r}")
        return job

    def close(self) -> None:
        """End all jobs."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()


def _work(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Call a function in the process of a job and send what it reports and returns."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its jobs itself

    def report(fraction: float | None, text: str) -> None:
        sender.send(("progress", fraction, text))

    try:
        sender.send(("result", function(report, *arguments)))
    except SeqkitError as error:
        sender.send(("error", error.for_command()))
    except MemoryError:
        sender.send(("error", "out of memory"))
    except BrokenPipeError:
        return  # the server is gone
    except Exception as error:
        sender.send(("error", f"the computation failed ({type(error).__name__}: {error})"))
