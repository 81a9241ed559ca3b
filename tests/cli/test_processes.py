"""Tests that need a process of their own: signals, pipes, imported modules, threads."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import seqkit
from seqkit.training import RunDirectory, checksummed
from tests.exhaustive import some
from tests.training.tiny import ROOT, TINY, environment, flags, python, without_notice
from tests.training.toy import same_state

pytestmark = pytest.mark.slow

LONG = flags({**TINY, "epochs": 100_000, "schedule": "constant", "log_interval": 10, "dropout": 0.2})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command; whatever is left of it is killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: Any, **settings: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "seqkit", *map(str, arguments)]
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **settings}
        process = subprocess.Popen(command, text=True, cwd=tmp_path, **settings)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], path: Path, lines: int = 1) -> None:
    """Until the file has so many lines, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not path.exists() or path.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.02)


@pytest.mark.without_numba
@pytest.mark.parametrize(("signum", "code"), some([(signal.SIGINT, 130), (signal.SIGTERM, 143)], 2))
def test_a_signal_saves_and_says_how_to_go_on(
    start: Callable[..., Any], corpus: Path, tmp_path: Path, signum: int, code: int
) -> None:
    run = tmp_path / "run"
    process = start("train-lm", corpus, *LONG, "--out", "run")
    wait_for(process, run / "log.jsonl", lines=8)
    process.send_signal(signum)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert "continue: seqkit train-lm --out run --resume" in err
    assert "evaluate: seqkit eval-lm run --split valid" in err

    _, metadata = checksummed.read_tensors(run / "last.safetensors")
    steps = metadata["progress"]["step"]
    assert f"after step {steps}; the state is saved in run" in err
    assert steps > 41
    assert seqkit.load(run).evaluate("valid").predictions > 0

    resumed = python(
        "-m", "seqkit", "train-lm", "--out", "run", "--resume", "--max-steps", str(steps + 30), cwd=tmp_path
    )
    assert resumed.returncode == 0, resumed.stderr
    straight = python(
        "-m",
        "seqkit",
        "train-lm",
        str(corpus),
        *LONG,
        "--out",
        "straight",
        "--max-steps",
        str(steps + 30),
        cwd=tmp_path,
    )
    assert straight.returncode == 0, straight.stderr
    same_state(tmp_path / "straight", run)


def test_the_second_interrupt_ends_it_at_once(corpus: Path, tmp_path: Path) -> None:
    """The first comes in a step, the second while the state is being saved, which hangs."""
    code = f"""
import signal, sys, time
from seqkit.training import RunDirectory, Callback
from seqkit.cli import log_lines, main
def on_step(self, step, loss):
    if step == 3:
        RunDirectory.save_checkpoint = hang
        signal.raise_signal(signal.SIGINT)
def hang(self, arrays, metadata):
    signal.raise_signal(signal.SIGINT)
    time.sleep(600)
log_lines.LogLines.on_step = on_step
main(["train-lm", {str(corpus)!r}, "--out", "run", *{LONG!r}])
"""
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert seqkit.training.RunDirectory.open(tmp_path / "run").load_checkpoint() is not None


@pytest.mark.parametrize("where", ["Python", "a callback from C"])
def test_an_interrupt_before_training_begins(tmp_path: Path, corpus: Path, where: str) -> None:
    """Python drops the exception of a callback, such as those of LLVM while kernels are loaded."""
    code = f"""
import ctypes, signal, sys, time
import seqkit.tasks.language_modeling.task
def send():
    signal.raise_signal(signal.SIGINT)
def interrupted(*_):
    ctypes.CFUNCTYPE(None)(send)() if {where!r} != "Python" else send()
    while True:  # Python looks for signals when it jumps back
        time.sleep(0.01)
sys.modules["seqkit.tasks.language_modeling.task"].encode = interrupted
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins without it
from seqkit.cli import main
main(["train-lm", {str(corpus)!r}, "--out", "run"])
"""
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr.endswith("interrupted\n")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_reader_that_goes_away_is_no_traceback(
    start: Callable[..., Any], lstm: Path, tmp_path: Path
) -> None:
    (tmp_path / "lines.txt").write_text("the cat sat\n" * 50_000)
    process = start("score", lstm, "lines.txt")
    assert process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert without_notice(err) == ""


