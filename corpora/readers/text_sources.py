"""Texts as lines: a file as it is, a column of a table, or paragraphs that are wrapped over several lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from seqkit.corpora.readers.arrow import has_arrow_magic
from seqkit.corpora.readers.lines import BadLine
from seqkit.corpora.readers.roles import (
    Columns,
    Roles,
    choose,
    columns_of,
    described,
    find_text,
    open_table,
)
from seqkit.corpora.readers.rows import MAX_ROW, Table, format_by_name
from seqkit.errors import DataError
from seqkit.files.lines import DerivedText, Source, open_bytes, read_lines
from seqkit.files.text_content import refuse_other_formats

_HEAD = 1 << 16
_LEAST_LINES, _NARROW, _WIDE = 20, 40, 100
"""Lines that show whether a text is wrapped: at least so many, of so many characters."""


@dataclass(frozen=True)
class TextOptions:
    """How the text of a file is read.

    Args:
        columns: What is said of the columns of a table.
        paragraphs: Whether a paragraph, of lines up to a blank one, makes one line.
    """

    columns: Columns = field(default_factory=lambda: columns_of(text=None))
    paragraphs: bool = False


def text_source(path: Path, options: TextOptions) -> tuple[Source, tuple[str, ...]]:
    """Return the text of a file and what was found out about it, for people.

    Raises:
        DataError: For a file of another format, and a table whose column of texts cannot be told.
    """
    source: Source = path
    notes: tuple[str, ...] = ()
    if _is_table(path, options.columns):
        table = open_table(path, options.columns, longest=MAX_ROW // 4)
        roles = choose(table, options.columns, find_text)
        column = table.shown_as(roles["text"])
        source = DerivedText(
            f"column {column!r} of {path}",
            path,
            partial(_column, table, roles),
            ("column", column, *table.reading),
        )
        notes = (described(table, roles),)
    else:
        refuse_other_formats(path)
    if options.paragraphs:
        reading = (*(source.reading if isinstance(source, DerivedText) else ()), "paragraphs")
        lines = partial(_paragraphs, source)
        source = DerivedText(f"the paragraphs of {source}", path, lines, reading)
    elif _is_wrapped(source):
        notes += (
            f"the lines of {source} are of one width, as of wrapped prose: --paragraphs makes each paragraph"
            " a line",
        )
    return source, notes


def table_texts(path: Path, column: int | str | None = None) -> tuple[Iterator[str], tuple[str, ...]] | None:
    """Return the texts of a table, each as one line, and how it is read; None for a file of another kind.

    Raises:
        DataError: The column of the texts cannot be told, or a row cannot be read.
    """
    columns = columns_of(text=column)
    if not path.is_file() or not _is_table(path, columns):
        return None
    source, notes = text_source(path, TextOptions(columns))
    assert isinstance(source, DerivedText)
    return (" ".join(text.splitlines()) for text in source.lines()), notes


def _is_table(path: Path, columns: Columns) -> bool:
    """Whether a file is to be read as a table: by its suffix, its first bytes, or the columns asked for."""
    if columns.given is not None or format_by_name(path) not in (None, "tsv"):
        return True
    with open_bytes(path) as file:
        head = file.read(_HEAD)
    return b"\t" in head if format_by_name(path) == "tsv" else has_arrow_magic(head)


def _column(table: Table, roles: Roles) -> Iterator[str]:
    for _, cells in table.cells(roles):
        if isinstance(cells, BadLine):
            raise DataError(cells.reason, where=cells.place, remedy=cells.remedy)
        yield cells[0].removesuffix("\n")


def _paragraphs(source: Source) -> Iterator[str]:
    """Join the lines between blank ones."""
    paragraph: list[str] = []
    for line in read_lines(source):
        if line.strip():
            paragraph.append(line.strip())
        elif paragraph:
            yield " ".join(paragraph)
            paragraph = []
    if paragraph:
        yield " ".join(paragraph)


def _is_wrapped(source: Source) -> bool:
    """Whether nearly all lines, but the last of each paragraph, are about as long as the longest."""
    with open_bytes(source) as file:
        lines = file.read(_HEAD).decode(errors="replace").split("\n")[:-1]
    lines = [line.strip() for line in lines]
    inner = [len(line) for line, after in zip(lines, islice(lines, 1, None), strict=False) if line and after]
    if len(inner) < _LEAST_LINES or "" not in lines or not _NARROW <= max(inner) <= _WIDE:
        return False
    longest = max(inner)
    return sum(4 * length >= 3 * longest for length in inner) > 0.9 * len(inner)
