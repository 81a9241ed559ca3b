"""The first signal asks, the second insists."""

import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.training import Callback, RunDirectory
from seqkit.training.signals import SignalWatch
from tests.training.tiny import TINY, python, write_corpus

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_first_signal_is_only_noted(signum: int) -> None:
    before = [signal.getsignal(s) for s in SIGNALS]
    with SignalWatch() as watch:
        assert watch.received is None
        signal.raise_signal(signum)
        assert watch.received == signum
    assert [signal.getsignal(s) for s in SIGNALS] == before


@pytest.mark.parametrize(
    ("first", "second"), [("SIGINT", "SIGINT"), ("SIGINT", "SIGTERM"), ("SIGTERM", "SIGTERM")]
)
def test_the_second_signal_ends_the_process_at_once(first: str, second: str) -> None:
    code = f"""
import signal
from seqkit.training.signals import SignalWatch
with SignalWatch():
    signal.raise_signal(signal.{first})
    print("asked", flush=True)
    try:
        signal.raise_signal(signal.{second})
        print("still here", flush=True)
    finally:
        print("cleaning up", flush=True)
"""
    result = python("-c", code)
    assert result.returncode == 128 + getattr(signal, second)
    assert result.stdout == "asked\n"


def test_the_handlers_come_back_after_an_error() -> None:
    before = [signal.getsignal(s) for s in SIGNALS]
    with pytest.raises(ZeroDivisionError), SignalWatch():
        _ = 1 / 0
    assert [signal.getsignal(s) for s in SIGNALS] == before


def test_a_second_use_starts_anew() -> None:
    watch = SignalWatch()
    for _ in range(2):
        with watch:
            assert watch.received is None
            signal.raise_signal(signal.SIGINT)
            assert watch.received == signal.SIGINT


def test_outside_the_main_thread_nothing_is_watched() -> None:
    seen: list[object] = []

    def use() -> None:
        before = signal.getsignal(signal.SIGINT)
        with SignalWatch() as watch:
            seen.extend((watch.received, signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [None, True]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP")
def test_the_loss_of_the_terminal_is_ignored_from_the_first_line_read_to_the_last_byte_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the first step and after the last one, when the loop's own handlers are not there."""
    hangups: list[str] = []

    def hangup(where: str) -> Any:
        signal.raise_signal(signal.SIGHUP)
        hangups.append(where)

    class Hangup(Callback):
        def on_message(self, text: str) -> None:
            hangup("message")

        def on_step(self, step: int, loss: float) -> None:
            hangup("step")

    plain = RunDirectory.unlock
    monkeypatch.setattr(RunDirectory, "unlock", lambda run: (hangup("end"), plain(run)))
    before = signal.getsignal(signal.SIGHUP)
    settings = LanguageModelSettings(corpus=str(write_corpus(tmp_path / "text.txt")), **{**TINY, "epochs": 1})
    train(settings, tmp_path / "run", callbacks=Hangup())
    assert list(dict.fromkeys(hangups)) == ["message", "step", "end"]
    assert signal.getsignal(signal.SIGHUP) is before
