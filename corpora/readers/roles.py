"""Open tables, and choose the columns of the text, the label, the source and the target in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seqkit.corpora.readers.arrow import ArrowTable, has_arrow_magic
from seqkit.corpora.readers.delimited import CsvTable, DelimitedTable, LineTable
from seqkit.corpora.readers.headers import are_pair_names, is_label_name, is_text_name
from seqkit.corpora.readers.json_lines import JsonTable
from seqkit.corpora.readers.lines import MAX_EXAMPLE
from seqkit.corpora.readers.rows import Column, Table, format_by_name
from seqkit.errors import DataError, Remedy, UsageError
from seqkit.files.lines import open_bytes

_HEAD = 8
Roles = dict[str, Column]
"""The role of a column, such as "text" -> the column."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table that a user names, and whether its first row is a header.

    Args:
        by_role: The column of each role; None for one that is to be found.
        header: Whether the first row has the names of the columns; None decides by its cells.
    """

    by_role: Mapping[str, Column | None]
    header: bool | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of columns that are asked for."""
        return tuple(column for column in self.by_role.values() if isinstance(column, str))

    @property
    def given(self) -> str | None:
        """The argument of the library by which something is said of a table, if anything is."""
        roles = [f"{role}_column" for role, column in self.by_role.items() if column is not None]
        return next(iter(roles), None if self.header is None else "header")


def columns_of(header: bool | None = None, **by_role: Column | None) -> Columns:
    """Return the columns that a user gave: names, or numbers from 1, which may be written as texts.

    Raises:
        UsageError: For an empty name, a number below 1, and one column for two roles.
    """
    columns = {role: _column(column, role) for role, column in by_role.items()}
    given = [column for column in columns.values() if column is not None]
    if len(set(given)) < len(given):
        roles = " and ".join(columns)
        raise UsageError(f"expected two different columns for {roles}, got {given[0]!r} for both")
    return Columns(columns, header)


def _column(column: Column | None, role: str) -> Column | None:
    if isinstance(column, str) and re.fullmatch("[0-9]{1,9}", column):
        column = int(column)
    if column == "" or (isinstance(column, int) and column < 1):
        raise UsageError(f"expected the {role}'s column to be a name, or a number from 1, got {column!r}")
    return column


def is_table(path: Path) -> bool:
    """Return whether a file is a table by its suffix, or by its first bytes one of Parquet or Arrow."""
    if format_by_name(path) is not None:
        return True
    with open_bytes(path) as file:
        return has_arrow_magic(file.read(_HEAD))


def open_table(path: Path, columns: Columns, *, longest: int = MAX_EXAMPLE) -> Table:
    """Open a table; a file without the suffix or the first bytes of another has tabs between its columns.

    Args:
        path: The file, or ``archive.zip:member``.
        columns: What the user says of it.
        longest: The most characters of a line of a table with tabs.

    Raises:
        DataError: For a file that is none.
        UsageError: If ``header`` is given for a format that has names always.
        MissingDependencyError: For Parquet or Arrow without pyarrow.
    """
    name = format_by_name(path)
    if name in (None, "tsv") and not (name is None and is_table(path)):
        return LineTable(path, columns.header, columns.asked, longest=longest)
    if name == "csv":
        return CsvTable(path, columns.header, columns.asked)
    if columns.header is not None:
        raise UsageError(
            f"header has no effect here: it is for CSV and tables with tabs, and {path} has names always",
            remedy=Remedy("leave header out", command="leave out --header or --no-header"),
        )
    return JsonTable(path) if name == "json" else ArrowTable(path)


def choose(table: Table, columns: Columns, find: Callable[[Table, Roles], Roles | None]) -> Roles:
    """Return the column of each role, those that are not given as ``find`` finds them.

    Args:
        table: The table.
        columns: What the user says of its columns.
        find: Returns the columns by role, given those that are known; None if it cannot tell.

    Raises:
        DataError: For a column that is not there, and if it cannot be told which they are.
    """
    given = {
        role: table.column(column, role) for role, column in columns.by_role.items() if column is not None
    }
    roles = dict(given)
    if len(given) < len(columns.by_role):
        found = find(table, given)
        missing = [role for role in columns.by_role if role not in given]
        if found is None:
            arguments = ", ".join(f"{role}_column=…" for role in missing)
            flags = " ".join(f"--{role}-column NAME" for role in missing)
            raise DataError(
                f"cannot tell the column of the {' and the '.join(missing)}: it has {table.shown}",
                where=str(table.path),
                remedy=Remedy(f"name it: {arguments}", command=f"name it: {flags} (or its number)"),
            )
        roles |= {role: found[role] for role in missing}
    return {role: roles[role] for role in columns.by_role}


def described(table: Table, roles: Roles) -> str:
    """Return in one line how a table is read: its format, whether it has a header row, the columns."""
    columns = ", ".join(f"{role} in column {table.shown_as(column)!r}" for role, column in roles.items())
    header = ""
    if isinstance(table, DelimitedTable):
        header = f", {'with' if table.names is not None else 'without'} a header row"
    return f"{table.path}: {table.form}{header}, {columns}"


