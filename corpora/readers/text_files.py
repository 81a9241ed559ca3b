"""Corpora of running text from files: a text file, a folder of texts, a folder with named splits."""

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
    hash_file,
)
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.split import cut_file, split_names
from seqkit.errors import DataError
from seqkit.files.lines import COMPRESSED, content_size, plain_name, read_lines
from seqkit.files.text_content import refuse_other_formats

TEXT_SUFFIXES = (".txt", ".text", ".tokens", ".raw")

_SPLIT_NAMES = "train|valid|validation|val|dev|test"
_SPLIT_OF = {"train": "train", "test": "test"}  # every other name is the validation split's


class Piece(NamedTuple):
    """The bytes ``start`` to ``stop`` of a file's decompressed content; a ``stop`` of None is its end."""

    path: Path
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
) -> Corpus:
    """Return the corpus whose splits are pieces of files, cut as ``rule`` says."""
    roles: dict[Path, list[str]] = {}
    for split, of_split in pieces.items():
        for piece in of_split:
            roles.setdefault(piece.path, []).append(split)

    def lines(split: str) -> Iterator[str]:
        return chain.from_iterable(read_lines(*piece, cut_long=cut_long) for piece in pieces[split])

    def identity() -> dict[str, object]:
        hashes = {path: hash_file(path) for path in roles}
        files = describe_files(hashes)
        return {
            "split_rule": rule,
            "files": [
                {**file, "roles": of_file} for file, of_file in zip(files, roles.values(), strict=True)
            ],
            "key": {
                split: [(hashes[path][1], start, stop) for path, start, stop in of_split]
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
    )


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


def file_corpus(path: Path) -> Corpus:
    """Return the corpus of a single file, cut into contiguous 90/5/5 at line ends."""
    first, second = cut_file(path)
    pieces = {
        "train": [Piece(path, 0, first)],
        "valid": [Piece(path, first, second)],
        "test": [Piece(path, second)],
    }
    rule = "contiguous 90/5/5 of the bytes, at line ends"
    return corpus_of_pieces(str(path), pieces, rule=rule, description=f"the text file {path}")


def whole_file_corpus(path: Path) -> Corpus:
    """Return the corpus of a single file that is all training data; overlong lines are cut."""
    content_size(path)  # refuses an empty file
    refuse_other_formats(path)
    return corpus_of_pieces(
        str(path),
        {"train": [Piece(path)]},
        rule="all of the file, long lines cut",
        description=f"the text file {path}",
        own_splits=True,
        cut_long=True,
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

    A name is train, valid (validation, val, dev) or test, perhaps with a word and a dot before it and one of
    ``suffixes`` behind.

    Raises:
        DataError: For two of one split, and if there is one of any split but none of train or valid.
    """
    endings = "|".join(map(re.escape, suffixes))
    pattern = re.compile(rf"(?:[\w-]+\.)?({_SPLIT_NAMES})(?:{endings})?", re.IGNORECASE)
    named: dict[str, Path] = {}
    for path in paths:
        match = pattern.fullmatch(plain_name(path)) if path.parent == folder else None
        if match is None:
            continue
        split = _SPLIT_OF.get(match[1].lower(), "valid")
        if split in named:
            raise DataError(
                f"two files for the {split} split: {named[split].name} and {path.name}",
                where=str(folder),
                remedy="leave one of them in the folder",
            )
        named[split] = path
    for split in ("train", "valid") if named else ():
        if split not in named:
            present = ", ".join(path.name for path in named.values())
            first, second, *_ = suffixes
            raise DataError(
                f"no {split} file beside {present}",
                where=str(folder),
                remedy=f"add {split}{first} (or {split}{second}, NAME.{split}{first}, also .gz, .bz2, .xz)",
            )
    return {split: named[split] for split in SPLITS if split in named}


def folder_corpus(folder: Path) -> Corpus:
    """Return a folder's train/valid/test files, where it has them, or its texts split by file.

    Without named files, the text files (``.txt .text .tokens .raw``, compressed or not, in sub-folders
    too) are ordered by a hash of their names; a twentieth of them, at least one, goes to each of
    valid and test.

    Raises:
        DataError: For a missing split, an empty file, and fewer than three texts.
    """
    files = list_files(folder)
    named = named_splits(folder, files)
    if named:
        pieces = {split: [Piece(path)] for split, path in named.items()}
        rule, description = "the files' names", f"the folder {folder} with its {'/'.join(pieces)} files"
    else:
        texts = {
            path.relative_to(folder).as_posix(): path
            for path in files
            if Path(plain_name(path)).suffix in TEXT_SUFFIXES
        }
        if len(texts) < len(SPLITS):
            raise DataError(
                f"expected three or more texts to split by file, got {len(texts)} text file(s)"
                f" ({', '.join(TEXT_SUFFIXES)}, also compressed: {', '.join(COMPRESSED)})",
                where=str(folder),
                remedy="give the one text file itself, or name the files train.txt, valid.txt and test.txt",
            )
        pieces = {s: [Piece(texts[name]) for name in names] for s, names in split_names(texts).items()}
        rule, description = "by file, 90/5/5 in the order of the hashes of names", f"the texts of {folder}"
    for piece in chain.from_iterable(pieces.values()):
        content_size(piece.path)
        refuse_other_formats(piece.path)
    return corpus_of_pieces(
        str(folder),
        pieces,
        rule=rule,
        description=description,
        own_splits=bool(named),
    )
