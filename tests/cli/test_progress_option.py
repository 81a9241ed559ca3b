"""Progress of commands: which show it, and when not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from seqkit.cli import lines, progress
from seqkit.cli.common import warn
from seqkit.progress import Job, LineReporter, Reporter, current_reporter
from tests.cli.conftest import Seqkit
from tests.cli.test_flags import ALL

WITHOUT = {"corpora info", "corpora list", "doctor", "explore", "lab list", "lab plot", "search show"}
"""Commands that take no time of which a user should be told."""


def test_all_other_commands_show_progress_unless_quiet() -> None:
    with_quiet = {
        name for name, each in ALL.items() if any("--quiet" in option.opts for option in each.params)
    }
    assert set(ALL) - with_quiet == WITHOUT


def reporter_of(*arguments: str) -> str:
    """The type of the reporter of a command, and its warning."""

    @click.command()
    @progress.quiet_option
    def command() -> None:
        click.echo(type(current_reporter()).__name__)
        warn("warning: a")

    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0
    return done.output


def test_bars_on_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reporter_of() == "LineReporter\nwarning: a\n"
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    assert reporter_of().startswith("BarReporter\n")
    assert current_reporter() is None


def test_quiet_commands_show_and_warn_nothing() -> None:
    assert reporter_of("--quiet") == "NoneType\n"


class Terminal(io.TextIOWrapper):
    """A standard input at which a person sits."""

    def isatty(self) -> bool:
        return True


def test_reading_from_a_terminal_is_told(seqkit: Seqkit, lstm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for quiet in ((), ("--quiet",)):
        monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO(b"the cat\n"), "utf-8"))
        done = seqkit("score", lstm, *quiet)
        assert (done.code, done.out.count("\n")) == (0, 1)
        assert done.err == ("" if quiet else "reading from standard input; end with Ctrl-D\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"the cat\n"), "utf-8"))
    assert seqkit("score", lstm).err == ""


def test_the_lines_of_files_are_counted_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("a\nb\n")
    second.write_text("c\n")
    assert lines.count_lines(str(first), str(second)) == 3
    for unknown in (None, "-", str(tmp_path / "none.txt"), str(tmp_path)):
        assert lines.count_lines(str(first), unknown) is None
    with first.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert lines.count_lines(None) == 2
        assert file.read() == "a\nb\n"
    (tmp_path / "a.txt.gz").write_bytes(b"\n")
    assert lines.count_lines(str(tmp_path / "a.txt.gz")) is None


def test_the_lines_of_a_command_are_a_job(
    seqkit: Seqkit, lstm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Job] = []

    class Seen(Reporter):
        def end(self, job: Job) -> None:
            super().end(job)
            seen.append(job)

    monkeypatch.setattr(progress, "command_reporter", Seen)
    Path("text.txt").write_text("the cat\n" * 300)
    assert seqkit("score", lstm, "text.txt").code == 0
    job = next(job for job in seen if job.description == "lines")
    assert (job.total, job.done, job.unit) == (300, 300, "lines")
    assert {"reading text.txt"} <= {job.description for job in seen}


def test_a_record_of_the_log_postpones_the_next_line() -> None:
    from seqkit.cli.log_lines import LogLines

    reporter = LineReporter(lambda line: None, clock=lambda: 7.0)
    with reporter:
        LogLines().on_message("begun")
    assert reporter._last == 7.0
