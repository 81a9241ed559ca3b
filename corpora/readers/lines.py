"""The lines of files with an example in each, of which bad ones may be left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from seqkit.errors import DataError, Remedy, UsageError
from seqkit.files.lines import BOM, open_bytes

MAX_EXAMPLE = 10_000
"""Characters of a line that is an example; a batch is as wide as its longest text."""
MAX_DOCUMENT = 1_000_000
"""Characters of a labelled text in a cell or a file of its own, whose tokens are cut to a greatest length."""

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


def numbered_lines(path: Path, *, longest: int = MAX_EXAMPLE) -> Iterator[tuple[int, str | BadLine]]:
    """Iterate over (number, line) without line ends; of an over-long line only the beginning is kept.

    Args:
        path: The file.
        longest: The most characters of a line.
    """
    most = 4 * longest + 5  # UTF-8 takes at most 4 bytes a character; a BOM and CRLF beside
    with open_bytes(path) as file:
        offset, number = 0, 0
        while raw := file.readline(most):
            number += 1
            start, offset = offset, offset + len(raw)
            whole = len(raw) < most or raw.endswith(b"\n")
            while not whole:
                rest = file.readline(most)
                offset += len(rest)
                whole = len(rest) < most or rest.endswith(b"\n")
                raw = raw[:most] + b" "  # too long in any case
            if number == 1 and raw.startswith(BOM):
                raw, start = raw[len(BOM) :], start + len(BOM)
            yield number, _decoded(path, raw, number, start, longest)


def _decoded(path: Path, raw: bytes, number: int, start: int, longest: int) -> str | BadLine:
    place = f"{path}, line {number}"
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        text = raw.decode() if len(raw) <= 4 * longest else None
    except UnicodeDecodeError as error:
        return BadLine(
            f"byte 0x{raw[error.start]:02x} is not UTF-8",
            f"{place}, byte {start + error.start}",
            "convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW",
        )
    if text is None or len(text) > longest:
        return BadLine(f"a line of more than {longest:,} characters", place, "cut it into sentences")
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
