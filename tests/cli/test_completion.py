"""Shell completion of commands, flags, corpora, recipes, experiments and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from seqkit.cli import COMMANDS, group
from seqkit.corpora import REGISTRY
from seqkit.lab import experiment_names
from tests.architecture.test_startup import loaded_after
from tests.training.tiny import python_path


def completions(line: str) -> list[str]:
    """The words that the last word of a command line, perhaps empty, can become."""
    *arguments, incomplete = line.split(" ")
    shell = BashComplete(group, {}, "seqkit", "_SEQKIT_COMPLETE")
    return [f"<{item.type}>" if item.type != "plain" else item.value
            for item in shell.get_completions(arguments, incomplete)]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs and a text."""
    for run in ("runs/first", "runs/second"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "config.json").write_text("{}")
    (tmp_path / "runs/notes").mkdir()
    (tmp_path / "plain.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_and_flags() -> None:
    assert completions("") == list(COMMANDS)
    assert completions("train-l") == ["train-lm"]
    assert completions("--deb") == ["--debug"]
    assert completions("train-lm --max-") == ["--max-steps", "--max-time"]
    assert completions("train-lm --model gr") == ["gru"]
    assert completions("plot cu") == ["curves"]


def test_corpora_recipes_and_experiments() -> None:
    assert completions("train-lm p") == ["pydocs", "ptb", "plain.txt"]
    assert completions("train-lm ") == list(REGISTRY)
    assert completions("train-lm pla") == ["plain.txt"]
    assert completions("train-lm other/") == ["<file>"]
    assert completions("eval-lm run --corpus pt") == ["ptb"]
    assert completions("corpora fetch mni") == ["mnist"]
    assert completions("train-lm --recipe ptb-") == [
        f"ptb-{name}" for name in ("four-hours", "lstm", "one-hour", "transformer")
    ]
    assert completions("train-seq2seq --recipe ptb-") == []
    assert completions("lab run drop") == [name for name in experiment_names() if name.startswith("drop")]


@pytest.mark.parametrize(
    "command", ["eval-lm", "translate", "plot curves", "train-lm --out", "train-lm --init"]
)
def test_runs(command: str) -> None:
    for typed in ("", "ru", "runs", "runs/"):
        assert completions(f"{command} {typed}") == ["runs/first", "runs/second"]
    assert completions(f"{command} runs/s") == ["runs/second"]
    assert completions(f"{command} no") == ["<file>"]


def test_completing_a_command_loads_no_numpy() -> None:
    code = (
        "from click.shell_completion import BashComplete\nfrom seqkit.cli import group\n"
        "BashComplete(group, {}, 'seqkit', '_SEQKIT_COMPLETE').get_completions([], 'train')"
    )
    assert "numpy" not in loaded_after(code)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_in_bash(folder: Path) -> None:
    """The script of docs/commands.md defines a function that fills COMPREPLY."""
    program = folder / "seqkit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m seqkit "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(_SEQKIT_COMPLETE=bash_source seqkit)"
        COMP_WORDS=(seqkit eval-lm runs/f) COMP_CWORD=2
        _seqkit_completion seqkit
        echo "${COMPREPLY[@]}"
    """
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": python_path()}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, cwd=folder)
    assert done.stdout.split() == ["runs/first"], done
