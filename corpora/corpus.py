"""Corpora of text, pairs, labelled texts and tagged sentences: streamed by split, with their identity."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from seqkit.errors import DataError, UsageError
from seqkit.files.archives import open_member, split_member
from seqkit.progress import progress, tracked

SPLITS = ("train", "valid", "test")
Pair = tuple[str, str]
"""A source and its target; or a text and its label."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class TextDefaults:
    """How a corpus is tokenized unless the user says otherwise."""

    tokenizer: str = "word"
    lowercase: bool = False
    min_count: int = 2
    vocab_size: int | None = None


DEFAULTS = TextDefaults()
_BLOCK = 1 << 18
_MOST_FILES = 1000
_TICK = 2.0
"""Seconds within which two changes of a file may have one time, on coarse file systems."""


@dataclass(frozen=True)
class CorpusFile:
    """A file of a corpus and its role: train, valid, test, or "all" for a file that holds several splits."""

    role: str
    path: Path


@dataclass(frozen=True)
class FileState:
    """Which content a file had: every change gives it another inode, size or time.

    ``recent`` is whether the file was changed just before, so that its times cannot tell the next change.
    """

    path: Path
    numbers: tuple[int, ...]
    recent: bool = field(compare=False)

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file; one without numbers for a file that is not there."""
        try:
            found = split_member(path)[0].stat()
        except OSError:
            return cls(path, (), recent=False)
        changed = max(found.st_mtime, found.st_ctime)
        numbers = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return cls(path, numbers, recent=changed > time.time() - _TICK)


@dataclass(eq=False, repr=False)
class BaseCorpus(Generic[Item]):
    """Items by split. Opening a corpus reads next to nothing; each pass streams in bounded memory.

    Args:
        name: For messages and reports.
        description: One line for people.
        sources: For each split a function that starts a pass over its items.
        identity: Returns the values for :meth:`provenance`, and under "key" all that the items depend on.
            It is called once, when it is first needed.
        defaults: How the texts are tokenized unless the user says otherwise.
        files: The files that the corpus reads.
        own_splits: Whether the splits are the publisher's or user's, not cut by seqkit.
        notes: How the files were read, where it was found out from their content; for people.
        skipped: (line, reason) of the first bad lines that were left out.
        skipped_count: The number of bad lines that were left out.
    """

    name: str
    _: KW_ONLY
    description: str
    sources: Mapping[str, Callable[[], Iterator[Item]]]
    identity: Callable[[], dict[str, object]]
    defaults: TextDefaults = DEFAULTS
    files: tuple[CorpusFile, ...] = ()
    own_splits: bool = False
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()
    skipped_count: int = 0
    _states: tuple[FileState, ...] = field(default=(), init=False)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, train first."""
        return tuple(self.sources)

    def _items(self, split: str) -> Iterator[Item]:
        check_split(self.name, split, self.splits)
        return self.sources[split]()

    def provenance(self) -> dict[str, Any]:
        """Return where the content comes from, as JSON values: files, sizes, hashes, how it was split."""
        public = {name: value for name, value in self._identity.items() if name != "key"}
        return {"corpus": self.name, "description": self.description, **public}

    def content_key(self) -> str:
        """Return the sha256 of content and splitting rule, hexadecimal. Reads every file once, streaming."""
        return hashlib.sha256(repr((self.splits, self._identity["key"])).encode()).hexdigest()

    @cached_property
    def _identity(self) -> dict[str, object]:
        self._states = tuple(FileState.of(file.path) for file in self.files)
        return self.identity()

    def require_unchanged(self) -> None:
        """Raise DataError if a file was changed since :meth:`content_key` read it.

        Call this after reading, before storing anything derived from the text under that key. Files of the
        last few seconds, whose times may not show a change, are read again.
        """
        identity, states = self._identity, self._states
        same = all(state == FileState.of(state.path) for state in states)
        if same and any(state.recent for state in states):
            same = self.identity()["key"] == identity["key"]
        if not same:
            raise DataError(
                f"the files of {self.name} were changed while they were read",
                where=", ".join(str(state.path) for state in states if state != FileState.of(state.path)),
                remedy="wait until they are complete, then run it again; nothing of it was kept",
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, splits={self.splits})"


