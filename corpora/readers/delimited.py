"""Tables of lines: CSV with quotes, tabs between columns, and a label before a text."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from seqkit.corpora.readers.headers import is_header
from seqkit.corpora.readers.lines import MAX_EXAMPLE, BadLine, numbered_lines
from seqkit.corpora.readers.rows import MAX_ROW, SAMPLE_ROWS, Cells, Column, Table
from seqkit.errors import DataError, Remedy
from seqkit.files.text_content import refuse_other_formats

Rows = Iterator[tuple[int, list[str] | BadLine]]

csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))  # one limit for the process: raised, never lowered


class DelimitedTable(Table):
    """A table whose first row may have the names of the columns.

    Args:
        path: The file, or ``archive.zip:member``.
        header: Whether the first row has the names; None decides by its cells.
        asked: Names of columns that are asked for, which only a header row gives.
    """

    def __init__(self, path: Path, header: bool | None, asked: Sequence[str] = ()) -> None:
        super().__init__(path)
        refuse_other_formats(path, columns=2)
        self._learn_form()
        rows = [row for _, row in islice(self.rows(), SAMPLE_ROWS + 1)]
        sample = [row for row in rows if isinstance(row, list)]
        first = tuple(name.strip() for name in rows[0]) if rows and isinstance(rows[0], list) else ()
        if header is None:
            header = bool(asked and set(asked) & set(first)) or is_header(first, sample[1:])
        elif header and not first:
            raise DataError("expected a header row, got no row", where=str(path))
        elif header is False and asked:
            raise DataError(
                f"expected the number of a column, got the name {asked[0]!r}, but there is no header row",
                where=str(path),
                remedy=Remedy("leave header=False out", command="leave out --no-header"),
            )
        self.names = first if header else None
        self.sample = tuple(map(tuple, sample[header:]))

    def _learn_form(self) -> None:
        """Find out what :meth:`rows` must know."""

    def rows(self) -> Rows:
        """Iterate over the rows, the header row included."""
        raise NotImplementedError

    def _by_name(self, name: str) -> Column:
        assert self.names is not None
        return self.names.index(name) + 1

    def _by_number(self, number: int) -> Column:
        return number

    def cells(self, columns: Mapping[str, Column]) -> Iterator[Cells]:
        """Iterate over the cells of some columns, which are given by their role."""
        positions = [int(column) - 1 for column in columns.values()]
        named, needed = self.names is not None, max(positions) + 1
        for number, row in self.rows():
            if named:
                named = False
            elif isinstance(row, BadLine):
                yield number, row
            elif len(row) < needed:
                yield number, self._too_few(row, columns, self.place(number))
            else:
                yield number, tuple([row[position] for position in positions])

    def _too_few(self, row: list[str], columns: Mapping[str, Column], place: str) -> BadLine:
        remedy = " and ".join(f"the {role} in column {column}" for role, column in columns.items())
        return BadLine(f"only {len(row)} column{'s' * (len(row) > 1)}", place, f"write {remedy}")


class LineTable(DelimitedTable):
    """A table with a row in each line.

    Args:
        path: The file, or ``archive.zip:member``.
        header: Whether the first row has the names; None decides by its cells.
        asked: Names of columns that are asked for.
        split: Cuts a line into cells.
        separator: What stands between the cells, for messages.
        longest: The most characters of a line.
    """

    form = "a table with tabs"

    def __init__(
        self,
        path: Path,
        header: bool | None,
        asked: Sequence[str] = (),
        *,
        split: Callable[[str], list[str]] = lambda line: line.split("\t"),
        separator: str = "tab",
        longest: int = MAX_EXAMPLE,
    ) -> None:
        self._split, self._separator, self._longest = split, separator, longest
        super().__init__(path, header, asked)

    def rows(self) -> Rows:
        """Iterate over the lines, cut into cells."""
        for number, line in numbered_lines(self.path, longest=self._longest):
            yield number, line if isinstance(line, BadLine) else self._split(line)

    def _too_few(self, row: list[str], columns: Mapping[str, Column], place: str) -> BadLine:
        bad = super()._too_few(row, columns, place)
        if len(row) > 1:
            return bad
        return BadLine(f"no {self._separator} between {' and '.join(columns)}", place, bad.remedy)


class CsvTable(DelimitedTable):
    """A CSV table: cells may be quoted, and quoted cells may be of several lines (RFC 4180)."""

    form = "a CSV table"
    DELIMITERS = ",;|\t"

    _delimiter, _columns = ",", 0

    def _learn_form(self) -> None:
        self._delimiter = self._sniffed()
        self._columns = len(next((row for _, row in self.rows() if isinstance(row, list)), []))

    @property
    def reading(self) -> tuple[object, ...]:
        """How the rows come from the file, beside its content and the columns."""
        return (self.form, self._delimiter, self.names is not None)

    def _sniffed(self) -> str:
        """The delimiter that cuts each of the first rows into as many columns: a comma if several do."""
        fitting = []
        for delimiter in self.DELIMITERS:
            self._delimiter = delimiter
            rows = [row for _, row in islice(self.rows(), SAMPLE_ROWS) if isinstance(row, list) and row]
            widths = {len(row) for row in rows}
            if len(widths) == 1 and widths != {1}:
                fitting.append(delimiter)
        return fitting[0] if len(fitting) == 1 else ","

    def rows(self) -> Rows:
        """Iterate over the rows with the number of the line where each begins."""
        bad: dict[int, BadLine] = {}
        pulled, ended = 0, False

        def lines() -> Iterator[str]:
            nonlocal pulled, ended
            for number, line in numbered_lines(self.path, longest=MAX_ROW // 4):
                if isinstance(line, BadLine):
                    bad[number] = line
                    line = ""
                pulled += 1
                yield line + "\n"
            ended = True

        reader = csv.reader(lines(), delimiter=self._delimiter)
        while True:
            start, number = pulled, pulled + 1
            place = f"{self.path}, line {number}"
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                old = "new-line" in str(error)
                yield (
                    number,
                    BadLine(
                        "line ends of a lone carriage return" if old else f"no CSV ({error})",
                        place,
                        "convert them: tr '\\r' '\\n' < FILE > NEW"
                        if old
                        else "close the quotes in this row",
                    ),
                )
                continue
            broken = next((bad.pop(n) for n in range(number, pulled + 1) if n in bad), None)
            if broken:
                yield number, broken
            elif ended and pulled > start:
                yield number, BadLine("a quote that is not closed", place, "close it, or double it in a text")
            elif row and self._columns and len(row) != self._columns:
                reason = f"expected {self._columns} columns as in the first row, got {len(row)}"
                yield number, BadLine(reason, place, "put a text with commas or line ends in quotes")
            elif row or self._columns == 1:
                yield number, row or [""]
