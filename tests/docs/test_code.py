"""The code of the pages runs, block after block, in a folder with the files that they name."""

import io
import re
import shlex
import sys
from collections import Counter
from pathlib import Path

import pytest

from seqkit.cli import main
from tests.docs.pages import BEFORE, PAGES, REASONS, SHELL, SMALLER, blocks_of, smaller, write_files

pytestmark = pytest.mark.slow

SETUP = {"python3", "pip", ".", "make", "python"}
"""Commands of the shell that are not run: they make the environment."""
RUN = [
    name for name in PAGES if name in SHELL or any(block.language == "python" for block in blocks_of(name))
]


@pytest.mark.parametrize("name", RUN)
def test_code_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("tokenizers", "sklearn") if "images" in name else ("tokenizers",):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    for command in BEFORE.get(name, []):
        seqkit(shlex.split(command))
    values: dict[str, object] = {"__name__": "__main__"}
    for block in blocks_of(name):
        if block.reason:
            continue
        if block.language == "python":
            exec(compile(smaller(block.code), name, "exec"), values)
        elif name in SHELL:
            for line in smaller(block.code).replace("\\\n", " ").splitlines():
                shell(line, monkeypatch)


def shell(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the seqkit commands of a line; ``echo`` may be the left side of a pipe."""
    for command in re.split(r"\s&&\s|;\s", line.partition(" # ")[0]):
        *before, last = re.split(r"\s\|\s", command)
        text = "".join(" ".join(shlex.split(part)[1:]) + "\n" for part in before)
        assert all(part.startswith("echo ") for part in before), command
        words = shlex.split(last)
        if not words or words[0] in SETUP:
            continue
        assert words[0] == "seqkit", command
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        seqkit(words[1:])


def seqkit(words: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0, words


def test_blocks_that_do_not_run_are_counted_by_reason() -> None:
    assert Counter(block.reason for name in PAGES for block in blocks_of(name) if block.reason) == REASONS


def test_every_substitution_has_its_place() -> None:
    code = "\n".join(block.code for name in RUN for block in blocks_of(name))
    assert [pattern for pattern in SMALLER if not re.search(pattern, code, re.MULTILINE)] == []


def test_planted_mistakes_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in ("seqkit similar file --vectors nowhere", "seqkit train-ml my-text.txt"):
        with pytest.raises(AssertionError):
            shell(line, monkeypatch)
    with pytest.raises(AssertionError, match="curl"):
        shell("curl somewhere", monkeypatch)
