"""Vector files as streams of bytes: gzip and bz2 opened by content, failures as DataError with the byte."""

from __future__ import annotations

import bz2
import contextlib
import gzip
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

BLOCK = 4 << 20
_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File}


class Source:
    """A file, decompressed where it is compressed; ``position`` counts the bytes given out.

    ``header_lines`` counts the lines before the first word, for error messages.
    ``size`` is the number of bytes there will be, None for a compressed file, whose own size tells little.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = str(path)
        self.position = 0
        self.header_lines = 0
        self._pushed = b""
        try:
            self._raw: IO[bytes] = open(path, "rb", buffering=0)  # noqa: SIM115  # closed by close()
            head = self._raw.read(3)
            self._raw.seek(0)
        except OSError as error:
            raise DataError(
                f"cannot read {self.name} ({error.strerror or error})", remedy="is the path right?"
            ) from error
        opener = next((o for magic, o in _OPENERS.items() if head.startswith(magic)), None)
        self.size = os.fstat(self._raw.fileno()).st_size if opener is None else None
        if opener is gzip.GzipFile:
            self._file: Any = gzip.GzipFile(fileobj=self._raw)
        else:
            self._file = self._raw if opener is None else opener(self._raw)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
            remedy=remedy or "the file is damaged or of another format: copy it anew, or name its format",
        )

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end."""
        parts, missing = [], size
        if self._pushed:
            parts.append(self._pushed[:size])
            self._pushed = self._pushed[size:]
            missing -= len(parts[0])
        try:
            while missing:
                part = self._file.read(min(missing, BLOCK))
                if not part:
                    break
                parts.append(part)
                missing -= len(part)
        except (EOFError, ValueError, struct.error, zlib.error, OSError) as error:
            self.fail(f"the compressed stream breaks off or is damaged ({error})")
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self.position += len(data)
        return data

    def mapped(self) -> mmap.mmap | None:
        """The whole file as memory, where it is not compressed and not empty."""
        if not self.size:
            return None
        return mmap.mmap(self._raw.fileno(), 0, access=mmap.ACCESS_READ)

    def push_back(self, data: bytes) -> None:
        """Give ``data``, the bytes read last, out once more."""
        self._pushed = data + self._pushed
        self.position -= len(data)

    def peek(self, size: int) -> bytes:
        """The next bytes, left in place."""
        data = self.read(size)
        self.push_back(data)
        return data

    def read_line(self, limit: int) -> bytes:
        """The next line with its line feed. DataError when it is longer than ``limit`` bytes."""
        start = self.position
        data = self.read(limit)
        end = data.find(b"\n") + 1
        if end == 0 and len(data) == limit:
            self.fail(f"no line ends within {limit} bytes", at=start)
        if end:
            self.push_back(data[end:])
            data = data[:end]
        return data


@contextlib.contextmanager
def published(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write, seen under its name only when it is whole; .gz and .bz2 are compressed.

    Raises DataError when it cannot be written (disk full, no permission); an old file then stays as it was.
    """
    remedy, suffix = "free some space or choose another path", Path(path).suffix
    with contextlib.ExitStack() as stack:
        file: Any = stack.enter_context(atomic_writer(path, error=DataError, remedy=remedy, shared=True))
        if suffix == ".gz":  # no time and no name inside: the same vectors, the same bytes
            file = stack.enter_context(gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0))
        elif suffix == ".bz2":
            file = stack.enter_context(bz2.BZ2File(file, "wb"))
        yield file


@contextlib.contextmanager
def appended(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write at its end. Raises DataError when it cannot be written."""
    try:
        with open(path, "ab") as file:
            yield file
    except OSError as error:
        raise DataError(
            f"cannot write {path} ({error.strerror or error})",
            remedy="free some space or choose another path",
        ) from error
