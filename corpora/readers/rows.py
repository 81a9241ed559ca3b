"""Tables as rows of cells: what every format of table gives, and the format of a file."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqkit.corpora.readers.lines import BadLine
from seqkit.errors import DataError
from seqkit.files.compressed import plain_name

Column = int | str
"""A column by its number, from 1, or by its name; ``translation.en`` is a field of a field."""
Cells = tuple[int, tuple[str, ...] | BadLine]
"""The number of a row, or of the line where it begins, and the cells of the chosen columns."""

FORMATS = {
    ".tsv": "tsv", ".tab": "tsv", ".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json",
    ".parquet": "arrow", ".pq": "arrow", ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
"""The suffix of a table, before that of a compression -> its format."""
SAMPLE_ROWS = 200
"""Rows that show what the columns of a table are."""
MAX_ROW = 16 << 20
"""Bytes. A longer row is damaged, as by a quote that is not closed, and would not fit a bounded memory."""
_SHOWN = 12


class Table(ABC):
    """A file of rows, whose cells are read as texts.

    Args:
        path: The file, or ``archive.zip:member``.
    """

    form: str
    """For people, such as "a CSV table"."""
    unit = "line"

    names: tuple[str, ...] | None
    """The names of the columns; None if only their numbers are known."""
    sample: tuple[tuple[str, ...], ...]
    """The cells of the first rows, without a header row."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def cells(self, columns: Mapping[str, Column]) -> Iterator[Cells]:
        """Iterate over the cells of some columns, which are given by their role, such as "text"."""

    @property
    def reading(self) -> tuple[object, ...]:
        """How the rows come from the file, beside its content and the columns."""
        return () if self.names is None else (self.form, "names")

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.names) if self.names is not None else max(map(len, self.sample), default=0)

    def place(self, number: int) -> str:
        """Return the file and the row or line, for messages."""
        return f"{self.path}, {self.unit} {number}"

    def column(self, column: Column, role: str) -> Column:
        """Return a column that was asked for by the name or number that :meth:`cells` takes.

        Raises:
            DataError: If there is none.
        """
        names = self.names
        if isinstance(column, str) and names is not None and names.count(column) == 1:
            return self._by_name(column)
        if isinstance(column, int) and (names is None or column <= len(names)):
            return column if names is None else self._by_number(column)
        twice = isinstance(column, str) and names is not None and column in names
        shown = f"the name {column!r} twice" if twice else self.shown
        raise DataError(
            f"expected a column {column!r} for the {role}, got {shown}",
            where=str(self.path),
            remedy="name a column that is there, or take the file out of the folder if it has no such column",
        )

    def shown_as(self, column: Column) -> Column:
        """Return a column of :meth:`column` by its name, or its number where it has none."""
        return self.names[column - 1] if self.names is not None and isinstance(column, int) else column

    def _by_name(self, name: str) -> Column:
        return name

    def _by_number(self, number: int) -> Column:
        assert self.names is not None
        return self.names[number - 1]

    @property
    def shown(self) -> str:
        """The columns, for messages."""
        if self.names is not None:
            more = ", …" if len(self.names) > _SHOWN else ""
            return f"the columns {', '.join(map(repr, self.names[:_SHOWN]))}{more}"
        first = self.sample[0][:_SHOWN] if self.sample else ()
        return (
            f"{self.width} columns without names, in the first row {', '.join(repr(c[:20]) for c in first)}"
        )


def format_by_name(path: Path) -> str | None:
    """Return the format of a table by the suffix of its file; None for other suffixes.

    Example:
        >>> format_by_name(Path("a.csv.gz")), format_by_name(Path("a.txt"))
        ('csv', None)
    """
    return FORMATS.get(Path(plain_name(path)).suffix.lower())


class NoText(ValueError):
    """A value that is no text."""


def as_text(value: Any) -> str:
    """Return a value of JSON or Arrow as the text of a cell; nothing is an empty one.

    Raises:
        NoText: For lists, objects, bytes that are not UTF-8, and halves of surrogate pairs.
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise NoText(f"byte 0x{value[error.start]:02x}, which is not UTF-8") from None
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character < "\ue000" for character in value):
            raise NoText("half of a surrogate pair")
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    noun = (
        "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "another value"
    )
    raise NoText(noun)


def field_of(record: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field, or of a field of a field: ``translation.en``. Raises KeyError."""
    if name in record:
        return record[name]
    outer, dot, inner = name.partition(".")
    value = record[outer]
    if not dot or not isinstance(value, Mapping):
        raise KeyError(name)
    return field_of(value, inner)


def field_names(record: Mapping[str, Any]) -> Iterator[str]:
    """Iterate over the names of the fields, and of the fields of fields."""
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{name}.{inner}" for inner in value)
        else:
            yield name


def record_cells(
    record: Mapping[str, Any], columns: Mapping[str, Column], place: str
) -> tuple[str, ...] | BadLine:
    """Return the cells of a record, or why it has none."""
    cells = []
    for role, name in columns.items():
        try:
            cells.append(as_text(field_of(record, str(name))))
        except KeyError:
            return BadLine(f"no field {name!r} for the {role}", place, "write it, or delete the row")
        except NoText as error:
            return BadLine(f"expected a text in {name!r}, got {error}", place, "write one text there")
    return tuple(cells)


def record_sample(records: list[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the names of the fields of the first records, and their cells, empty where there is no text."""
    names = tuple(dict.fromkeys(name for record in records for name in field_names(record)))

    def cell(record: Mapping[str, Any], name: str) -> str:
        try:
            return as_text(field_of(record, name))
        except (KeyError, NoText):
            return ""

    return names, tuple(tuple(cell(record, name) for name in names) for record in records)
