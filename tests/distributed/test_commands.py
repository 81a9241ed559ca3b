"""Training commands under mpiexec: one run directory, one voice, and an end for all when one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from seqkit.training import RunDirectory
from tests.distributed.test_groups import PLAIN, mpiexec, run, start
from tests.exhaustive import exhaustive
from tests.training.tiny import TINY, environment, flags, python, write_corpus


def _command(corpus: Path, out: Path, *more: str, **settings: object) -> list[str]:
    given = flags({**TINY, "log_interval": 1, "schedule": "constant", "dropout": 0.5, **settings})
    return ["-m", "seqkit", "train-lm", str(corpus), *given, "--out", str(out), *more]


def _alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    return python(*arguments, env=environment(**PLAIN))


def _losses(out: Path) -> list[float]:
    records = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    return [record["loss"] for record in records if "loss" in record]


def _weights(out: Path) -> dict[str, np.ndarray]:
    loaded = RunDirectory.open(out).load_checkpoint()
    assert loaded is not None
    return loaded[0]


def test_two_processes_train_and_evaluate_as_one(tmp_path: Path) -> None:
    corpus, one, two = write_corpus(tmp_path / "text.txt"), tmp_path / "one", tmp_path / "two"
    assert _alone(*_command(corpus, one)).returncode == 0
    code, out, err = run(2, *_command(corpus, two))
    assert (code, out.count("best validation perplexity")) == (0, 1), err
    assert "dense gradients in 1 messages" in err + out
    np.testing.assert_allclose(_losses(two), _losses(one), rtol=1e-4)
    evaluate = ["-m", "seqkit", "eval-lm", str(one), "--batch-size", "4", "--json"]
    alone = json.loads(_alone(*evaluate).stdout)
    code, out, err = run(2, *evaluate)
    assert code == 0, err
    assert json.loads(out)["perplexity"] == pytest.approx(alone["perplexity"], rel=1e-8)


@exhaustive
def test_a_run_of_two_goes_on_with_one_and_with_three(tmp_path: Path) -> None:
    """A second run of as many processes has the same bits."""
    corpus = write_corpus(tmp_path / "text.txt")
    for name in ("two", "again"):
        code, _, err = run(2, *_command(corpus, tmp_path / name))
        assert code == 0, err
    losses, again = _losses(tmp_path / "two"), _weights(tmp_path / "again")
    assert _losses(tmp_path / "again") == losses
    for key, expected in _weights(tmp_path / "two").items():
        np.testing.assert_array_equal(again[key], expected)
    steps, parts = len(losses), tmp_path / "parts"
    for size, stop in ((2, steps // 3), (1, 2 * steps // 3), (3, steps)):
        code, _, err = run(size, *_command(corpus, parts, "--resume", max_steps=stop))
        assert code == 0, err
    np.testing.assert_allclose(_losses(parts), losses, rtol=1e-4)


def test_errors_are_said_once(tmp_path: Path) -> None:
    code, _, err = run(3, *_command(tmp_path / "absent.txt", tmp_path / "run"))
    assert (code, err.count("error:"), "Traceback" in err) == (1, 1, False), err
    assert not (tmp_path / "run").exists()


def test_other_commands_run_once() -> None:
    code, out, err = run(3, "-m", "seqkit", "corpora", "list")
    assert (code, out.count("pydocs")) == (0, 1), err


def _parents() -> dict[int, int]:
    """Return the parent of each process."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(status[1])
            except (OSError, ValueError, IndexError):
                continue
    return parents


def _children(process: subprocess.Popen[str], out: Path) -> list[int]:
    """The two training processes, whose parents the launcher started, once a step is in the log."""
    log = out / "log.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        parents = _parents()

        def below(pid: int, parents: dict[int, int] = parents) -> list[int]:
            return [child for child, parent in parents.items() if parent == pid]

        proxies = below(process.pid)
        children = [child for proxy in proxies for each in below(proxy) for child in below(each)]
        if len(children) == 2 and log.exists() and log.stat().st_size:
            return sorted(children)
        time.sleep(0.05)
    raise AssertionError(process.communicate(timeout=10))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc: processes are not found")
def test_a_killed_process_ends_all_and_is_named(tmp_path: Path) -> None:
    mpiexec()
    corpus, out = write_corpus(tmp_path / "text.txt"), tmp_path / "run"
    arguments = _command(corpus, out, "--resume", epochs=1000)
    process = start(2, *arguments)
    children = _children(process, out)
    assert len(children) == 2
    os.kill(children[1], signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert err.count("was ended by SIGKILL") >= 1, err
    assert "with --resume goes on" in err
    done = _alone(*_command(corpus, out, "--resume", epochs=1, max_steps=1))
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc: processes are not found")
def test_an_interrupt_saves_once(tmp_path: Path) -> None:
    mpiexec()
    corpus, out = write_corpus(tmp_path / "text.txt"), tmp_path / "run"
    process = start(2, *_command(corpus, out, epochs=1000))
    _children(process, out)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.count("the state is saved") == 1, err
    assert _weights(out)


def test_a_missing_mpi4py_is_said_once(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "mpi4py"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('hidden')\n", "utf-8")
    process = start(
        2,
        *_command(write_corpus(tmp_path / "text.txt"), tmp_path / "run"),
        PYTHONPATH=os.pathsep.join([str(hidden.parent), os.environ.get("PYTHONPATH", "")]),
    )
    _, err = process.communicate(timeout=60)
    assert err.count("pip install 'seqkit[mpi]'") == 1, err


def test_nothing_of_mpi_is_imported_without_a_launcher() -> None:
    code = "import sys, seqkit.tasks.training as t; t.world(); print('mpi4py' in sys.modules)"
    assert python("-c", code).stdout == "False\n"
