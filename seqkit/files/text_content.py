"""Refuse files of other formats where running text, or a table of texts, is to be read."""

import json
import re
from pathlib import Path
from typing import Any

from seqkit.errors import DataError, Remedy
from seqkit.files.formats import encoding_of, format_of
from seqkit.files.lines import BOM, open_bytes

_HEAD = 1 << 16
_ROWS, _LEAST_ROWS = 200, 5
"""Lines that show whether a text is a table: at most, and at least."""
_VECTOR_NUMBER = re.compile(r"-?\d+\.\d+(e[-+]?\d+)?")


def refuse_other_formats(path: Path, *, columns: int = 1) -> None:
    """Raise DataError for a text file that is of another format: JSON, a document, an archive, a table.

    To learn from a text of JSON as it is, put any other line before it.

    Args:
        path: The file, compressed or not.
        columns: The columns of a table of texts; 1 for a file with a text in each line, 0 for JSON.
    """
    with open_bytes(path) as file:
        head = file.read(_HEAD).removeprefix(BOM)
    encoding = encoding_of(head)
    if encoding is not None:
        raise DataError(
            f"expected text in UTF-8, got {encoding}",
            where=str(path),
            remedy=f"convert it: iconv -f {encoding} -t UTF-8 FILE > NEW",
        )
    name = format_of(head, path)
    if name is not None:
        raise DataError(
            f"expected text, got {name}", where=str(path), remedy="save its text as a file in UTF-8 (.txt)"
        )
    if columns:
        _refuse_json(path, head)
    if columns == 1:
        _refuse_rows(path, head)


def _refuse_json(path: Path, head: bytes) -> None:
    start = head.lstrip()
    if start[:1] not in (b"{", b"["):
        return
    lines = start.decode(errors="replace").splitlines()
    keep = "or, to learn the JSON as it stands, put a line of text before it"
    first = _parsed(lines[0])
    if isinstance(first, dict | list) and first:
        fields = isinstance(first, dict) and any(isinstance(value, str) for value in first.values())
        raise DataError(
            f"expected text, got JSON lines{f' with the fields {_names(first)}' if fields else ''}",
            where=str(path),
            remedy=f"give it a name that ends in .jsonl, and its fields are read; {keep}"
            if fields
            else f"write its texts to a file, one a line; {keep}",
        )
    if _opens_document(lines):
        raise DataError(
            "expected text, got a JSON document",
            where=str(path),
            remedy=f"write its texts to a file, one a line; {keep}",
        )


def _refuse_rows(path: Path, head: bytes) -> None:
    """Raise DataError for running text that is a table with tabs, or word vectors."""
    lines = head.decode(errors="replace").split("\n")[:-1]
    rows = [line.strip() for line in lines[:_ROWS] if line.strip() and line[0] != "#"]
    keep = "or, to learn the lines as they stand, put a line of text before them"
    tabs = {row.count("\t") for row in rows}
    if len(rows) >= _LEAST_ROWS and len(tabs) == 1 and 0 not in tabs:
        raise DataError(
            f"expected text, got a table: each line has {tabs.pop() + 1} columns with tabs between them",
            where=str(path),
            remedy=Remedy(
                f"name the column of its texts: text_column=2; {keep}",
                command=f"name the column of its texts: --text-column 2; {keep}",
            ),
        )
    begin = 1 if rows and re.fullmatch(r"\d+ \d+", rows[0]) else 0
    vectors = [row.split()[1:] for row in rows[begin : begin + 2]]
    same_size = len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 1
    if same_size and all(map(_VECTOR_NUMBER.fullmatch, vectors[0] + vectors[1])):
        raise DataError(
            "expected text, got word vectors",
            where=str(path),
            remedy=f"open them with: seqkit similar WORD --vectors FILE; {keep}",
        )


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _opens_document(lines: list[str]) -> bool:
    """Whether the lines begin an object or a list of objects that is written over several lines."""
    text = "\n".join(lines[:50]).lstrip("[ \t\n")
    if not text.startswith("{"):
        return False
    key, colon, _ = text[1:].lstrip().partition(":")
    return bool(colon) and isinstance(_parsed(key.strip()), str)


def _names(record: Any) -> str:
    return ", ".join(map(repr, list(record)[:6]))
