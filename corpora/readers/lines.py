"""The lines of a text file, streamed: plain or compressed, with or without a BOM, LF or CRLF.

:func:`read_lines` reads running text and refuses what it cannot read; :func:`numbered_lines` reads files with
an example in each line, of which bad ones may be left out.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqkit.errors import DataError, UsageError
from seqkit.text import UnfinishedLine

COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
MAX_LINE = 1_000_000
"""Characters. A longer "line" is a file without line ends, and would not fit a bounded memory."""
MAX_EXAMPLE = 10_000
"""Characters of a line that is an example; a batch is as wide as its longest text."""

_BLOCK = 1 << 19
_BOM = b"\xef\xbb\xbf"
_MAX_EXAMPLE_BYTES = 4 * MAX_EXAMPLE + 5  # UTF-8 takes at most 4 bytes a character; a BOM and CRLF beside
_REPORTED = 20


def plain_name(path: Path) -> str:
    """Return the file's name without the suffix of its compression."""
    return path.stem if path.suffix in COMPRESSED else path.name


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open the decompressed content, to be read and sought forward. Raises DataError naming the file."""
    try:
        opener = COMPRESSED.get(path.suffix)
        with cast(BinaryIO, opener(path, "rb") if opener else path.open("rb")) as file:
            yield file
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _unreadable(path, f"damaged compressed file ({error})") from error
    except OSError as error:
        raise _unreadable(path, f"cannot be read ({error.strerror or error})") from error


def _unreadable(path: Path, problem: str) -> DataError:
    return DataError(problem, where=str(path), remedy="check the file and its permissions, or fetch it again")


def content_size(path: Path) -> int:
    """Return the size of the decompressed content in bytes. Raises DataError for an empty file."""
    size = 0
    with open_bytes(path) as file:
        if path.suffix in COMPRESSED:
            while block := file.read(_BLOCK):
                size += len(block)
        else:
            size = file.seek(0, 2)
            file.seek(0)
        if size <= len(_BOM):
            file.seek(0)
            if file.read().removeprefix(_BOM) == b"":
                raise DataError("the file is empty", where=str(path), remedy="give a file with text in it")
    return size


def line_number(path: Path, position: int) -> int:
    """Return the number, from 1, of the line that holds the byte at ``position``. Reads the file up to it."""
    number = 1
    with open_bytes(path) as file:
        while position > 0 and (block := file.read(min(_BLOCK, position))):
            number += block.count(b"\n")
            position -= len(block)
    return number


def _decode(path: Path, block: bytes, offset: int) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        byte = offset + error.start
        head = block[:2] if offset == 0 else b""
        utf16 = head in (b"\xff\xfe", b"\xfe\xff")
        raise DataError(
            f"byte 0x{block[error.start]:02x} is not UTF-8",
            where=f"{path}, line {line_number(path, byte)}, byte {byte}",
            remedy=f"convert it: iconv -f {'UTF-16' if utf16 else 'LATIN1'} -t UTF-8 FILE > NEW",
        ) from None


def _too_long(path: Path, offset: int) -> DataError:
    return DataError(
        f"a line of more than {MAX_LINE:,} characters",
        where=f"{path}, line {line_number(path, offset)}, byte {offset}",
        remedy="break the text into lines (fold -s -w 1000 FILE > NEW)",
    )


def _check_lengths(path: Path, lines: list[str], offset: int) -> None:
    for line in lines:
        if len(line) > MAX_LINE:
            raise _too_long(path, offset)
        offset += len(line.encode()) + 1


def read_lines(path: Path, start: int = 0, stop: int | None = None) -> Iterator[str]:
    """Iterate over the lines of a text file, without their line ends, in bounded memory.

    Args:
        path: A file in UTF-8, compressed or not.
        start: The byte of the decompressed content to begin at.
        stop: The byte to stop before; inside a line, it makes the last line an UnfinishedLine.

    Raises:
        DataError: For text that is not UTF-8 and for a line of more than MAX_LINE characters, naming file,
            line and byte.

    """
    with open_bytes(path) as file:
        file.seek(start)
        offset = start
        carry = b""
        if start == 0:
            carry = file.read(len(_BOM) if stop is None else min(stop, len(_BOM)))
            position = len(carry)
            if carry == _BOM:
                carry, offset = b"", len(_BOM)
        else:
            position = start
        while True:
            block = file.read(_BLOCK if stop is None else min(_BLOCK, stop - position))
            position += len(block)
            whole = carry + block
            cut = whole.rfind(b"\n") + 1 if block else len(whole)
            carry = whole[cut:]
            if len(carry) > 4 * MAX_LINE:  # UTF-8 takes at most 4 bytes a character
                raise _too_long(path, offset + cut)
            if cut:
                text = _decode(path, whole[:cut], offset)
                lines = text.split("\n")
                last = lines.pop()
                if cut > MAX_LINE:
                    _check_lengths(path, [*lines, last], offset)
                if "\r" in text:
                    lines = [line.removesuffix("\r") for line in lines]
                yield from lines
                if last:
                    yield last.removesuffix("\r") if stop is None else UnfinishedLine(last)
                offset += cut
            if not block:
                return


# Lines that are examples


@dataclass(frozen=True)
class BadLine:
    """A line that is not an example: the reason, where it stands (file, line, byte), and the remedy."""

    reason: str
    place: str
    remedy: str


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
            if number == 1 and raw.startswith(_BOM):
                raw, start = raw[len(_BOM) :], start + len(_BOM)
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
    """What to do about bad lines: raise DataError for the first, or count all and keep the first ones.

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

    def examples(self, rows: Iterator[Row], *, again: bool = False) -> Iterator[tuple[str, str]]:
        """Iterate over the examples among ``rows``; ``again`` for a pass after the one that counted."""
        for number, row in rows:
            if not isinstance(row, BadLine):
                yield row
            elif self.on_bad_line == "error":
                remedy = f"{row.remedy}, or leave out bad lines: --on-bad-line skip"
                raise DataError(row.reason, where=row.place, remedy=remedy)
            elif not again:
                self.count += 1
                if len(self.first) < _REPORTED:
                    self.first.append((number, row.reason))
