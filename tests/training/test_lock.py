"""One process trains a run; what is lost of a run is not made up for in silence."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqkit.errors import RunError
from seqkit.files import FileLock, atomic
from seqkit.training import RunDirectory
from tests.training.tiny import ROOT, python_path
from tests.training.toy import ToyTask, toy_trainer

HOLD = """
import sys, time
from seqkit.training import RunDirectory
run = RunDirectory.open(sys.argv[1])
run.lock()
print("locked", flush=True)
time.sleep(60)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock of a run."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env={**os.environ, "PYTHONPATH": python_path()},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_run_that_another_process_trains_is_refused_until_its_death(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", {"task": "toy"}, {})
    run = RunDirectory.open(tmp_path / "run")
    with holder(tmp_path / "run") as process:
        try:
            with pytest.raises(RunError, match="another process is training the run"):
                run.lock()
        finally:
            process.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            run.lock()
            break
        except RunError:
            time.sleep(0.05)
    run.unlock()
    run.lock()
    run.unlock()
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == ["config.json"]


def test_two_starts_of_one_run_at_the_same_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused at every moment of the first, and changes nothing."""
    path, refused = tmp_path / "run", []

    def second(source: Path, target: Path) -> None:
        for when in ("before", "after"):
            with pytest.raises(RunError, match="another process is training the run"):
                RunDirectory.create(path, {"number": 2}, {"vocab.txt": b"second\n"})
            refused.append((target.name, when))
            if when == "before":
                os.replace(source, target)

    monkeypatch.setattr(atomic, "publish", second)
    first = RunDirectory.create(path, {"number": 1}, {"vocab.txt": b"first\n"}, lock=True)
    monkeypatch.undo()
    assert refused == [(name, when) for name in ("vocab.txt", "config.json") for when in ("before", "after")]
    run = RunDirectory.open(path)
    assert (run.config["number"], run.artifact("vocab.txt")) == (1, b"first\n")
    with pytest.raises(RunError, match="another process is training the run"):
        run.lock()
    first.unlock()
    run.lock()
    run.unlock()
    with pytest.raises(RunError, match=r"already holds config\.json"):
        RunDirectory.create(path, {}, {})
    assert sorted(file.name for file in path.iterdir()) == ["config.json", "vocab.txt"]


def test_a_start_that_fails_gives_the_place_back(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        RunDirectory.create(tmp_path / "run", {}, {"no/such/folder": b""})
    assert list((tmp_path / "run").iterdir()) == []
    RunDirectory.create(tmp_path / "run", {}, {}, lock=True).unlock()


def test_a_lock_is_held_by_one_holder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    first, second = FileLock(tmp_path / "file"), FileLock(tmp_path / "file")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    assert (tmp_path / "file").read_text() == "content"


def test_a_lost_checkpoint_is_no_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "run"
    toy_trainer(path, ToyTask(), epochs=1).fit()
    weights = (path / "model.safetensors").read_bytes()
    (path / "last.safetensors").unlink()
    with pytest.raises(RunError, match=r"its last\.safetensors is lost.*another folder"):
        toy_trainer(path, ToyTask(), resume=True)
    assert (path / "model.safetensors").read_bytes() == weights
