"""The type of the registry's rows: a corpus, its files and the function that reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seqkit.backend import paths
from seqkit.corpora.corpus import DEFAULTS, TextDefaults
from seqkit.corpora.readers.lines import BadLines
from seqkit.errors import CorpusNotFoundError, DataError


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name on disk, its address and how it is recognised.

    ``size`` (bytes) and ``sha256`` (or ``md5``, where the publisher states only that) describe the file as
    it is stored on disk. With ``member``, the address is a zip of ``archive_size`` bytes that holds the file.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    member: str | None = None
    archive_size: int | None = None


@dataclass(frozen=True)
class CorpusEntry:
    """A registered corpus.

    Args:
        name: The name that users type.
        type: "text" (``open_corpus``), "seq2seq" (``open_seq2seq``), "labelled" (``open_labelled``), "tagged"
            (``open_tagged``), "images" (``open_images``), or "evaluation" for data that is not a corpus.
        description: One line for people.
        licence: The publisher's terms.
        files: The files to be fetched; none for a corpus that is generated or installed.
        read: Returns the corpus, given this entry and what to do about bad lines; None for "evaluation".
        defaults: How its texts are tokenized unless the user says otherwise.
        folder_name: The folder of its files, where that is not the name.
        package: The Python package that brings the data, where there are no files.
        nltk_name: The corpus of NLTK that has the data, likewise.
    """

    name: str
    type: str
    description: str
    licence: str
    files: tuple[RemoteFile, ...] = ()
    _: KW_ONLY
    read: Callable[[CorpusEntry, BadLines], Any] | None = None
    defaults: TextDefaults = DEFAULTS
    folder_name: str | None = None
    package: str | None = None
    nltk_name: str | None = None

    def open(self, on_bad_line: str = "error") -> Any:
        """Return the corpus.

        Raises:
            CorpusNotFoundError: If a file is absent.
            DataError: If a file cannot be used, or the entry is not a corpus.
        """
        if self.read is None:
            raise DataError(f"{self.name} is not a corpus ({self.type}: {self.description})")
        return self.read(self, BadLines(on_bad_line))

    @property
    def installed(self) -> bool:
        """Whether what brings the data is installed, where it is needed: a package, or a corpus of NLTK."""
        if self.nltk_name is not None:
            folder = paths.data_dir() / "nltk_data" / "corpora"
            return any((folder / name).exists() for name in (self.nltk_name, f"{self.nltk_name}.zip"))
        return self.package is None or find_spec(self.package) is not None

    def folder(self, data_dir: Path | None = None) -> Path:
        """Return the folder of its files, below ``data_dir`` ($SEQKIT_DATA by default)."""
        return (paths.data_dir() if data_dir is None else data_dir) / (self.folder_name or self.name)

    def local_files(self) -> dict[str, Path]:
        """Return its files on disk by name.

        Raises:
            CorpusNotFoundError: If one is absent.
            DataError: If one has the wrong size.
        """
        folder = self.folder()
        files = {file.name: folder / file.name for file in self.files}
        missing = [name for name, path in files.items() if not path.is_file()]
        if missing:
            raise CorpusNotFoundError(
                f"the corpus {self.name} is not here: no {', '.join(missing)}",
                where=f"looked in {folder}",
                remedy=f"fetch it with: seqkit corpora fetch {self.name} (or set SEQKIT_DATA to where it is)",
            )
        for file in self.files:
            size = files[file.name].stat().st_size
            if file.size is not None and size != file.size:
                raise DataError(
                    f"expected the published file of {file.size} bytes, got {size} bytes",
                    where=str(files[file.name]),
                    remedy=f"delete it and {self.fetch_again}",
                )
        return files

    @property
    def fetch_again(self) -> str:
        """The command that fetches the files again, for error messages."""
        return f"fetch it again: seqkit corpora fetch {self.name}"
