"""Fetch registered corpora: downloads resume where they were cut and are checked before use."""

import hashlib
import itertools
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seqkit.backend import paths
from seqkit.corpora.entry import CorpusEntry, RemoteFile
from seqkit.corpora.registry import registered
from seqkit.corpora.transfer import Opener, Transfer
from seqkit.errors import DownloadError
from seqkit.files import publish
from seqkit.files.substitutes import HEAD, find_substitute
from seqkit.platforms import flush_file, replace_file
from seqkit.progress import amount, with_progress

_UNKNOWN_SIZE = 64 << 20
"""The most bytes taken for a file whose size its publisher does not state."""
_BLOCK = 1 << 18


@dataclass(frozen=True)
class FileStatus:
    """A file of a corpus on disk: "present" (the right size), "partial", "absent" or "wrong size"."""

    path: Path
    state: str
    bytes: int
    expected: int | None


@dataclass(frozen=True)
class CorpusStatus:
    """Which files of a registered corpus are on disk."""

    entry: CorpusEntry
    folder: Path
    files: tuple[FileStatus, ...]

    @property
    def present(self) -> bool:
        """Whether every file is there with the right size, and the package that brings the data."""
        return self.entry.installed and all(file.state == "present" for file in self.files)


def corpus_status(name: str, *, data_dir: Path | None = None) -> CorpusStatus:
    """Return which files of a registered corpus are on disk, judged by their sizes.

    Raises:
        UsageError: For a name that is not registered.
    """
    entry = registered(name)
    folder = entry.folder(data_dir)
    return CorpusStatus(entry, folder, tuple(_file_status(folder, file) for file in entry.files))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _file_status(folder: Path, file: RemoteFile) -> FileStatus:
    path = folder / file.name
    size, part = _size(path), _size(part_path(path))
    if size is not None:
        state = "present" if file.size in (None, size) else "wrong size"
    else:
        state = "absent" if part is None else "partial"
    return FileStatus(path, state, size or part or 0, file.size)


def part_path(path: Path) -> Path:
    """Return the path of a file that is not complete yet."""
    return path.with_name(path.name + ".part")


