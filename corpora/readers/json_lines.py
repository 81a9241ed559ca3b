"""JSON lines: an object in each line; or a JSON document that is a list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from seqkit.corpora.readers.lines import BadLine, numbered_lines
from seqkit.corpora.readers.rows import (
    MAX_ROW,
    SAMPLE_ROWS,
    Cells,
    Column,
    Table,
    record_cells,
    record_sample,
)
from seqkit.errors import DataError
from seqkit.files.lines import open_bytes
from seqkit.files.text_content import refuse_other_formats

_MAX_DOCUMENT = 64 << 20
"""Bytes. A document is read at once, which takes some ten times its size."""


class JsonTable(Table):
    """Objects, one in each line, or all in one list.

    Raises:
        DataError: For a file without an object at its beginning.
    """

    form = "JSON lines"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        refuse_other_formats(path, columns=0)
        self._document = self._is_document()
        if self._document:
            self.form, self.unit = "a list of JSON", "item"
        rows = list(islice(self._records(), SAMPLE_ROWS))
        records = [record for _, record in rows if not isinstance(record, BadLine)]
        if not records:
            bad = next((record for _, record in rows if isinstance(record, BadLine)), None)
            raise DataError(
                "expected JSON lines, an object in each" if bad is None else bad.reason,
                where=str(path) if bad is None else bad.place,
                remedy='write lines such as {"text": "…", "label": "…"}',
            )
        self.names, self.sample = record_sample(records)

    def _is_document(self) -> bool:
        with open_bytes(self.path) as file:
            head = file.read(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip()
        return head[:1] == b"["

    def cells(self, columns: Mapping[str, Column]) -> Iterator[Cells]:
        """Iterate over the cells of some columns, which are given by their role."""
        for number, record in self._records():
            if not isinstance(record, BadLine):
                yield number, record_cells(record, columns, self.place(number))
            else:
                yield number, record

    def _records(self) -> Iterator[tuple[int, Mapping[str, Any] | BadLine]]:
        if self._document:
            yield from enumerate(self._items(), start=1)
            return
        for number, line in numbered_lines(self.path, longest=MAX_ROW // 4):
            if isinstance(line, BadLine):
                yield number, line
            elif line.strip():
                yield number, self._parsed(line, self.place(number))

    def _parsed(self, text: str, place: str) -> Mapping[str, Any] | BadLine:
        try:
            record = json.loads(text, object_pairs_hook=_object)
        except _Twice as error:
            return BadLine(f"the field {str(error)!r} twice in one object", place, "leave one of them")
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or "nested too deeply, or a number too long"
            return BadLine(f"no JSON ({reason})", place, "write one object a line")
        if isinstance(record, dict):
            return record
        return BadLine(f"expected a JSON object, got {_noun(record)}", place, "write one object a line")

    def _items(self) -> Iterator[Mapping[str, Any] | BadLine]:
        with open_bytes(self.path) as file:
            data = file.read(_MAX_DOCUMENT + 1)
        remedy = "write one object a line (.jsonl)"
        if len(data) > _MAX_DOCUMENT:
            raise DataError("a JSON document of more than 64 MiB", where=str(self.path), remedy=remedy)
        try:
            items = json.loads(data, object_pairs_hook=_object)
        except _Twice as error:
            raise DataError(f"the field {str(error)!r} twice in one object", where=str(self.path)) from None
        except (ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            where = str(self.path) if line is None else f"{self.path}, line {line}"
            reason = getattr(error, "msg", None) or "not UTF-8, or nested too deeply"
            raise DataError(f"no JSON ({reason})", where=where, remedy=remedy) from None
        for number, item in enumerate(items, start=1):
            if isinstance(item, dict):
                yield item
            else:
                place = self.place(number)
                yield BadLine(
                    f"expected a JSON object, got {_noun(item)}", place, "write objects in the list"
                )


class _Twice(Exception):
    """A field that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return record


def _noun(value: Any) -> str:
    nouns = {list: "a list", str: "a string", bool: "a truth value", int: "a number", float: "a number"}
    return nouns.get(type(value), "null")
