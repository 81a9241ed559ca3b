"""Lines of a text file, streamed: plain or compressed, with or without a BOM, LF or CRLF."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqkit.errors import DataError
from seqkit.text import UnfinishedLine

COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
MAX_LINE = 1_000_000
"""Characters. A longer "line" is a file without line ends, and would not fit a bounded memory."""

_BLOCK = 1 << 19
_BOM = b"\xef\xbb\xbf"


def plain_name(path: Path) -> str:
    """The file's name without the suffix of its compression."""
    return path.stem if path.suffix in COMPRESSED else path.name


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """The decompressed content, for reading and for seeking forward. Raises DataError naming the file."""
    try:
        opener = COMPRESSED.get(path.suffix)
        with cast(BinaryIO, opener(path, "rb") if opener else path.open("rb")) as file:
            yield file
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _unreadable(path, f"damaged compressed file ({error})") from error
    except OSError as error:
        raise _unreadable(path, f"cannot be read ({error.strerror or error})") from error


def _unreadable(path: Path, what: str) -> DataError:
    return DataError(what, where=str(path), remedy="check the file and its permissions, or fetch it again")


def content_size(path: Path) -> int:
    """Bytes of the decompressed content. Raises DataError for a file with none."""
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
    """The line, from 1, that holds the byte at ``position`` of the content. Reads the file up to it."""
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
    """The lines of the content's bytes ``start`` to ``stop``, without their line ends, in bounded memory.

    A ``stop`` inside a line makes the last one an UnfinishedLine. Raises DataError naming file, line and
    byte for text that is not UTF-8 and for a line of more than MAX_LINE characters.
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