def test_text_that_the_terminal_cannot_hold(lstm: Path) -> None:
    done = python(
        *("-m", "seqkit", "generate", str(lstm), "--prompt", "naïve →"),
        env=environment(PYTHONIOENCODING="latin-1:strict"),
    )
    assert done.returncode == 1
    assert without_notice(done.stderr).startswith("error: the output cannot encode this text")
    assert "PYTHONIOENCODING=utf-8" in done.stderr


@pytest.mark.without_numba
@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_and_version_load_no_numpy(arguments: list[str]) -> None:
    code = f"""
import sys
from seqkit.cli import main
try:
    main({arguments!r})
except SystemExit as stop:
    assert stop.code == 0, stop.code
print(*sorted(name.partition(".")[0] for name in sys.modules), file=sys.stderr)
"""
    done = python("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert not loaded & {"numpy", "numba", "nltk", "matplotlib", "cupy", "safetensors", "tqdm"}


@pytest.mark.without_numba
def test_commands_load_nothing_before_they_run() -> None:
    """Help of a command that evaluates needs no NumPy either; and no command needs Matplotlib or NLTK."""
    code = """
import sys
from seqkit.cli import COMMANDS, group
light = ["corpora", "doctor", "eval-lm", "generate", "plot", "score"]
for name in [*light, *COMMANDS]:
    group.get_command(None, name)
    assert name not in light or "numpy" not in sys.modules, name
    light = light[1:]
print(*sys.modules)
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert not {"numba", "nltk", "matplotlib", "cupy"} & {name.split(".")[0] for name in done.stdout.split()}


def threads_of(run: Path) -> int:
    return int(RunDirectory.open(run).config["threads"])


def test_threads_take_effect_and_a_resumed_run_keeps_its_own(corpus: Path, tmp_path: Path) -> None:
    def train(*arguments: str) -> str:
        command = ["-m", "seqkit", "train-lm", "--out", "run", *arguments]
        bare = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
        done = python(
            *command, cwd=tmp_path, env={**bare, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "2"}
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    tiny = flags({**TINY, "epochs": 1})
    assert "warning" not in train(str(corpus), *tiny, "--threads", "1")
    assert threads_of(tmp_path / "run") == 1
    assert "threads" not in train("--resume")
    said = train("--resume", "--threads=2")
    assert "begun with 1 threads and continues with 2: results may differ in the last bits" in said


def test_threads_come_too_late_for_a_loaded_numpy() -> None:
    code = "import numpy\nfrom seqkit.cli.common import use_threads\nuse_threads(37)"
    done = python("-c", code)
    assert done.stderr == "warning: NumPy is already loaded, --threads 37 has no effect\n"


def test_a_disk_that_fills_up(corpus: Path, tmp_path: Path) -> None:
    """The limit on file sizes stands in for the disk: checkpoints of more than 4 KiB cannot be written."""
    pytest.importorskip("resource")
    code = f"""
import resource, signal, sys
from seqkit.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
main(["train-lm", {str(corpus)!r}, "--out", "run", *{LONG!r}, "--emsize", "64", "--nhid", "64"])
"""
    done = python("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: cannot write run/last.safetensors (File too large); free some space")
    names = sorted(file.name for file in (tmp_path / "run").iterdir())
    assert names == ["config.json", "vocab.txt"]
    # With space again the same folder goes on.
    again = python(
        "-m", "seqkit", "train-lm", "--out", "run", "--resume", "--max-steps", "5", "--json", cwd=tmp_path
    )
    assert json.loads(again.stdout)["best_step"] == 5


@pytest.mark.without_numba
def test_the_module_is_the_command() -> None:
    done = python("-m", "seqkit", "--version")
    assert (done.returncode, done.stdout) == (0, f"seqkit, version {seqkit.__version__}\n")
