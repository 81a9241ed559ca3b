"""The field's words: phrases of CONTRIBUTING's table that code, help texts and docs must not contain."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("seqkit", "corpora", "cli", "tests", "benchmarks")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if path != Path(__file__) and not any(parent.is_symlink() for parent in path.parents)
)


def banned_phrases() -> list[str]:
    """The phrases in backticks of the left column of CONTRIBUTING's table of words."""
    words = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Words")[2]
    left = [row.split("|")[1] for row in words.splitlines() if row.startswith("| `")]
    return [phrase for cell in left for phrase in re.findall(r"`([^`]+)`", cell)]


PHRASES = re.compile(rf"(?<!-)\b({'|'.join(map(re.escape, banned_phrases()))})\b")
"""Whole words; a flag (--emsize) and a part of a name (emsize_of) are something else."""
DOCSTRING = re.compile(r"What \w")


def texts_of(code: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of the comments, strings and names of code; strings may name the flag emsize."""
    if not PHRASES.search(code):  # spares most files the tokenizer
        return
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in (tokenize.COMMENT, tokenize.NAME):
            yield token.start[0], token.string
        elif token.type == tokenize.STRING:
            yield token.start[0], token.string.replace("emsize", "")


def riddles_of(code: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of the docstrings, also of attributes, that begin with "What"."""
    if '"""What ' not in code:
        return
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str) and DOCSTRING.match(text):
                yield node.lineno, text.splitlines()[0]


def test_the_table_has_phrases() -> None:
    assert {"way back", "was due", "emsize"} <= set(banned_phrases())
    assert len(SOURCES) > 400


@pytest.mark.parametrize("folder", FOLDERS)
def test_code_has_no_banned_phrase(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match.group()}"
        for path in SOURCES
        if path.is_relative_to(ROOT / folder)
        for line, text in texts_of(path.read_text("utf-8"))
        for match in PHRASES.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_docstring_is_a_riddle(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in SOURCES
        if path.is_relative_to(ROOT / folder)
        for line, text in riddles_of(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_no_banned_phrase(page: Path) -> None:
    """Blocks may name the flag emsize, as settings files and tables of a search do."""
    text = re.sub(
        r"```.*?```", lambda m: m[0].replace("emsize", ""), page.read_text("utf-8"), flags=re.DOTALL
    )
    text = re.sub(r"\s+", " ", text)
    assert PHRASES.findall(text) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(emsize): ...", ["emsize"]),
        ("# without a way back", ["way back"]),
        ("f('--emsize')\nemsized = 1", []),
    ],
)
def test_planted_phrases_are_found(code: str, found: list[str]) -> None:
    assert [match for _, text in texts_of(code) for match in PHRASES.findall(text)] == found


def test_planted_riddles_are_found() -> None:
    assert len(list(riddles_of('def f():\n    """What every task has."""\nx = 1\n"""What x is."""'))) == 2
    assert not list(riddles_of('"""Whatever it is."""\nx = "What"'))
