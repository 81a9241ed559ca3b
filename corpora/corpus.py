"""A corpus: lines of text by split, streamed, and what identifies them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqkit.errors import DataError, UsageError

LineSource = Callable[[], Iterator[str]]
"""Called once for each pass over a split; gives its lines without line ends."""


@dataclass(frozen=True)
class TextDefaults:
    """How a corpus is tokenized unless the user says otherwise."""

    tokenizer: str = "word"
    lowercase: bool = False
    min_count: int = 2
    vocab_size: int | None = None


@dataclass(frozen=True)
class CorpusFile:
    """A file of a corpus and the part that it plays: train, valid, test, or "all" for a file that is cut."""

    role: str
    path: Path


class Corpus:
    """Lines of text by split. Opening reads next to nothing; ``lines`` streams in bounded memory.

    name, description: for people.
    sources: for each split a function that starts a pass over its lines.
    own_splits: whether the splits are the publisher's or user's, and not a cut of ours.
    identity: what :meth:`provenance` tells, and under "key" whatever the lines depend on; called once, late.
    """

    def __init__(
        self,
        name: str,
        *,
        description: str,
        sources: Mapping[str, LineSource],
        identity: Callable[[], dict[str, Any]],
        defaults: TextDefaults | None = None,
        files: tuple[CorpusFile, ...] = (),
        own_splits: bool = False,
    ) -> None:
        self.name = name
        self.description = description
        self.sources = dict(sources)
        self.defaults = defaults or TextDefaults()
        self.files = files
        self.own_splits = own_splits
        self._identity_of = identity
        self._identity: dict[str, Any] | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that it has, train first."""
        return tuple(self.sources)

    def lines(self, split: str) -> Iterator[str]:
        """The lines of a split, without line ends. Raises DataError for a split that it does not have."""
        if split not in ("train", "valid", "test"):
            raise UsageError(f"unknown split {split!r}", remedy="use train, valid or test")
        if split not in self.sources:
            raise DataError(
                f"the corpus {self.name} has no {split} split", remedy=f"use {' or '.join(self.splits)}"
            )
        return self.sources[split]()

    def every_line(self) -> Iterator[str]:
        """The text for what needs no held-out part: all of it, of a corpus with own splits only "train"."""
        for split in ("train",) if self.own_splits else self.splits:
            yield from self.lines(split)

    def provenance(self) -> dict[str, Any]:
        """Where the text comes from, as JSON values: files, sizes, hashes, how it was split."""
        public = {name: value for name, value in self._identify().items() if name != "key"}
        return {"corpus": self.name, "description": self.description, **public}

    def content_key(self) -> str:
        """The sha256 of content and splitting rule, hexadecimal. Reads every file once, streaming."""
        return hashlib.sha256(repr((self.splits, self._identify()["key"])).encode()).hexdigest()

    def _identify(self) -> dict[str, Any]:
        if self._identity is None:
            self._identity = self._identity_of()
        return self._identity

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, splits={self.splits})"


def hash_file(path: Path) -> tuple[int, str]:
    """Size in bytes and sha256 of a file as it lies on the disk. Raises DataError naming the file."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return file.tell(), digest
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from error
