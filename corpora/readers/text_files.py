"""Corpora of running text from files: a text file or table, a folder of texts, a folder with named splits."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from seqkit.corpora.corpus import (
    DEFAULTS,
    SPLITS,
    Corpus,
    CorpusFile,
    TextDefaults,
    describe_files,
    hash_files,
)
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.readers.rows import FORMATS
from seqkit.corpora.readers.text_sources import TextOptions, text_source
from seqkit.corpora.split import cut_file, split_names
from seqkit.errors import DataError
from seqkit.files.compressed import COMPRESSED, plain_name
from seqkit.files.lines import DerivedText, Source, content_size, read_lines
from seqkit.progress import tracked

TEXT_SUFFIXES = (".txt", ".text", ".tokens", ".raw")
MORE_TEXT_SUFFIXES = (".md", ".markdown", ".rst", "")
"""Suffixes of texts in a folder that has not three of the others."""
_NO_TEXT = re.compile(r"(readme|licen[cs]e|copying|notice|authors|makefile)\b.*", re.IGNORECASE)

_SPLIT_NAMES = "train|valid|validation|val|dev|test"
_SPLIT_OF = {"train": "train", "test": "test"}  # every other name is the validation split's


class Piece(NamedTuple):
    """The bytes ``start`` to ``stop`` of a text, decompressed; a ``stop`` of None is its end."""

    source: Source
    start: int = 0
    stop: int | None = None


def corpus_of_pieces(
    name: str,
    pieces: Mapping[str, Sequence[Piece]],
    *,
    rule: str,
    description: str,
    defaults: TextDefaults = DEFAULTS,
    own_splits: bool = False,
    cut_long: bool = False,
    notes: tuple[str, ...] = (),
) -> Corpus:
    """Return the corpus whose splits are pieces of files, cut as ``rule`` says."""
    roles: dict[Path, list[str]] = {}
    for split, of_split in pieces.items():
        for piece in of_split:
            roles.setdefault(_file(piece.source), []).append(split)

    def lines(split: str) -> Iterator[str]:
        of_split: Iterable[Piece] = pieces[split]
        if len(pieces[split]) > 1:
            of_split = tracked(of_split, "reading", "files")
        return chain.from_iterable(read_lines(*piece, cut_long=cut_long) for piece in of_split)

    def identity() -> dict[str, object]:
        hashes = hash_files(roles)
        files = describe_files(hashes)
        return {
            "split_rule": rule,
            "files": [
                {**file, "roles": of_file} if len(files) == len(roles) else file
                for file, of_file in zip(files, roles.values(), strict=False)
            ],
            "key": {
                split: [
                    (hashes[_file(source)][1], start, stop, *_reading(source))
                    for source, start, stop in of_split
                ]
                for split, of_split in pieces.items()
            },
        }

    return Corpus(
        name,
        description=description,
        sources={split: partial(lines, split) for split in pieces},
        identity=identity,
        defaults=defaults,
        files=tuple(CorpusFile(r[0] if len(set(r)) == 1 else "all", path) for path, r in roles.items()),
        own_splits=own_splits,
        notes=notes,
    )


def _file(source: Source) -> Path:
    return source.file if isinstance(source, DerivedText) else source


def _reading(source: Source) -> tuple[object, ...]:
    return source.reading if isinstance(source, DerivedText) else ()


def read_splits(**names: str) -> Callable[[CorpusEntry, BadLines], Corpus]:
    """Return the reader of a registered corpus with one file for each split: split=file name."""

    def read(entry: CorpusEntry, _: BadLines) -> Corpus:
        files = entry.local_files()
        pieces = {split: [Piece(files[name])] for split, name in names.items()}
        return _registered(entry, pieces, "the published files")

    return read


def read_90_percent(entry: CorpusEntry, _: BadLines) -> Corpus:
    """Return a registered corpus of one ASCII file, cut as nanoGPT does: after int(0.9 * characters)."""
    (path,) = entry.local_files().values()
    cut = path.stat().st_size * 9 // 10  # maybe inside a line
    pieces = {"train": [Piece(path, 0, cut)], "valid": [Piece(path, cut)]}
    return _registered(entry, pieces, "the first 90 % of the characters train, the rest validates")


def _registered(entry: CorpusEntry, pieces: Mapping[str, Sequence[Piece]], rule: str) -> Corpus:
    return corpus_of_pieces(
        entry.name,
        pieces,
        rule=rule,
        description=entry.description,
        defaults=entry.defaults,
        own_splits=len(pieces) > 1,
    )


def file_corpus(path: Path, options: TextOptions) -> Corpus:
    """Return the corpus of a single file, cut into contiguous 90/5/5 at line ends."""
    source, notes = text_source(path, options)
    first, second = cut_file(source)
    pieces = {
        "train": [Piece(source, 0, first)],
        "valid": [Piece(source, first, second)],
        "test": [Piece(source, second)],
    }
    rule = "contiguous 90/5/5 of the bytes, at line ends"
    description = f"the text file {path}"
    return corpus_of_pieces(str(path), pieces, rule=rule, description=description, notes=notes)


def whole_file_corpus(path: Path, options: TextOptions, split: str = "train") -> Corpus:
    """Return the corpus of a single file that is all of one split; overlong lines are cut."""
    source, notes = text_source(path, options)
    content_size(source)  # refuses an empty file
    return corpus_of_pieces(
        str(path),
        {split: [Piece(source)]},
        rule="all of the file, long lines cut",
        description=f"the text file {path}",
        own_splits=True,
        cut_long=True,
        notes=notes,
    )


def list_files(folder: Path) -> list[Path]:
    """Return every file below ``folder`` but hidden ones, in alphabetical order."""

    def refuse(error: OSError) -> None:
        raise DataError(
            f"the folder cannot be read ({error.strerror})",
            where=str(error.filename or folder),
            remedy="check its permissions",
        ) from error

    files = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(files)


def named_splits(
    folder: Path, paths: Iterable[Path], suffixes: tuple[str, ...] = TEXT_SUFFIXES
) -> dict[str, Path]:
    """Return split -> file or folder for those of ``paths`` that are named after a split, train first.

    A name is train, valid (validation, val, dev) or test, perhaps with words and dots before it, a dot and
    a version (``v2``) or the number of a shard (``-00000-of-00001``) behind it, and one of ``suffixes``.
    Where one of each is so named, it may have other words and ``_`` or ``-`` around that of its split.
    "valid" may be absent where "test" is there.

    Raises:
        DataError: For two of one split, and if there is one of any split but none of train or valid.
    """
    endings = "|".join(map(re.escape, suffixes))
    listed = [path for path in paths if path.parent == folder]
    for pattern in (
        rf"(?:[\w-]+\.)?({_SPLIT_NAMES})(?:{endings})?",
        rf"(?:[\w-]+\.)*({_SPLIT_NAMES})(?:\.v?\d+)*(?:-\d+-of-\d+)?(?:{endings})?",
    ):
        found = _by_split(pattern, listed)
        if found:
            break
    if not found:  # such as sms_train.csv, 20news-bydate-test
        found = _by_split(rf"(?:.+[_-])?({_SPLIT_NAMES})(?:[_-].+?)?(?:{endings})", listed)
        if "train" not in found or len(found) < 2 or any(len(of_split) > 1 for of_split in found.values()):
            found = {}
    for split, of_split in found.items():
        if len(of_split) > 1:
            raise DataError(
                f"two files for the {split} split: {of_split[0].name} and {of_split[1].name}",
                where=str(folder),
                remedy="leave one of them in the folder",
            )
    named = {split: of_split[0] for split, of_split in found.items()}
    for split in ("train", "valid") if named else ():
        if split not in named and not (split == "valid" and "test" in named):
            present = ", ".join(path.name for path in named.values())
            first, second, *_ = suffixes
            raise DataError(
                f"no {split} file beside {present}",
                where=str(folder),
                remedy=f"add {split}{first} (or {split}{second}, NAME.{split}{first}, also .gz, .bz2, .xz)",
            )
    return {split: named[split] for split in SPLITS if split in named}


def _by_split(pattern: str, paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Return split -> the files or folders whose names fit a pattern; its group is the name of the split."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = plain_name(path) + ("/" if path.is_dir() else "")
        match = re.fullmatch(pattern, name, re.IGNORECASE) or re.fullmatch(pattern, plain_name(path), re.I)
        if match is not None:
            found.setdefault(_SPLIT_OF.get(match[1].lower(), "valid"), []).append(path)
    return found


def folder_corpus(folder: Path, options: TextOptions) -> Corpus:
    """Return a folder's train/valid/test files, where it has them, or its texts split by file.

    Where train and test are named only, the last twentieth of train, at a line end, validates. Without named
    files, the text files (``.txt .text .tokens .raw``, compressed or not, in sub-folders too;
    where there are not three of these, ``.md .rst`` and names without suffix as well) are ordered by a hash
    of their names; a twentieth of them, at least one, goes to each of valid and test.

    Raises:
        DataError: For a missing split, an empty file, and fewer than three texts.
    """
    files = list_files(folder)
    suffixes = (*FORMATS, *MORE_TEXT_SUFFIXES)
    named = named_splits(folder, files) or named_splits(folder, files, suffixes)
    if named:
        parts = {split: [path] for split, path in named.items()}
        rule, description = "the files' names", f"the folder {folder} with its {'/'.join(parts)} files"
    else:
        texts = _texts(folder, files)
        parts = {split: [texts[name] for name in names] for split, names in split_names(texts).items()}
        rule, description = "by file, 90/5/5 in the order of the hashes of names", f"the texts of {folder}"
    pieces: dict[str, list[Piece]] = {}
    notes: tuple[str, ...] = ()
    for split, paths in parts.items():
        for path in paths:
            source, found = text_source(path, options)
            content_size(source)
            pieces.setdefault(split, []).append(Piece(source))
            notes = notes or found
    if "valid" not in pieces:
        [whole] = pieces["train"]
        _, cut = cut_file(whole.source)
        pieces = {
            "train": [Piece(whole.source, 0, cut)],
            "valid": [Piece(whole.source, cut)],
            "test": pieces["test"],
        }
        rule += "; the last twentieth of train validates"
    return corpus_of_pieces(
        str(folder), pieces, rule=rule, description=description, own_splits=bool(named), notes=notes
    )


def _texts(folder: Path, files: list[Path]) -> dict[str, Path]:
    """Return the texts below a folder by their names in it. Raises DataError for fewer than three."""
    texts: dict[str, Path] = {}
    for suffixes in (TEXT_SUFFIXES, (*TEXT_SUFFIXES, *MORE_TEXT_SUFFIXES)):
        for path in files:
            if Path(plain_name(path)).suffix in suffixes and not (
                suffixes is not TEXT_SUFFIXES and _NO_TEXT.fullmatch(path.name)
            ):
                texts[path.relative_to(folder).as_posix()] = path
        if len(texts) >= len(SPLITS):
            return texts
    raise DataError(
        f"expected three or more texts to split by file, got {len(texts)} text file(s)"
        f" ({', '.join(filter(None, (*TEXT_SUFFIXES, *MORE_TEXT_SUFFIXES)))} or none,"
        f" also compressed: {', '.join(COMPRESSED)})",
        where=str(folder),
        remedy="give the one text file itself, or name the files train.txt, valid.txt and test.txt",
    )
