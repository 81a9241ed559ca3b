"""Vector files as streams of bytes: decompressed by their content, failures as DataError with the byte."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

from seqkit.errors import DataError
from seqkit.files import atomic_writer
from seqkit.files.archives import open_member, split_member, with_member
from seqkit.files.compressed import COMPRESSED, MAGIC
from seqkit.files.lines import BOM
from seqkit.files.substitutes import HEAD, find_substitute, refuse_substitute
from seqkit.files.what_is import not_as_expected
from seqkit.progress import progress
from seqkit.vectors.formats.options import LIBRARY, Remedies

BLOCK = 4 << 20
LONGEST_LINE = 1 << 16


class Source:
    """A file, decompressed where it is compressed, or a member of an archive (``archive.zip:member``).

    ``position`` counts the bytes that were read. ``header_lines`` counts the lines before the first word, for
    error messages. ``size`` is the number of bytes in all, None for a compressed file, whose own size tells
    little.

    Args:
        path: The file.
        remedies: The advice in the errors.

    Raises:
        DataError: The file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], remedies: Remedies = LIBRARY) -> None:
        self.name, self.remedies = str(path), remedies
        self.position = 0
        self.header_lines = 0
        self._pushed = b""
        self._job = contextlib.ExitStack()
        if os.path.isdir(path):
            raise not_as_expected(path, f"{self.name} is no file of vectors", error=DataError)
        archive, member = split_member(with_member(Path(path)))
        try:
            self._raw: IO[bytes] = (
                open(path, "rb", buffering=0)  # noqa: SIM115  # closed by close()
                if member is None
                else open_member(archive, member)
            )
            head = self._raw.read(HEAD)
            self._raw.seek(0)
        except OSError as error:
            raise DataError(
                f"cannot read {self.name} ({error.strerror or error})", remedy="is the path right?"
            ) from error
        if head and find_substitute(head) is not None:
            self._raw.close()
            refuse_substitute(path, head)
        opener = next((COMPRESSED[MAGIC[magic]] for magic in MAGIC if head.startswith(magic)), None)
        self._stored = os.fstat(self._raw.fileno()).st_size if member is None else None
        self.size = self._stored if opener is None else None
        self._file: IO[bytes] = self._raw if opener is None else opener(self._raw, "rb")

    def __enter__(self) -> Source:
        position = self._raw.tell if self._file is not self._raw else lambda: self.position
        job = progress(f"reading {os.path.basename(self.name)}", self._stored, "B", position=position)
        self._job.enter_context(job)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._job.close()
        if self._file is not self._raw:
            self._file.close()
        self._raw.close()

    def fail(
        self, what: str, *, at: int | None = None, line: int | None = None, remedy: str | None = None
    ) -> NoReturn:
        """Raise DataError naming the file, the byte (of the decompressed stream) and the line."""
        where = f"{self.name}, " + (f"line {line}, " if line is not None else "")
        raise DataError(
            what,
            where=f"{where}byte {self.position if at is None else at}",
            remedy=remedy or self.remedies.other,
        )

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes; fewer only at the end."""
        pieces, missing = [], size
        if self._pushed:
            pieces.append(self._pushed[:size])
            self._pushed = self._pushed[size:]
            missing -= len(pieces[0])
        try:
            while missing:
                piece = self._file.read(min(missing, BLOCK))
                if not piece:
                    break
                pieces.append(piece)
                missing -= len(piece)
        except (EOFError, ValueError, struct.error, zlib.error, lzma.LZMAError, OSError) as error:
            self.fail(f"the compressed stream breaks off or is damaged ({error})")
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.position += len(data)
        return data

    def mapped(self) -> mmap.mmap | None:
        """Return the whole file as memory, where it is not compressed and not empty."""
        if not self.size:
            return None
        return mmap.mmap(self._raw.fileno(), 0, access=mmap.ACCESS_READ)

    def push_back(self, data: bytes) -> None:
        """Give ``data``, the bytes read last, out once more."""
        self._pushed = data + self._pushed
        self.position -= len(data)

    def peek(self, size: int) -> bytes:
        """Return the next bytes, left in place."""
        data = self.read(size)
        self.push_back(data)
        return data

    def skip_bom(self) -> None:
        """Pass over a byte-order mark, with which some editors begin a text."""
        if self.peek(len(BOM)) == BOM:
            self.read(len(BOM))

    def read_line(self, limit: int) -> bytes:
        """Return the next line with its line feed. DataError when it is longer than ``limit`` bytes."""
        start = self.position
        data = self.read(limit)
        end = data.find(b"\n") + 1
        if end == 0 and len(data) == limit:
            self.fail(f"no line ends within {limit} bytes", at=start)
        if end:
            self.push_back(data[end:])
            data = data[:end]
        return data


def numbered_lines(
    path: str | os.PathLike[str], encoding: str = "utf8", errors: str = "strict"
) -> Iterator[tuple[int, int, str]]:
    """Yield (line number, byte where it begins, text) of each line of a text file, without a BOM.

    Raises DataError for bytes that are not of the encoding and for lines of more than 64 KiB.
    """
    with Source(path) as source:
        source.skip_bom()
        number = 0
        while data := source.read_line(LONGEST_LINE):
            number += 1
            at = source.position - len(data)
            try:
                yield number, at, data.decode(encoding, errors)
            except UnicodeDecodeError as error:
                source.fail(
                    f"a byte that is not {encoding}",
                    at=at + error.start,
                    line=number,
                    remedy="convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW",
                )


@contextlib.contextmanager
def published(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file to write, seen under its name only when it is whole; .gz, .bz2 and .xz are compressed.

    Raises DataError when it cannot be written (disk full, no permission); an old file then stays as it was.
    """
    remedy, suffix = "free some space or choose another path", Path(path).suffix
    with contextlib.ExitStack() as stack:
        file: Any = stack.enter_context(atomic_writer(path, error=DataError, remedy=remedy, shared=True))
        if suffix == ".gz":  # no time and no name inside: the same vectors, the same bytes
            file = stack.enter_context(gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0))
        elif suffix == ".bz2":
            file = stack.enter_context(bz2.BZ2File(file, "wb"))
        elif suffix == ".xz":
            file = stack.enter_context(lzma.LZMAFile(file, "wb"))
        yield file


@contextlib.contextmanager
def appended(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file to write at its end. Raises DataError when it cannot be written."""
    try:
        with open(path, "ab") as file:
            yield file
    except OSError as error:
        raise DataError(
            f"cannot write {path} ({error.strerror or error})",
            remedy="free some space or choose another path",
        ) from error
