"""Progress of jobs: when and how it is shown, with a clock that the tests set."""

from __future__ import annotations

import io
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqkit.corpora import open_corpus, open_labelled
from seqkit.progress import (
    BarReporter,
    Job,
    LineReporter,
    Reporter,
    amount,
    current_reporter,
    duration,
    progress,
    reporters,
    show_progress,
    tracked,
    with_progress,
)


class Clock:
    """Seconds that stand still until they are set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def reporter(clock: Clock, lines: list[str]) -> Iterator[LineReporter]:
    """A reporter of lines that looks at the jobs only when a test calls ``tick``."""
    made = LineReporter(lines.append, clock)
    made.interval = 1e9
    with made:
        yield made


def at(reporter: Reporter, clock: Clock, seconds: float) -> None:
    """Look at the jobs at this many seconds after the start."""
    clock.now = 100.0 + seconds
    reporter.tick()


def test_short_work_is_not_shown(reporter: LineReporter, clock: Clock, lines: list[str]) -> None:
    with progress("reading", 10, "files") as job:
        at(reporter, clock, 1.9)
        job.advance(10)
    assert lines == []


def test_a_line_has_the_total_and_the_time_left(
    reporter: LineReporter, clock: Clock, lines: list[str]
) -> None:
    with progress("reading", 1200, "files") as job:
        job.advance(300)
        at(reporter, clock, 2)
    assert lines == ["reading: 25% 300 of 1,200 files, 6 s left"]


def test_intervals_grow(reporter: LineReporter, clock: Clock, lines: list[str]) -> None:
    times = []
    with progress("reading", 10_000) as job:
        for second in range(1, 200):
            before = len(lines)
            job.move(second)
            at(reporter, clock, second)
            if len(lines) > before:
                times.append(second)
    assert times == [2, 4, 8, 15, 30, 60, 120, 180]


def test_intervals_go_on_growing_with_the_next_job(
    reporter: LineReporter, clock: Clock, lines: list[str]
) -> None:
    with progress("reading"):
        at(reporter, clock, 2)
        at(reporter, clock, 4)
    with progress("counting"):
        at(reporter, clock, 6)  # two seconds old, but the last line was two seconds ago as well
        at(reporter, clock, 8)
    assert lines == ["reading: 2 s so far", "reading: 4 s so far", "counting: 4 s so far"]


def test_other_lines_postpone_the_next(reporter: LineReporter, clock: Clock, lines: list[str]) -> None:
    with progress("training"):
        clock.now = 101.5
        reporter.wrote()
        at(reporter, clock, 3)
        assert lines == []
        at(reporter, clock, 3.5)
        assert len(lines) == 1


def test_jobs_within_jobs_share_a_line(reporter: LineReporter, clock: Clock, lines: list[str]) -> None:
    with progress("training", 4, "steps") as outer:
        outer.advance()
        clock.now = 102.0
        with progress("evaluating", 2, "windows") as inner:
            inner.advance()
            at(reporter, clock, 5)
    assert lines == [
        "training: 25% 1 of 4 steps, 15 s left; evaluating: 50% 1 of 2 windows, 3 s left",
    ]


def test_a_position_is_read_when_it_is_shown(reporter: LineReporter, clock: Clock, lines: list[str]) -> None:
    file = io.BytesIO(bytes(4_000_000))
    with progress("reading a.txt", 4_000_000, "B", position=file.tell):
        file.seek(1_000_000)
        at(reporter, clock, 2)
        file.close()
        at(reporter, clock, 4)  # closed before its job ended
    assert lines[0] == "reading a.txt: 25% 1.0 MB of 4.0 MB, 6 s left"
    assert lines[1].startswith("reading a.txt: 25% 1.0 MB of 4.0 MB")


def test_a_limit_of_time_bounds_the_time_left(reporter: LineReporter, clock: Clock, lines: list[str]) -> None:
    with progress("training", 1000, "steps", done=500, limit=10) as job:
        job.move(501, "loss 3.2")
        at(reporter, clock, 4)
    assert lines == ["training: 50% 501 of 1,000 steps, 6 s left, loss 3.2"]


def test_the_units_done_before_do_not_count_for_the_speed() -> None:
    job = Job("training", 1000, done=900)
    job.started, job.done = 0.0, 950
    assert job.seconds_left(10) == 10


def test_a_closed_stream_ends_the_lines(clock: Clock) -> None:
    def write(line: str) -> None:
        raise OSError("no space left")

    made = LineReporter(write, clock)
    with made, progress("reading"):
        at(made, clock, 2)


def test_work_without_a_loop_is_shown_by_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporters, "DELAY", 0.0)
    seen, before = threading.Event(), threading.active_count()

    class Seen(Reporter):
        interval = 0.001

        def show(self, jobs: list[Job], now: float) -> None:
            if jobs:
                seen.set()

    with Seen(), progress("fitting"):
        assert seen.wait(20)
    assert threading.active_count() == before


def test_a_job_ends_where_its_block_ends(reporter: LineReporter) -> None:
    def read() -> None:
        with progress("reading"):
            assert len(reporter.jobs) == 1
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        read()
    assert not reporter.jobs
    for _ in tracked([1, 2], "reading", "files"):
        assert [job.total for job in reporter.jobs.values()] == [2]
        break


def test_without_a_reporter_nothing_is_kept() -> None:
    assert current_reporter() is None
    with progress("reading", 3) as job:
        job.advance()
    assert list(tracked(iter("ab"), "reading", "letters", total=2)) == ["a", "b"]


def test_bars(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], clock: Clock) -> None:
    made = BarReporter(clock)
    made.interval = 1e9
    with made, progress("reading", 4, "files") as job:
        at(made, clock, 1)
        assert capfd.readouterr().err == ""
        job.advance()
        at(made, clock, 2)
        with progress("counting"):
            at(made, clock, 5)
    shown = capfd.readouterr().err
    assert "reading:  25%|" in shown
    assert "1 of 4 files, 6 s left" in shown
    assert "counting: 3 s so far" in shown
    assert shown.endswith("\r"), "the bars are cleared"


@pytest.mark.parametrize("stream", [None, "closed"])
def test_bars_without_a_stream_show_nothing(
    monkeypatch: pytest.MonkeyPatch, stream: str | None, clock: Clock
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed if stream else None)
    made = BarReporter(clock)
    with made, progress("reading"):
        at(made, clock, 3)


def test_only_the_outermost_reporter_shows(reporter: LineReporter) -> None:
    with show_progress(True):
        assert current_reporter() is reporter


def test_functions_show_progress_if_asked() -> None:
    @with_progress
    def function(*, progress: bool = False) -> Reporter | None:
        return current_reporter()

    assert function() is None
    assert isinstance(function(progress=True), BarReporter)
    assert current_reporter() is None


def test_words() -> None:
    assert [duration(x) for x in (0.4, 59.4, 60, 3599, 3600, 200_000)] == [
        "0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "2 d 7 h",
    ]  # fmt: skip
    assert [amount(x, "B") for x in (0, 1500, 2_500_000, 3_500_000_000)] == [
        "0.0 kB", "1.5 kB", "2.5 MB", "3.5 GB",
    ]  # fmt: skip
    assert amount(1234, "") == "1,234"


def files_counted(names: list[str], folder: Path, read: Callable[[], object]) -> list[str]:
    """Write a text into each file; return what jobs say of files when they are read."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"text {number}\n")
    seen: list[Job] = []

    class Seen(Reporter):
        def start(self, job: Job) -> None:
            super().start(job)
            seen.append(job)

    with Seen():
        read()
    return [f"{job.description} {job.done} of {job.total}" for job in seen if job.unit == "files"]


def test_small_files_of_a_folder_are_counted(tmp_path: Path) -> None:
    """None of them takes two seconds; together they may."""
    names = [f"{n}.txt" for n in range(40)]
    counted = files_counted(names, tmp_path, lambda: list(open_corpus(tmp_path).lines("train")))
    assert len(counted) == 1
    assert re.fullmatch(r"reading 3\d of 3\d", counted[0])
    counted = files_counted(names, tmp_path, lambda: open_corpus(tmp_path).provenance())
    assert counted == ["reading 40 of 40"]


def test_texts_in_folders_of_their_class_are_counted(tmp_path: Path) -> None:
    names = [f"{label}/{n}.txt" for label in ("neg", "pos") for n in range(40)]
    counted = files_counted(names, tmp_path, lambda: open_labelled(tmp_path))
    assert counted[:2] == ["reading neg 40 of 40", "reading pos 40 of 40"]
