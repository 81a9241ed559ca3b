"""The lines of text files, streamed: plain or compressed, with or without a byte-order mark, LF or CRLF."""

import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from seqkit.errors import DataError
from seqkit.files.archives import open_member, split_member, with_member
from seqkit.files.compressed import decompressed, stream_of
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.progress import Job, progress

BOM = b"\xef\xbb\xbf"
MAX_LINE = 1_000_000
"""Characters. A longer "line" is a file without line ends, and would not fit a bounded memory."""

_BLOCK = 1 << 19


class UnfinishedLine(str):
    """A line that was cut inside: no end of line follows it.

    The last line of a split that was cut by characters, and the pieces of an overlong line but for its last.
    """

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class DerivedText:
    """The text of a file in another form: a column of a table, or its paragraphs as lines.

    Args:
        name: For messages.
        file: The file.
        lines: Starts a pass over its lines, without line ends; one may be of several lines.
        reading: How the lines come from the file, beside its content; part of a corpus's content key.
    """

    name: str
    file: Path
    lines: Callable[[], Iterator[str]]
    reading: tuple[object, ...]

    def __str__(self) -> str:
        return self.name

    def blocks(self) -> Iterator[bytes]:
        """Iterate over the text in blocks of about half a megabyte, each line with its end."""
        block: list[str] = []
        size = 0
        for line in self.lines():
            block.append(line)
            size += len(line) + 1
            if size > _BLOCK:
                yield "\n".join((*block, "")).encode(errors="replace")
                block, size = [], 0
        yield "\n".join((*block, "")).encode(errors="replace")


Source = Path | DerivedText
"""A text: a file, compressed or not, ``archive.zip:member``, or what is derived from a file."""


@contextmanager
def open_bytes(source: Source) -> Iterator[BinaryIO]:
    """Open the decompressed content, to be read and sought forward. Raises DataError naming the file."""
    if isinstance(source, DerivedText):
        with stream_of(source.blocks) as stream:
            yield stream
        return
    try:
        with ExitStack() as stack:
            archive, member = split_member(with_member(source))
            raw: BinaryIO
            if member is None:
                raw = file = stack.enter_context(archive.open("rb"))
                refuse_substitute(archive, file.peek(HEAD)[:HEAD], may_be_empty=True)
                stack.enter_context(_reading(archive, file.fileno()))
            else:
                raw = stack.enter_context(open_member(archive, member))
            yield stack.enter_context(decompressed(raw, member or archive.name))
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _unreadable(source, f"damaged compressed file ({error})") from error
    except OSError as error:
        raise _unreadable(source, f"cannot be read ({error.strerror or error})") from error


def _reading(path: Path, descriptor: int) -> AbstractContextManager[Job]:
    """Return the job of reading a file, whose progress is the position in it, compressed or not."""
    size = os.fstat(descriptor).st_size  # 0 of a pipe
    position = partial(os.lseek, descriptor, 0, os.SEEK_CUR)  # holds no file that outlives its reader
    return progress(f"reading {path.name}", size or None, "B", position=position)


def _unreadable(path: Source, problem: str) -> DataError:
    return DataError(problem, where=str(path), remedy="check the file and its permissions, or fetch it again")


def content_size(path: Source) -> int:
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


def line_number(path: Source, position: int) -> int:
    """Return the number, from 1, of the line that holds the byte at ``position``. Reads the file up to it."""
    number = 1
    with open_bytes(path) as file:
        while position > 0 and (block := file.read(min(_BLOCK, position))):
            number += block.count(b"\n")
            position -= len(block)
    return number


def _decode(path: Source, block: bytes, offset: int) -> str:
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


def _too_long(path: Source, offset: int) -> DataError:
    return DataError(
        f"a line of more than {MAX_LINE:,} characters",
        where=f"{path}, line {line_number(path, offset)}, byte {offset}",
        remedy="break the text into lines (fold -s -w 1000 FILE > NEW)",
    )


def _check_lengths(path: Source, lines: list[str], offset: int) -> None:
    for line in lines:
        if len(line) > MAX_LINE:
            raise _too_long(path, offset)
        offset += len(line.encode()) + 1


def read_lines(
    path: Source, start: int = 0, stop: int | None = None, *, cut_long: bool = False
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
