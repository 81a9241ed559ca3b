"""Remedies are written for whom they are shown to: Python for callers, flags for users of the commands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(
    path
    for path in [ROOT / "corpora", *(ROOT / "seqkit").iterdir()]
    if path.is_dir() and not path.is_symlink() and path.name != "recipes"
)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
ARGUMENT = re.compile(r"\b[a-z_]+=[\w\"']")
_SHELL = re.compile(r"(seqkit|python|pip|iconv|fold|hf|git)\b[^,;]*")
"""Whole commands, which both can run."""


def advice_of(code: str) -> Iterator[tuple[int, bool, str]]:
    """(line, whether it is for the commands, text) of every remedy in Python code."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remedy":
            for value, command in ((node.args[0], False), (node.keywords[0].value, True)):
                yield node.lineno, command, "".join(_texts(value))
        elif isinstance(node, ast.keyword) and node.arg == "remedy":
            calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
            if not any(getattr(call.func, "id", "") == "Remedy" for call in calls):
                yield node.value.lineno, False, "".join(_texts(node.value))


def _texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_remedy_is_for_someone_else(folder: Path) -> None:
    wrong = []
    for path in sorted(folder.rglob("*.py")):
        for line, command, text in advice_of(path.read_text("utf-8")):
            plain = _SHELL.sub("", text)
            if ARGUMENT.search(plain) if command else FLAG.search(plain):
                wrong.append(f"{path}:{line}: {text}")
    assert wrong == []


def test_planted_advice_is_found() -> None:
    code = (
        'f(remedy="add --x"); Remedy("give x=1", command="give x=1"); f(remedy="seqkit convert A --limit 2")'
    )
    found = {(command, text) for _, command, text in advice_of(code)}
    plain = {(False, "add --x"), (False, "seqkit convert A --limit 2")}
    assert found == {*plain, (False, "give x=1"), (True, "give x=1")}
