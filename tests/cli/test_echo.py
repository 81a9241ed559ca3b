"""Control characters: escaped on a terminal and on standard error, unchanged in files and pipes."""

import io
import json
import logging
import os
import pty
import sys
from pathlib import Path

import pytest

from seqkit.cli import main
from seqkit.cli.common import echo, escape, print_json
from tests.cli.conftest import Seqkit

TITLE = "\x1b]0;owned\x07"
HOSTILE = [TITLE, "\x9b31m", "\r", "\x7f", "\u202e", "\b"]


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_escapes_are_readable_and_tabs_and_lines_stay() -> None:
    assert escape("a\tb\n") == "a\tb\n"
    assert escape(TITLE) == "\\u001b]0;owned\\u0007"
    assert escape("naïve 中 👩‍👩‍👧 \u202e") == "naïve 中 👩‍👩‍👧 \\u202e"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_gets_escapes_and_a_pipe_the_text(
    text: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        echo(text)
    assert terminal.getvalue() == escape(text) + "\n" != text + "\n"
    echo(text)
    echo(text, err=True)
    captured = capfd.readouterr()
    assert captured.out.encode() == (text + "\n").encode()
    assert captured.err == escape(text) + "\n"


def test_a_file_name_that_is_not_utf_8(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    echo(name)
    echo(name, err=True)
    out, err = capfdbinary.readouterr()
    assert out == b"caf\xe9.png\n"
    assert err == b"caf\\udce9.png\n"


def test_json_on_a_terminal_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    value = {"label": "".join(HOSTILE), "score": [float("nan"), float("inf"), 1.5]}
    print_json(value)
    text = terminal.getvalue()
    assert json.loads(text, parse_constant=pytest.fail) == {**value, "score": [None, None, 1.5]}
    assert escape(text) == text


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", f"no-{TITLE}-run"),
        ("translate", f"no-{TITLE}-run", "x"),
        (f"{TITLE}",),
        ("plot", "curves", f"{TITLE}"),
        ("eval-lm", f"{TITLE}"),
        ("similar", f"{TITLE}", "--vectors", f"{TITLE}"),
        ("train-lm", f"{TITLE}", "--out", "run"),
        ("score", "run", "--device", f"{TITLE}"),
        ("generate", "run", f"--{TITLE}"),
        ("corpora", "info", f"{TITLE}"),
    ],
)
def test_errors_are_escaped(seqkit: Seqkit, arguments: tuple[str, ...]) -> None:
    done = seqkit(*arguments)
    assert done.code in (1, 2)
    assert escape(done.err) == done.err, repr(done.err)
    assert escape(done.out) == done.out


def test_warnings_are_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    handlers = [h for h in logging.getLogger().handlers if type(h).__module__ == "seqkit.cli"]
    record = logging.LogRecord("x", logging.WARNING, "", 0, TITLE, None, None)
    for handler in handlers:
        capfd.readouterr()
        handler.emit(record)
        assert capfd.readouterr().err == escape(TITLE) + "\n"


def test_text_that_a_command_prints(seqkit: Seqkit, lstm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command on a terminal and to a pipe."""
    Path("lines.txt").write_text(f"the {TITLE} cat\n")
    assert seqkit("score", lstm, "lines.txt").out.endswith(f"\tthe {TITLE} cat\n")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert seqkit("score", lstm, "lines.txt").code == 0
    assert terminal.getvalue().endswith("\tthe \\u001b]0;owned\\u0007 cat\n")


def test_a_real_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    try:
        with open(follower, "w", closefd=False) as stream:
            monkeypatch.setattr(sys, "stdout", stream)
            echo(TITLE)
            stream.flush()
        assert os.read(leader, 100).strip() == b"\\u001b]0;owned\\u0007"
    finally:
        os.close(leader)
        os.close(follower)


def test_every_command_prints_with_the_escaping_helper() -> None:
    folder = Path(__file__).parents[2] / "cli"
    direct = [path.name for path in folder.glob("*.py") if "click.echo(" in path.read_text("utf-8")]
    assert direct == ["common.py"]
