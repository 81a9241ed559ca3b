"""The lines of text files, streamed: plain or compressed, with or without a byte-order mark, LF or CRLF."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqkit.errors import DataError
from seqkit.files.substitutes import HEAD, refuse_substitute

COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz"}
"""The first bytes of a compressed file -> the usual suffix of its name."""
BOM = b"\xef\xbb\xbf"
MAX_LINE = 1_000_000
"""Characters. A longer "line" is a file without line ends, and would not fit a bounded memory."""

_BLOCK = 1 << 19


class UnfinishedLine(str):
    """A line that was cut inside: no end of line follows it.

    The last line of a split that was cut by characters, and the pieces of an overlong line but for its last.
    """

    __slots__ = ()


def plain_name(path: Path) -> str:
    """Return the file's name without the suffix of its compression."""
    return path.stem if path.suffix in COMPRESSED else path.name


def _compression(path: Path, file: BufferedReader) -> str:
    """The suffix of a file's compression, by its name or else its first bytes; "" for none."""
    if path.suffix in COMPRESSED:
        return path.suffix
    head = file.peek(max(map(len, MAGIC)))
    return next((suffix for magic, suffix in MAGIC.items() if head.startswith(magic)), "")


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open the decompressed content, to be read and sought forward. Raises DataError naming the file."""
    try:
        with path.open("rb") as raw:
            refuse_substitute(path, raw.peek(HEAD)[:HEAD], may_be_empty=True)
            opener = COMPRESSED.get(_compression(path, raw))
            with cast(BinaryIO, opener(raw, "rb") if opener else raw) as file:
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
        if isinstance(file, BufferedReader):
            size = file.seek(0, 2)
            file.seek(0)
        else:
            while block := file.read(_BLOCK):
                size += len(block)
        if size <= len(BOM):
            file.seek(0)
            if file.read().removeprefix(BOM) == b"":
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


def read_lines(
    path: Path, start: int = 0, stop: int | None = None, *, cut_long: bool = False
) -> Iterator[str]:
    """Iterate over the lines of a text file, without their line ends, in bounded memory.

    Args:
        path: A file in UTF-8, compressed or not.
        start: The byte of the decompressed content to begin at.
        stop: The byte to stop before; inside a line, it makes the last line an UnfinishedLine.
        cut_long: Whether a line of more than MAX_LINE characters is cut behind blanks, into an UnfinishedLine
            for each piece but the last.

    Raises:
        DataError: For text that is not UTF-8 and, unless they are cut, for a line of more than MAX_LINE
            characters, naming file, line and byte.
    """
    with open_bytes(path) as file:
        file.seek(start)
        offset = start
        carry = b""
        if start == 0:
            carry = file.read(len(BOM) if stop is None else min(stop, len(BOM)))
            position = len(carry)
            if carry == BOM:
                carry, offset = b"", len(BOM)
        else:
            position = start
        while True:
            block = file.read(_BLOCK if stop is None else min(_BLOCK, stop - position))
            position += len(block)
            whole = carry + block
            cut = whole.rfind(b"\n") + 1 if block else len(whole)
            carry = whole[cut:]
            if len(carry) > 4 * MAX_LINE and not cut_long:  # UTF-8 takes at most 4 bytes a character
                raise _too_long(path, offset + cut)
            if cut:
                text = _decode(path, whole[:cut], offset)
                lines = text.split("\n")
                last = lines.pop()
                if cut > MAX_LINE and not cut_long:
                    _check_lengths(path, [*lines, last], offset)
                if "\r" in text:
                    lines = [line.removesuffix("\r") for line in lines]
                yield from lines
                if last:
                    yield last.removesuffix("\r") if stop is None else UnfinishedLine(last)
                offset += cut
            while cut_long and len(carry) > MAX_LINE:
                size = _piece_size(carry)
                yield UnfinishedLine(_decode(path, carry[:size], offset))
                carry, offset = carry[size:], offset + size
            if not block:
                return


def _piece_size(line: bytes) -> int:
    """The bytes of the first piece of an overlong line: behind a blank, or else before a character."""
    size = line.rfind(b" ", 0, MAX_LINE) + 1 or MAX_LINE
    while size and line[size] & 0xC0 == 0x80:  # within a character
        size -= 1
    return size or MAX_LINE
