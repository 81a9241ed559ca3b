"""Compressed content as a stream: gzip, bzip2, xz and Zstandard, recognised by name or first bytes."""

import bz2
import gzip
import importlib
import lzma
from collections.abc import Callable, Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqkit.errors import MissingDependencyError

_BLOCK = 1 << 18
_ZSTD_BLOCK = 1 << 10
"""Compressed bytes at a time: they may become 32,000 times as many."""


class ChunkReader(RawIOBase):
    """A stream of the bytes that ``start()`` iterates over; to seek backwards, it starts again."""

    def __init__(self, start: Callable[[], Iterator[bytes]]) -> None:
        self._start, self._chunks = start, start()
        self._rest, self._position = memoryview(b""), 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes; return their number, 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest, self._position = self._rest[count:], self._position + count
        return count

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position: from the beginning (0), from here (1), or to the end (2, without an offset)."""
        target = offset + (self._position if whence == 1 else 0)
        if whence != 2 and target < self._position:
            self._chunks, self._rest, self._position = self._start(), memoryview(b""), 0
        block = memoryview(bytearray(_BLOCK))
        while whence == 2 or self._position < target:
            if not self.readinto(block if whence == 2 else block[: target - self._position]):
                break
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position


def stream_of(start: Callable[[], Iterator[bytes]]) -> BinaryIO:
    """Return a buffered stream of the bytes that ``start()`` iterates over."""
    return BufferedReader(ChunkReader(start), _BLOCK)


def _open_zstd(raw: BinaryIO, mode: str = "rb") -> BinaryIO:
    """Return the decompressed content of a file; the end of a file that is cut off raises EOFError.

    Raises:
        MissingDependencyError: Without Python 3.14 or the package zstandard.
    """
    try:
        return cast(BinaryIO, importlib.import_module("compression.zstd").open(raw, mode))
    except ImportError:
        pass
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise MissingDependencyError(
            "files compressed by zstd need zstandard, which is not installed",
            remedy="pip install 'seqkit[zstd]'",
        ) from error

    def blocks() -> Iterator[bytes]:
        raw.seek(0)
        frame, rest = None, b""
        try:
            while block := rest or raw.read(_ZSTD_BLOCK):
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(block)
                rest = b""
                if frame.eof:
                    rest, frame = frame.unused_data, None
        except zstandard.ZstdError as error:
            raise EOFError(str(error)) from error
        if frame is not None:
            raise EOFError("it ends before the end of its content")

    return stream_of(blocks)


COMPRESSED: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}
MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
"""The first bytes of a compressed file -> the usual suffix of its name."""


def plain_name(path: Path) -> str:
    """Return the file's name without the suffix of its compression.

    Example:
        >>> plain_name(Path("text/a.txt.gz")), plain_name(Path("text/a.txt"))
        ('a.txt', 'a.txt')
    """
    return path.stem if path.suffix in COMPRESSED else path.name


def decompressed(file: BinaryIO, name: str) -> BinaryIO:
    """Return the decompressed content of an open file; the file itself if it is not compressed.

    The file's name decides, or else its first bytes.
    """
    suffix = Path(name).suffix
    if suffix not in COMPRESSED:
        head = cast(BufferedReader, file).peek(max(map(len, MAGIC)))
        suffix = next((suffix for magic, suffix in MAGIC.items() if head.startswith(magic)), "")
    return cast(BinaryIO, COMPRESSED[suffix](file, "rb")) if suffix else file
