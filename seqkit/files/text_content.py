"""Refuse files of other formats where running text, or a table of texts, is to be read."""

import json
import shlex
from pathlib import Path
from typing import Any

from seqkit.errors import DataError
from seqkit.files.lines import BOM, open_bytes

_HEAD = 1 << 16
_MAGIC = {
    b"PK\x03\x04": "a zip archive (which .docx, .xlsx and .epub are, too)",
    b"%PDF-": "a PDF document",
    b"PAR1": "a Parquet table",
    b"ARROW1": "an Arrow table",
    b"{\\rtf": "an RTF document",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "an array of NumPy",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a file compressed by zstd",
    b"\xd0\xcf\x11\xe0": "an Office document",
}
_TAR = slice(257, 262)
_PICKLE = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def refuse_other_formats(path: Path, *, columns: int = 1) -> None:
    """Raise DataError for a text file that is of another format: JSON, a document, an archive, a table.

    To learn from a text of JSON as it is, put any other line before it.

    Args:
        path: The file, compressed or not.
        columns: The columns of a table of texts; 1 for a file with a text in each line.
    """
    with open_bytes(path) as file:
        head = file.read(_HEAD).removeprefix(BOM)
    name = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if head[_TAR] == b"ustar":
        name = "a tar archive"
    elif head[:2] in _PICKLE:
        name = "a Python pickle"
    elif head[8:10] == b'{"' and head[4:8] == bytes(4):
        name = "a file of tensors (safetensors)"
    if name is not None:
        raise DataError(
            f"expected text, got {name}", where=str(path), remedy="save its text as a file in UTF-8 (.txt)"
        )
    _refuse_json(path, head, columns)


def _refuse_json(path: Path, head: bytes, columns: int) -> None:
    start = head.lstrip()
    if start[:1] not in (b"{", b"["):
        return
    lines = start.decode(errors="replace").splitlines()
    keep = "or, to learn the JSON as it stands, put a line of text before it"
    first = _parsed(lines[0])
    if isinstance(first, dict | list) and first:
        fields = _text_fields(first, columns)
        raise DataError(
            f"expected text, got JSON lines{f' with the fields {_names(first)}' if fields else ''}",
            where=str(path),
            remedy=f"take the texts out: {_extraction(path, fields)}; {keep}"
            if fields
            else f"write its texts to a file, one a line; {keep}",
        )
    if _opens_document(lines):
        raise DataError(
            "expected text, got a JSON document",
            where=str(path),
            remedy=f"write its texts to a file, one a line; {keep}",
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


def _text_fields(record: object, columns: int) -> list[str]:
    """Return the fields of an object that hold a text, in their order: the longest, and another beside it."""
    if not isinstance(record, dict):
        return []
    plain = {name: str(value) for name, value in record.items() if isinstance(value, str | int)}
    texts = [name for name, value in record.items() if isinstance(value, str)]
    if not texts:
        return []
    longest = max(texts, key=lambda name: len(plain[name]))
    if columns == 1:
        return [longest]
    other = next((name for name in plain if name != longest), None)
    return [] if other is None else [name for name in plain if name in (longest, other)]


def _extraction(path: Path, fields: list[str]) -> str:
    """Return the command that writes these fields of each line, with tabs between."""
    program = (
        "import json, sys; [print(*[' '.join(str(json.loads(line)[name]).split()) for name in "
        f"{fields!r}], sep='\\t') for line in sys.stdin if line.strip()]"
    )
    return f"python -c {shlex.quote(program)} < {shlex.quote(str(path))} > NEW"
