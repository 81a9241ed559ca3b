"""The lines of files with an example in each, of which bad ones may be left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from seqkit.errors import DataError, Remedy, UsageError
from seqkit.files.lines import BOM, open_bytes

MAX_EXAMPLE = 10_000
"""Characters of a line that is an example; a batch is as wide as its longest text."""

_MAX_EXAMPLE_BYTES = 4 * MAX_EXAMPLE + 5  # UTF-8 takes at most 4 bytes a character; a BOM and CRLF beside
_REPORTED = 20


@dataclass(frozen=True)
class BadLine:
    """A line that is not an example: the reason, its place (file, line, byte), and the remedy."""

    reason: str
    place: str
    remedy: str


Example = TypeVar("Example")
Row = tuple[int, tuple[str, str] | BadLine]
"""A line's number, from 1, and its example."""


def numbered_lines(path: Path) -> Iterator[tuple[int, str | BadLine]]:
    """Iterate over (number, line) without line ends; of an over-long line only the beginning is kept."""
    with open_bytes(path) as file:
        offset, number = 0, 0
        while raw := file.readline(_MAX_EXAMPLE_BYTES):
            number += 1
            start, offset = offset, offset + len(raw)
            whole = len(raw) < _MAX_EXAMPLE_BYTES or raw.endswith(b"\n")
            while not whole:
                rest = file.readline(_MAX_EXAMPLE_BYTES)
                offset += len(rest)
                whole = len(rest) < _MAX_EXAMPLE_BYTES or rest.endswith(b"\n")
                raw = raw[:_MAX_EXAMPLE_BYTES] + b" "  # too long in any case
            if number == 1 and raw.startswith(BOM):
                raw, start = raw[len(BOM) :], start + len(BOM)
            yield number, _decode_example(path, raw, number, start)


def _decode_example(path: Path, raw: bytes, number: int, start: int) -> str | BadLine:
    place = f"{path}, line {number}"
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        text = raw.decode() if len(raw) <= 4 * MAX_EXAMPLE else None
    except UnicodeDecodeError as error:
        return BadLine(
            f"byte 0x{raw[error.start]:02x} is not UTF-8",
            f"{place}, byte {start + error.start}",
            "convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW",
        )
    if text is None or len(text) > MAX_EXAMPLE:
        return BadLine(f"a line of more than {MAX_EXAMPLE:,} characters", place, "cut it into sentences")
    return text


class BadLines:
    """The treatment of bad lines: raise DataError for the first, or count all and keep the first ones.

    Args:
        on_bad_line: "error" or "skip".

    Raises:
        UsageError: For another value.
    """

    def __init__(self, on_bad_line: str) -> None:
        if on_bad_line not in ("error", "skip"):
            raise UsageError(f"expected on_bad_line error or skip, got {on_bad_line!r}")
        self.on_bad_line = on_bad_line
        self.first: list[tuple[int, str]] = []
        self.count = 0

    def examples(
        self, rows: Iterator[tuple[int, Example | BadLine]], *, again: bool = False
    ) -> Iterator[Example]:
        """Iterate over the examples among ``rows``; ``again`` for a pass after the one that counted."""
        for number, row in rows:
            if not isinstance(row, BadLine):
                yield row
            elif self.on_bad_line == "error":
                remedy = Remedy(
                    f'{row.remedy}, or leave out bad lines: on_bad_line="skip"',
                    command=f"{row.remedy}, or leave out bad lines: --on-bad-line skip",
                )
                raise DataError(row.reason, where=row.place, remedy=remedy)
            elif not again:
                self.count += 1
                if len(self.first) < _REPORTED:
                    self.first.append((number, row.reason))
