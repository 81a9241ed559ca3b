"""TMX: translation memories, units of segments in several languages (LISA's TMX 1.4b), read as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from xml.parsers import expat

from seqkit.corpora.readers.lines import BadLine
from seqkit.corpora.readers.rows import MAX_ROW, SAMPLE_ROWS, Cells, Column, Table
from seqkit.errors import DataError
from seqkit.files.lines import open_bytes

_BLOCK = 1 << 16
_CODES = frozenset(("bpt", "ept", "it", "ph", "ut", "sub"))
"""Elements inside a segment whose content is formatting, not text."""


class TmxTable(Table):
    """The units of a translation memory; the columns are the languages.

    Raises:
        DataError: For a file that is no TMX, or without a unit of two languages.
    """

    form = "a translation memory (TMX)"
    unit = "unit"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._first = ""
        units = [unit for _, unit in islice(self._units(), SAMPLE_ROWS)]
        names = list(dict.fromkeys(name for unit in units for name in unit))
        names.sort(key=lambda name: name != self._first)
        if len(names) < 2:
            raise DataError(
                f"expected units of two languages, got {', '.join(names) or 'none'}",
                where=str(path),
                remedy="give a translation memory (TMX) with <tu> of two <tuv>",
            )
        self.names = tuple(names)
        self.sample = tuple(tuple(unit.get(name, "") for name in names) for unit in units)

    def _alias(self, name: str) -> str:
        """A language by its beginning, such as en for en-us, where it is the only one."""
        known = [each for each in self.names or () if each.split("-")[0] == name.lower()]
        return known[0] if len(known) == 1 else name.lower()

    def column(self, column: Column, role: str) -> Column:
        """Return the language that was asked for; "en" stands for the only one of en-us, en-gb."""
        return super().column(self._alias(column) if isinstance(column, str) else column, role)

    def cells(self, columns: Mapping[str, Column]) -> Iterator[Cells]:
        """Iterate over the segments of some languages, which are given by their role."""
        for number, unit in self._units():
            missing = next((name for name in columns.values() if name not in unit), None)
            if missing is not None:
                reason = f"no segment in {missing!r}"
                yield number, BadLine(reason, self.place(number), "write it, or delete the unit")
            else:
                yield number, tuple(unit[str(name)] for name in columns.values())

    def _units(self) -> Iterator[tuple[int, dict[str, str]]]:
        reader = _Reader()
        number = 0
        with open_bytes(self.path) as file:
            done = False
            while not done:
                block = file.read(_BLOCK)
                done = not block
                try:
                    reader.parser.Parse(block, done)
                except expat.ExpatError as error:
                    raise self._broken(expat.ErrorString(error.code), error.lineno) from None
                except _Refused as error:
                    raise self._broken(str(error), reader.parser.CurrentLineNumber) from None
                except UnicodeError:
                    raise self._broken("an unknown encoding", 1) from None
                self._first = self._first or reader.source
                for unit in reader.units:
                    number += 1
                    yield number, unit
                reader.units.clear()

    def _broken(self, reason: str, line: int) -> DataError:
        remedy = "see to this line, or export the memory again"
        return DataError(f"no TMX ({reason})", where=f"{self.path}, line {line}", remedy=remedy)


class _Refused(Exception):
    """Content that no translation memory has."""


class _Reader:
    """The handlers of the XML parser, which collect finished units."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity
        self.units: list[dict[str, str]] = []
        self.source = ""
        self._root, self._unit, self._language = "", {}, ""  # type: tuple[str, dict[str, str], str]
        self._segment: list[str] | None = None
        self._size = self._codes = 0

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        if not self._root:
            self._root = name
            if name != "tmx":
                raise _Refused(f"it begins with <{name[:20]}>, not with <tmx>")
        elif name == "header":
            self.source = attributes.get("srclang", "").lower()
        elif name == "tu":
            self._unit = {}
        elif name == "tuv":
            self._language = (attributes.get("xml:lang") or attributes.get("lang") or "").lower()
        elif name == "seg":
            self._segment, self._size, self._codes = [], 0, 0
        elif name in _CODES:
            self._codes += 1

    def _end(self, name: str) -> None:
        if name == "tu" and self._unit:
            self.units.append(self._unit)
        elif name == "seg" and self._segment is not None:
            if self._language:
                self._unit.setdefault(self._language, " ".join("".join(self._segment).split()))
            self._segment = None
        elif name in _CODES:
            self._codes -= 1

    def _text(self, text: str) -> None:
        if self._segment is not None and not self._codes:
            self._size += len(text)
            if self._size > MAX_ROW:
                raise _Refused("a segment of more than 16 million characters")
            self._segment.append(text)

    def _entity(self, *_: object) -> None:
        raise _Refused("a declaration of entities")
