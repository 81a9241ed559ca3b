"""Members of zip and tar archives, named ``archive.zip:member``: read in place, never unpacked to disk."""

import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from seqkit.errors import DataError
from seqkit.files.compressed import decompressed, stream_of

_SUFFIXES = r"\.zip|\.tar|\.tgz|\.tbz2?|\.txz|\.tar\.(?:gz|bz2|xz|zst)"
_ARCHIVE = re.compile(rf".+({_SUFFIXES})", re.I | re.S)
_MEMBER = re.compile(rf"(.+?(?:{_SUFFIXES})):(.+)", re.I | re.S)
_BESIDE = re.compile(r"_?(read\s*me|about|licen[cs]e|copying|notice)\b.*", re.I)
"""Files that come with the data in an archive and are none."""
_MOST_MEMBERS = 100_000
_BLOCK = 1 << 18
_LONGEST_READ = 16 << 20
"""Bytes that the header of a tar's member may ask for; a damaged one would ask for all memory."""
_SHOWN = 4


def is_archive(path: Path) -> bool:
    """Return whether a file's name is that of an archive."""
    return _ARCHIVE.fullmatch(path.name) is not None


def split_member(path: Path) -> tuple[Path, str | None]:
    """Return the archive and its member for ``archive.zip:member``; the path and None for other paths."""
    match = _MEMBER.fullmatch(str(path))
    if match is None or path.exists() or not Path(match[1]).is_file():
        return path, None
    return Path(match[1]), match[2]


def with_member(path: Path) -> Path:
    """Return ``archive.zip:member`` for an archive of one file, beside which there may be a README.

    Raises:
        DataError: For an archive of none or of several, and for one that cannot be read.
    """
    if not is_archive(path) or not path.is_file():
        return path
    names = member_names(path)
    names = [name for name in names if not _BESIDE.fullmatch(Path(name).name)] or names
    if len(names) != 1:
        raise DataError(
            f"expected an archive of one file, got {len(names):,} files{_shown(names)}",
            where=str(path),
            remedy=f"name one of them: {path}:{names[0]}" if names else "pack its files again",
        )
    return Path(f"{path}:{names[0]}")


def member_names(archive: Path) -> list[str]:
    """Return the names of the files in an archive but hidden ones. Raises DataError if it cannot be read."""
    names: list[str] = []
    with _readable(archive), ExitStack() as stack:
        for name, _ in _members(archive, stack):
            if len(names) == _MOST_MEMBERS:
                raise tarfile.ReadError(f"more than {_MOST_MEMBERS:,} files")
            names.append(name)
    return [name for name in names if not any(p.startswith(("__MACOSX", ".")) for p in name.split("/"))]


def open_member(archive: Path, name: str) -> BinaryIO:
    """Return the content of a member as a stream; reading it raises DataError for a damaged archive."""
    return stream_of(partial(_blocks, archive, name))


def _shown(names: list[str]) -> str:
    return f": {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}" if names else ""


def _blocks(archive: Path, name: str) -> Iterator[bytes]:
    with _readable(archive), ExitStack() as stack:
        for member, start in _members(archive, stack):
            if member == name.removeprefix("./"):
                source = stack.enter_context(start())
                while block := source.read(_BLOCK):
                    yield block
                return
    raise DataError(
        f"no file {name!r} in the archive",
        where=str(archive),
        remedy=f"name a file that is there{_shown(member_names(archive))}",
    )


def _members(archive: Path, stack: ExitStack) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Iterate over the name of each file and the function that opens it."""
    if archive.suffix.lower() == ".zip":
        zipped = stack.enter_context(zipfile.ZipFile(archive))
        for info in zipped.infolist():
            if not info.is_dir():
                if info.flag_bits & 1:
                    raise zipfile.BadZipFile(f"{info.filename} needs a password")
                yield info.filename, partial(zipped.open, info)
        return
    raw = stack.enter_context(archive.open("rb"))
    stream = _BoundedReads(stack.enter_context(decompressed(raw, archive.name)))
    tar = stack.enter_context(tarfile.TarFile(fileobj=cast(Any, stream)))
    for member in tar:
        if member.isreg() and not member.issparse():
            yield member.name.removeprefix("./"), partial(tar.extractfile, member)


class _BoundedReads:
    """A stream for tarfile, which reads whatever size a header claims into memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.seek, self.tell, self._read = stream.seek, stream.tell, stream.read

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        if size > _LONGEST_READ:
            raise tarfile.ReadError(f"a header claims {size:,} bytes")
        return self._read(size)


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    """Make a DataError of whatever zipfile and tarfile raise on damaged bytes."""
    try:
        yield
    except DataError:
        raise
    except (Exception, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            f"the archive cannot be read ({reason})",
            where=str(archive),
            remedy="check the file and its permissions, or fetch it again",
        ) from error
