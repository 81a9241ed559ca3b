"""The stress test itself: a few of its actions, and that it notices a fault and says how to repeat it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.exhaustive import EXHAUSTIVE
from tests.training.tiny import environment, python

pytest.importorskip("numba", reason="Numba is not installed: its trainings would take too long")
if sys.platform != "linux":
    pytest.skip("it uses Linux's limits, namespaces and /dev/full", allow_module_level=True)

from tests.stress import __main__ as command
from tests.stress.processes import FaultError
from tests.stress.trainings import Place

pytestmark = pytest.mark.slow

SEED, ACTIONS = 45397, 4 if EXHAUSTIVE else 2


def test_a_handful_of_actions(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    done = python(
        *("-m", "tests.stress", "--seed", str(SEED), "--actions", str(ACTIONS)),
        env={**environment(), "TMPDIR": str(tmp_path / "temporary")},
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"seed {SEED}, {tmp_path}")
    assert f"{ACTIONS} actions in" in done.stdout
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_fault_is_told_with_what_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []

    def breaks(place: Place) -> None:
        drawn.append(place.chance.random())
        place.note("something was damaged")
        (place.folder / "evidence").touch()
        if len(drawn) == 3:
            raise FaultError("other weights")

    monkeypatch.setattr(command, "ACTIONS", {breaks: 1})
    monkeypatch.setattr(command, "load_everything", lambda: None)
    assert command.stress(tmp_path / "first", 5, first=1, actions=None, minutes=1) == 1
    said = capsys.readouterr().out
    assert "action 3, breaks:\n  something was damaged\nother weights\n" in said
    assert "--seed 5 --first 3 --actions 1" in said
    assert (tmp_path / "first" / "action" / "evidence").exists()
    assert command.stress(tmp_path / "second", 5, first=3, actions=1, minutes=1) == 0
    assert drawn[2] == drawn[3]
    assert "1 actions in 0.0 minutes, no fault" in capsys.readouterr().out
