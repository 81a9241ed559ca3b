"""Run directories and their logs."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DamagedFileError, RunError
from seqkit.training import RunDirectory
from seqkit.training.run_log import RunLog

TEXTS = {"vocab.txt": b"a\nb\n", "labels.txt": b"x\n"}


def test_a_new_run_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"
    RunDirectory.create(path, {"task": "t", "number": 3}, TEXTS)
    run = RunDirectory.open(path)
    assert (run.config["task"], run.config["number"]) == ("t", 3)
    assert run.artifact("vocab.txt") == b"a\nb\n"
    assert sorted(file.name for file in path.iterdir()) == ["config.json", "labels.txt", "vocab.txt"]
    run.verify()


def test_an_existing_run_is_refused_with_the_remedy(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, {}, TEXTS)
    with pytest.raises(RunError, match=r"holds config\.json; give resume=True .*or choose another folder"):
        RunDirectory.create(tmp_path, {}, TEXTS)


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"already holds thesis\.tex"):
        RunDirectory.create(tmp_path, {}, TEXTS)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_remains_of_a_start_that_was_killed_are_taken_over(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(b"half")
    (tmp_path / "labels.txt.part").write_bytes(b"ha")
    (tmp_path / "config.json.part").write_bytes(b"{")
    RunDirectory.create(tmp_path, {}, TEXTS)
    assert RunDirectory.open(tmp_path).artifact("vocab.txt") == b"a\nb\n"
    assert not list(tmp_path.glob("*.part"))


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(RunError, match=r"cannot create the run directory .*file"):
            RunDirectory.create(path, {}, {})


def test_config_is_published_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails anywhere leaves no config.json, so no run is thought to exist."""
    plain = os.replace

    def fail_on_labels(source: Any, target: Any) -> None:
        if Path(target).name == "labels.txt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(source, target)

    monkeypatch.setattr(os, "replace", fail_on_labels)
    with pytest.raises(RunError, match=r"labels\.txt"):
        RunDirectory.create(tmp_path, {}, TEXTS)
    assert not RunDirectory.exists(tmp_path)
    monkeypatch.undo()
    RunDirectory.create(tmp_path, {}, TEXTS)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run directory at"):
        RunDirectory.open(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"not a run directory: it has no config\.json"):
        RunDirectory.open(tmp_path)


def test_a_damaged_or_missing_text_is_named(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, {}, TEXTS)
    (tmp_path / "vocab.txt").write_bytes(b"a\nc\n")
    with pytest.raises(DamagedFileError, match=r"vocab\.txt is damaged"):
        run.verify()
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(RunError, match=r"cannot read .*vocab\.txt"):
        run.verify()
    with pytest.raises(RunError, match=r"has no merges\.txt"):
        run.artifact("merges.txt")


def test_a_run_before_its_first_epoch_has_no_model(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, {}, {})
    with pytest.raises(RunError, match=r"model\.safetensors is missing"):
        run.load_model()
    run.save_checkpoint({"a": np.zeros(2)}, {})
    with pytest.raises(RunError, match="no epoch was finished; resume"):
        run.load_model()


# The log


def test_the_log_is_cut_to_the_checkpoint(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, {}, {})
    run.log.append({"step": 1})
    run.save_checkpoint({"a": np.arange(3.0)}, {"x": 1})
    run.log.append({"step": 2})
    with open(tmp_path / "log.jsonl", "ab") as file:
        file.write(b'{"step": 3, "half')  # killed while writing

    again = RunDirectory.open(tmp_path)
    arrays, metadata = again.load_checkpoint() or ({}, {})
    np.testing.assert_array_equal(arrays["a"], [0, 1, 2])
    assert metadata["x"] == 1
    assert (tmp_path / "log.jsonl").read_text() == '{"step": 1}\n'
    again.log.append({"step": 2, "again": True})
    again.save_checkpoint({}, {})
    RunDirectory.open(tmp_path).verify()
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]


def test_a_run_without_a_checkpoint_starts_with_an_empty_log(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, {}, {})
    run.log.append({"step": 1})
    again = RunDirectory.open(tmp_path)
    assert again.load_checkpoint() is None
    assert (tmp_path / "log.jsonl").read_bytes() == b""


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_log_that_is_not_what_the_checkpoint_saw_is_refused(tmp_path: Path, damage: str) -> None:
    run, log = RunDirectory.create(tmp_path, {}, {}), tmp_path / "log.jsonl"
    run.log.append({"step": 1})
    run.save_checkpoint({}, {})
    if damage == "missing":
        log.unlink()
    else:
        log.write_bytes(log.read_bytes()[:-1] if damage == "cut" else b'{"step": 7}\n')
    with pytest.raises(RunError, match=r"log\.jsonl"):
        RunDirectory.open(tmp_path).load_checkpoint()


def test_a_disk_that_is_full_for_the_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    log.append({"step": 1})
    state = log.state()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"cannot write .*log\.jsonl \(No space left on device\)"):
        log.state()
    monkeypatch.undo()
    assert log.state() == state


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_log_on_a_full_device(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    log = RunLog(tmp_path / "log.jsonl")
    with pytest.raises(RunError, match=r"cannot write .*log\.jsonl \(No space left on device\)"):
        log.append({"step": 1})
    assert log._length == 0