class Corpus(BaseCorpus[str]):
    """Lines of text by split."""

    def lines(self, split: str) -> Iterator[str]:
        """Iterate over the lines of a split, without line ends.

        Raises:
            UsageError: For a name other than train, valid and test.
            DataError: For a split that the corpus lacks.
        """
        return self._items(split)

    def every_line(self) -> Iterator[str]:
        """Iterate over the text for training without held-out data.

        That is all of it, or only "train" of a corpus with its own splits.
        """
        for split in ("train",) if self.own_splits else self.splits:
            yield from self.lines(split)


@dataclass(frozen=True)
class TaggedSentence:
    """The words of a sentence, their tags, and where they stand: a file and a line for each word.

    ``feature_columns`` are the chosen ones of its other columns, such as parts of speech, each with a value
    for each word.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    source: str
    lines: tuple[int, ...]
    feature_columns: tuple[tuple[str, ...], ...] = ()

    def place(self, position: int) -> str:
        """Return file and line of a word, for messages."""
        return f"{self.source}, line {self.lines[position]}"


class TaggedCorpus(BaseCorpus[TaggedSentence]):
    """Sentences with a tag for each word, by split."""

    def sentences(self, split: str) -> Iterator[TaggedSentence]:
        """Iterate over the sentences of a split. Raises as :meth:`Corpus.lines`."""
        return self._items(split)


class ExampleCorpus(BaseCorpus[Pair]):
    """Examples of two texts by split: pairs, or texts with their labels."""

    def pairs(self, split: str) -> Iterator[Pair]:
        """Iterate over the examples of a split. Raises as :meth:`Corpus.lines`."""
        return self._items(split)


class Seq2SeqCorpus(ExampleCorpus):
    """Pairs of a source text and a target text by split."""


class LabelledCorpus(ExampleCorpus):
    """Texts with their labels by split."""


def check_split(name: str, split: str, splits: tuple[str, ...]) -> None:
    """Raise UsageError for an unknown split name, DataError for a split that the corpus lacks."""
    if split not in SPLITS:
        raise UsageError(f"expected the split train, valid or test, got {split!r}")
    if split not in splits:
        raise DataError(f"the corpus {name} has no {split} split", remedy=f"use {' or '.join(splits)}")


def hash_file(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the sha256 of a file as stored on disk, or of the content of a member.

    Raises:
        DataError: If it cannot be read.
    """
    archive, member = split_member(path)
    try:
        with (
            archive.open("rb") if member is None else open_member(archive, member) as file,
            progress(f"reading {path.name}", path.stat().st_size if member is None else None, "B") as job,
        ):
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
                job.advance(len(block))
            return file.tell(), digest.hexdigest()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from error


def hash_files(paths: Collection[Path]) -> dict[Path, tuple[int, str]]:
    """Return the size and the sha256 of each file, as :func:`hash_file` does."""
    several = len(paths) > 1
    return {path: hash_file(path) for path in (tracked(paths, "reading", "files") if several else paths)}


def describe_files(hashes: Mapping[Path, tuple[int, str]]) -> list[dict[str, object]]:
    """Return path, size and sha256 of hashed files, as :meth:`BaseCorpus.provenance` reports them.

    Of more than a thousand files, it is their folder, their number, and the hash of their hashes.
    """
    if len(hashes) > _MOST_FILES:
        digest = hashlib.sha256("".join(sha for _, sha in hashes.values()).encode()).hexdigest()
        size = sum(size for size, _ in hashes.values())
        folder = os.path.commonpath(hashes)
        return [{"path": folder, "files": len(hashes), "bytes": size, "sha256": digest}]
    return [{"path": str(path), "bytes": size, "sha256": sha} for path, (size, sha) in hashes.items()]
