"""From what a user types as CORPUS to a corpus."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from seqkit.corpora.corpus import Corpus
from seqkit.corpora.files import corpus_of_pieces, path_corpus
from seqkit.corpora.nltk_source import nltk_corpus
from seqkit.corpora.pydocs import pydocs_corpus
from seqkit.corpora.registry import REGISTRY, CorpusEntry
from seqkit.errors import DataError, UsageError

PYDOCS = "pydocs"


def text_corpora() -> list[str]:
    """The names that :func:`open_corpus` knows, the embedded default first."""
    return [PYDOCS, *(entry.name for entry in REGISTRY.values() if entry.is_text)]


def open_corpus(spec: str | os.PathLike[str]) -> Corpus:
    """The corpus of a registered name, ``nltk:NAME``, a text file, or a folder of text files.

    A folder with train/valid/test files keeps these splits, another is split by file (``folder_corpus``),
    a file is cut 90/5/5 (``file_corpus``). A registered name wins over a file of that name; write ``./NAME``
    for the file. Raises CorpusNotFoundError when the files are absent, DataError when they cannot be used.
    """
    name = os.fspath(spec)
    if not name:
        raise UsageError("an empty corpus name", remedy=f"use {', '.join(text_corpora())} or a path")
    if name == PYDOCS:
        return pydocs_corpus()
    if name.startswith("nltk:"):
        return nltk_corpus(name.removeprefix("nltk:"))
    if name in REGISTRY:
        return _registered_corpus(REGISTRY[name])
    close = difflib.get_close_matches(name, text_corpora(), n=2)
    meant = f"did you mean {' or '.join(close)}?" if close else f"registered: {', '.join(text_corpora())}"
    return path_corpus(Path(name), remedy=f"{meant}; or give nltk:NAME, a text file or a folder")


def _registered_corpus(entry: CorpusEntry) -> Corpus:
    if not entry.is_text:
        raise DataError(
            f"{entry.name} is not a text for language models ({entry.kind}: {entry.description})",
            remedy=f"use {', '.join(text_corpora())}, nltk:NAME or a path",
        )
    paths = entry.local_files()
    if entry.name == "tinyshakespeare":
        # nanoGPT's cut, int(0.9 * characters), inside a line; the file is ASCII, so bytes are characters
        path = paths["input.txt"]
        cut = path.stat().st_size * 9 // 10
        pieces: dict[str, list[tuple[Path, int, int | None]]] = {
            "train": [(path, 0, cut)],
            "valid": [(path, cut, None)],
        }
        rule = "the first 90 % of the characters train, the rest validates"
    else:
        pieces = {split: [(paths[name], 0, None)] for split, name in entry.splits}
        rule = "the published files"
    return corpus_of_pieces(
        entry.name,
        pieces,
        rule=rule,
        description=entry.description,
        defaults=entry.defaults,
        own_splits=len(entry.splits) > 1,
    )