def _only(columns: Iterable[Column]) -> Column | None:
    """The only one of some columns; None if there are none or several."""
    found = list(columns)
    return found[0] if len(found) == 1 else None


def _named(
    table: Table, test: Callable[[str], bool], *best: str, beside: Iterable[Column | None] = ()
) -> Column | None:
    """Return the only column whose name passes a test; of several, that with the first name in ``best``."""
    names = table.names or ()
    passing = [name for name in names if test(name)]
    taken = list(beside)
    columns = {name: table.column(name, "text") for name in passing if names.count(name) == 1}
    columns = {name: column for name, column in columns.items() if column not in taken}
    exact = next((name for name in best if name in columns), None)
    return columns[exact] if exact is not None else _only(columns.values())


def _columns(table: Table) -> list[Column]:
    """All columns, as :meth:`Table.cells` takes them."""
    numbers = range(1, table.width + 1)
    return [table.column(number, "text") for number in numbers] if table.names else list(numbers)


def _cells(table: Table, column: Column) -> list[str]:
    """The cells of a column in the sample."""
    number = _columns(table).index(column)
    return [row[number].strip() for row in table.sample if len(row) > number]


def find_text(table: Table, given: Roles) -> Roles | None:
    """Return the column of the text: the only one, or by its name, or the only one that is like a text."""
    column = _only(_columns(table))
    column = column or _named(table, lambda name: is_text_name(name), "text", "sentence", "content")
    column = column or _only(column for column in _columns(table) if table.names and _is_prose(table, column))
    return None if column is None else {"text": column}


def find_label_and_text(table: Table, given: Roles) -> Roles | None:
    """Return the columns of the label and the text: by their names; or else by what is in them.

    Without names, the label is first and the text second, unless only another column is like a label, with
    fewer different values than half the rows, and only one is like a text.
    """
    columns = _columns(table)
    if table.names is None:
        if given:  # the first column beside the one that is given
            (column,) = given.values()
            return dict.fromkeys(("label", "text"), 2 if column == 1 else 1)
        return _by_cells(table, columns)
    label = given.get("label") or _named(table, is_label_name, "label", beside=given.values())
    text = given.get("text") or _named(table, is_text_name, "text", "sentence", beside=(label,))
    others = [column for column in columns if column not in (label, text)]
    if len(columns) == 2 and (label, text) == (None, None):
        return _by_cells(table, columns)
    if len(columns) == 2:
        label, text = label or _only(others), text or _only(others)
    if text is None and label is not None:
        text = _only(column for column in others if _is_prose(table, column))
    if label is None or text is None or label == text:
        return None
    return {"label": label, "text": text}


def _by_cells(table: Table, columns: list[Column]) -> Roles | None:
    first: Roles = dict(zip(("label", "text"), columns if len(columns) > 1 else (1, 2), strict=False))
    if len(columns) < 2 or len(table.sample) < _LEAST_ROWS:
        return first
    labels = [column for column in columns if _is_label(table, column)]
    texts = [column for column in columns if column not in labels]
    if first["label"] in labels and (first["text"] in texts or len(columns) == 2):
        return first
    prose = [column for column in texts if _is_prose(table, column)]
    label, text = _only(labels), _only(texts) or _only(prose)
    if label is not None and text is not None:
        return {"label": label, "text": text}
    return first if len(columns) == 2 else None


_LEAST_ROWS = 8


def _is_label(table: Table, column: Column) -> bool:
    """Whether the cells of a column repeat as labels do."""
    cells = _cells(table, column)
    return 1 <= len(set(cells)) <= len(cells) // 2


def _is_prose(table: Table, column: Column) -> bool:
    """Whether most cells of a column are of several words, or long."""
    cells = _cells(table, column)
    return 2 * sum(" " in cell or len(cell) > 30 for cell in cells) > len(cells)


def find_source_and_target(table: Table, given: Roles) -> Roles | None:
    """Return the columns of the source and the target: by their names, or else the first two."""
    columns = _columns(table)
    rest = [column for column in columns if column not in given.values()]
    if table.names is None:
        first, second = (rest[0], rest[1] if len(rest) > 1 else 2) if rest else (1, 2)
        if given:
            return {"source": first, "target": first}
        return {"source": first, "target": second}
    if given:
        one = _only(rest)
        return None if one is None else {"source": one, "target": one}
    names = list(table.names)
    pairs = [(a, b) for a in names for b in names if a != b and are_pair_names(_last(a), _last(b))]
    ordered = [pair for pair in pairs if _last(pair[0]).casefold() in _SOURCES] or [
        pair for pair in pairs if names.index(pair[0]) < names.index(pair[1])
    ]
    if len(ordered) == 1:
        source, target = (table.column(name, "source") for name in ordered[0])
        return {"source": source, "target": target}
    return {"source": columns[0], "target": columns[1]} if len(columns) == 2 else None


_SOURCES = ("source", "src", "input", "question", "source_text", "sentence1", "text")


def _last(name: str) -> str:
    """The name of a field within another."""
    return name.rpartition(".")[2]
