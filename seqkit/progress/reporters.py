"""Reporters, which show jobs: bars in a terminal or a notebook, and lines elsewhere.

Only a reporter's own thread reads the clock and draws, so that a loop may report each of its batches, and
work without a loop is shown as well.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from seqkit.progress.job import Job

DELAY = 2.0
"""Seconds after which a job is shown."""
GAPS = (2.0, 2.0, 4.0, 7.0, 15.0, 30.0, 60.0)
"""Seconds from one line to the next, which come 2, 4, 8, 15, 30, 60, … seconds after a job began."""

Clock = Callable[[], float]


class Reporter:
    """Base class of what shows jobs: all that are under way for over two seconds, the outermost first.

    As a context manager it shows the jobs of the block, from a thread that wakes a few times a second.

    Args:
        clock: Returns seconds.
    """

    interval = 0.25
    """Seconds between two looks at the jobs."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.jobs: dict[int, Job] = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._threaded = False
        self._before: Any = None

    def start(self, job: Job) -> None:
        """Show a job from now on."""
        job.started = self.clock()
        job.first = job.done
        self.jobs[id(job)] = job
        if self._threaded and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="seqkit progress", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads: nothing is shown
                self._threaded, self._thread = False, None

    def end(self, job: Job) -> None:
        """Show a job no longer. Never waits: any thread may call it, and the garbage collector."""
        self.jobs.pop(id(job), None)
        if self._lock.acquire(blocking=False):
            try:
                self.tick()
            finally:
                self._lock.release()

    def tick(self) -> None:
        """Show the jobs as they are now."""
        with self._lock:
            now = self.clock()
            running = list(self.jobs.values())
            visible = [job for job in running if now - job.started >= DELAY]
            for job in visible:
                job.update()
            try:
                self.show(visible, now)
            except (OSError, ValueError):  # the stream is closed or full, or a terminal that is gone
                self._stopped.set()

    def show(self, jobs: list[Job], now: float) -> None:
        """Show these jobs and no others; the base class shows nothing."""

    def _run(self) -> None:
        while not self._stopped.wait(self.interval):
            self.tick()

    def __enter__(self) -> Reporter:
        self._threaded = True
        self._before = _reporter.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        _reporter.reset(self._before)
        self._threaded = False
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock, contextlib.suppress(OSError, ValueError):
            self.show([], self.clock())


class BarReporter(Reporter):
    """Shows jobs as bars of tqdm on standard error or in a notebook."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self._bars: dict[int, Any] = {}

    def show(self, jobs: list[Job], now: float) -> None:
        """Open, move and close bars."""
        gone = self._bars.keys() - {id(job) for job in jobs}
        for key in sorted(gone, key=list(self._bars).index, reverse=True):
            self._bars.pop(key).close()
        if sys.stderr is None:
            return
        for job in jobs:
            bar = self._bars.get(id(job))
            if bar is None:
                from tqdm.auto import tqdm

                bars = "{percentage:3.0f}%|{bar}| " if job.total else ""
                bar = self._bars[id(job)] = tqdm(
                    total=job.total,
                    desc=job.description,
                    bar_format=f"{{desc}}: {bars}{{unit}}",
                    dynamic_ncols=True,
                    leave=False,
                    unit=job.state(now),
                    initial=job.done,
                )
            bar.total, bar.unit = job.total, job.state(now)
            bar.n = job.done if job.total is None else min(job.done, job.total)
            bar.refresh()


class LineReporter(Reporter):
    """Shows jobs as lines at growing intervals.

    Args:
        write: Prints a line.
        clock: Returns seconds.
    """

    def __init__(self, write: Callable[[str], object], clock: Clock = time.monotonic) -> None:
        super().__init__(clock)
        self.write = write
        self._lines, self._last = 0, math.inf

    def wrote(self) -> None:
        """Take note of a line that somebody else printed: the next one may wait."""
        self._last = self.clock()

    def start(self, job: Job) -> None:
        """Show a job from now on."""
        super().start(job)
        self._last = min(self._last, job.started)

    def show(self, jobs: list[Job], now: float) -> None:
        """Print a line about the jobs if it is time."""
        if not jobs or now - self._last < GAPS[min(self._lines, len(GAPS) - 1)]:
            return
        self._lines, self._last = self._lines + 1, now
        percents = ("" if job.fraction is None else f" {job.fraction:.0%}" for job in jobs)
        states = (
            f"{job.description}:{percent} {job.state(now)}"
            for job, percent in zip(jobs, percents, strict=True)
        )
        self.write("; ".join(states))


_reporter: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def current_reporter() -> Reporter | None:
    """Return the reporter that shows the jobs of the calling code, if there is one."""
    return _reporter.get()
