"""Jobs: their results, errors, progress and end."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import Any
from unittest.mock import Mock

import pytest

from seqkit.errors import UsageError
from seqkit.explorer import background
from seqkit.explorer.background import Job, Jobs


def wait(job: Job, *states: str) -> None:
    while job.state not in states:
        time.sleep(0.01)


def double(report: Any, value: int) -> int:
    report(0.5, "half")
    return 2 * value


def fail(report: Any, error: Exception) -> None:
    raise error


def sleep(report: Any) -> None:
    report(0.25, "asleep")
    time.sleep(600)


def die(report: Any) -> None:
    os._exit(3)


def test_results_errors_and_deaths() -> None:
    jobs = Jobs()
    started = [
        jobs.start(double, 4),
        jobs.start(fail, UsageError("expected a, got b", remedy="give a")),
        jobs.start(die),
    ]
    for job in started:
        wait(job, "done", "failed")
    done, known, dead = started
    assert (done.state, done.result, done.status()["fraction"]) == ("done", 8, 1.0)
    assert known.error == "expected a, got b; give a"
    assert dead.error == "the computation ended without a result (exit code 3)"


def test_errors_are_sentences() -> None:
    sent: list[Any] = []
    for error in (ValueError("x"), MemoryError()):
        background._work(Mock(send=sent.append), fail, (error,))
    assert sent == [("error", "the computation failed (ValueError: x)"), ("error", "out of memory")]


def test_jobs_are_cancelled_waiting_or_running() -> None:
    jobs = Jobs()
    running = [jobs.start(sleep) for _ in range(2)]
    for job in running:
        wait(job, "running")
    waiting = jobs.start(sleep)
    assert waiting.state == "waiting"
    waiting.cancel()
    while running[0].fraction is None:
        time.sleep(0.01)
    assert running[0].status()["left"] >= 0
    jobs.close()
    for job in (*running, waiting):
        wait(job, "cancelled")
    with pytest.raises(UsageError):
        jobs.start(sleep)


def test_a_job_that_is_cancelled_while_it_starts_leaves_no_process() -> None:
    jobs = Jobs()
    started = [jobs.start(sleep) for _ in range(2)]
    jobs.close()
    for job in started:
        wait(job, "cancelled")
    assert multiprocessing.active_children() == []


def test_old_jobs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_MOST_KEPT", 2)
    monkeypatch.setattr(Job, "run", lambda self: setattr(self, "state", "done"))
    jobs = Jobs()
    started = []
    for n in range(4):
        started.append(jobs.start(double, n))
        wait(started[-1], "done")
    with pytest.raises(UsageError, match="no computation"):
        jobs.get(started[0].id)
    assert jobs.get(started[3].id) is started[3]