def verify(path: Path, file: RemoteFile) -> str | None:
    """Return None if the file is the published one, else how it differs."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"expected {file.size} bytes, got {size}"
    algorithm, expected = ("sha256", file.sha256) if file.sha256 else ("md5", file.md5)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False))
    actual = digest.hexdigest()
    return None if actual == expected else f"expected {algorithm} {expected}, got {actual}"


@with_progress
def fetch(
    corpus: str | CorpusEntry,
    *,
    data_dir: Path | None = None,
    opener: Opener | None = None,
    progress: bool = False,
    on_message: Callable[[str], object] | None = None,
) -> list[Path]:
    """Fetch every file of a registered corpus that is not there yet.

    A file is written as ``NAME.part``, checked, and renamed. Another file of that name, be it damaged or the
    user's own, is kept as ``NAME.old``.

    Args:
        corpus: A registered name, or an entry of your own.
        data_dir: The folder of corpora ($SEQKIT_DATA by default).
        opener: ``urllib.request.OpenerDirector.open`` or the like; by default one that verifies certificates
            and refuses to be redirected from https to http.
        progress: Whether to show a progress bar.
        on_message: Called with the licence before anything is fetched, and with a sentence about each file
            that was kept under another name.

    Returns:
        The files.

    Raises:
        UsageError: For a name that is not registered.
        DownloadError: For a connection that fails or is cut (the part is kept, and the next call goes on
            from there), a wrong size or checksum (the part is deleted), and a disk that is full.
    """
    entry = registered(corpus) if isinstance(corpus, str) else corpus
    folder = entry.folder(paths.data_dir() if data_dir is None else data_dir)
    again = f"run it again: seqkit corpora fetch {entry.name}"
    say = on_message or (lambda text: None)
    announced = False

    def announce() -> None:
        nonlocal announced
        if not announced:
            say(_notice(entry))
        announced = True

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_fetch_file(folder / file.name, file, opener, again, say, announce) for file in entry.files]
    except OSError as error:
        raise DownloadError(
            f"cannot write {entry.name} ({error.strerror or error})",
            where=str(error.filename or folder),
            remedy=f"free some space or set SEQKIT_DATA to another folder, then {again}",
        ) from error


def _notice(entry: CorpusEntry) -> str:
    """Return the licence of a corpus and the size of its files."""
    sizes = [file.size if file.member is None else file.archive_size for file in entry.files]
    known = [size for size in sizes if size is not None]
    size = f" ({amount(sum(known), 'B')})" if len(known) == len(sizes) else ""
    return f"{entry.name}{size}, licence: {entry.licence}"


def _fetch_file(
    path: Path,
    file: RemoteFile,
    opener: Opener | None,
    again: str,
    on_message: Callable[[str], object],
    announce: Callable[[], None],
) -> Path:
    if path.is_dir():
        raise DownloadError(f"expected a file or nothing, got a folder at {path}", remedy="move it away")
    if path.exists() and verify(path, file) is None:
        return path
    part = part_path(path)
    archive = part_path(path.with_name(path.name + ".zip"))
    for unfinished in (part, archive):
        if unfinished.is_symlink():  # never written through
            unfinished.unlink()
    target, size = (part, file.size) if file.member is None else (archive, file.archive_size)
    announce()
    Transfer(file.url, target, size, _UNKNOWN_SIZE, file.name, again, opener).run()
    if file.member is not None:
        _extract(archive, part, file, again)
    difference = verify(part, file)
    if difference:
        found = find_substitute(part.read_bytes()[:HEAD] if part.stat().st_size < 1 << 20 else b"?")
        if found is not None:
            difference = f"it is {found.name}; {difference}"
        part.unlink()
        archive.unlink(missing_ok=True)
        raise DownloadError(
            f"the file received is not the published one ({difference})",
            where=file.url,
            remedy=f"what was received is deleted; {again}, and if it repeats, the address has changed",
        )
    if os.path.lexists(path):
        kept = _free_name(path)
        replace_file(path, kept)
        on_message(f"{path} was not the published file; it is kept as {kept.name}")
    publish(part, path)
    archive.unlink(missing_ok=True)
    return path


def _free_name(path: Path) -> Path:
    """Return NAME.old, or NAME.old2 and so on, whichever is the first that does not exist."""
    for number in itertools.count(1):
        kept = path.with_name(f"{path.name}.old{number if number > 1 else ''}")
        if not os.path.lexists(kept):
            break
    return kept


def _extract(archive: Path, part: Path, file: RemoteFile, again: str) -> None:
    """Unpack the one member, by its exact name, into ``part``; no name in the archive becomes a path."""
    with part.open("wb") as out:
        try:
            for block in _member_blocks(archive, file):
                out.write(block)
        except _ArchiveError as error:
            found = find_substitute(archive.read_bytes()[:HEAD])
            part.unlink(missing_ok=True)
            archive.unlink(missing_ok=True)
            what = "the archive does not hold the expected file" if found is None else f"it is {found.name}"
            raise DownloadError(
                f"{what} ({error})", where=file.url, remedy=f"what was received is deleted; {again}"
            ) from error
        flush_file(out)


class _ArchiveError(Exception):
    """An archive that cannot be unpacked."""


def _member_blocks(archive: Path, file: RemoteFile) -> Iterator[bytes]:
    left = _UNKNOWN_SIZE if file.size is None else file.size
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(file.member or "") as source:
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise zipfile.BadZipFile(f"{file.member} is larger than the {file.size} bytes expected")
                yield block
    except (Exception, MemoryError) as error:  # zipfile raises whatever the damaged bytes lead to
        raise _ArchiveError(str(error) or type(error).__name__) from error
