"""Corpora of NLTK, from $SEQKIT_DATA/nltk_data or NLTK's own search path."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from seqkit.backend.paths import data_dir
from seqkit.corpora.corpus import SPLITS, Corpus, CorpusFile, TextDefaults
from seqkit.corpora.split import split_names
from seqkit.errors import CorpusNotFoundError, DataError, MissingDependencyError


@contextmanager
def first_on_path(folder: Path) -> Iterator[list[str]]:
    """Put ``folder`` first on NLTK's search path for a while; gives that path."""
    try:
        import nltk.data
    except ImportError as error:
        raise MissingDependencyError("NLTK is not installed", remedy="pip install nltk") from error
    except ValueError as error:  # NLTK looks for a home folder when it is imported
        raise DataError(f"NLTK cannot be used ({error})", remedy="set HOME to your home folder") from error
    before = list(nltk.data.path)
    nltk.data.path.insert(0, str(folder))
    try:
        yield list(nltk.data.path)
    finally:
        nltk.data.path[:] = before


@contextmanager
def named_errors(what: str, folder: Path) -> Iterator[None]:
    """Turn the exceptions that NLTK raises for damaged archives and files into DataError.

    LookupError itself, for a resource that is not there, passes.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if type(error) is LookupError:
            raise
        raise DataError(
            f"NLTK cannot read {what} ({type(error).__name__}: {error})",
            where=str(folder),
            remedy="its archive is damaged: delete it and fetch it again, "
            f"python -m nltk.downloader -d {folder} NAME",
        ) from error


def load_reader(name: str, folder: Path) -> Any:
    """Return NLTK's reader of a corpus whose files are there.

    Raises:
        CorpusNotFoundError: If there is no such corpus, or its files are absent.
    """
    with first_on_path(folder) as searched:
        import nltk.corpus

        if name.startswith("_") or not hasattr(nltk.corpus, name):
            raise CorpusNotFoundError(
                f"NLTK has no corpus {name!r}",
                remedy="its names are listed at https://www.nltk.org/nltk_data/",
            )
        reader = getattr(nltk.corpus, name)
        if isinstance(reader, type | ModuleType | FunctionType):
            raise CorpusNotFoundError(f"nltk.corpus.{name} is not a corpus")
        try:
            with named_errors(name, folder):
                reader.ensure_loaded()
        except LookupError as error:
            raise CorpusNotFoundError(
                f"the NLTK corpus {name} is not here: no corpora/{name} or corpora/{name}.zip",
                where=f"looked in {', '.join(searched)}",
                remedy=f"fetch it with: python -m nltk.downloader -d {folder} {name}",
            ) from error
    return reader


_NO_SENTENCES = (AttributeError, NotImplementedError, TypeError)
"""A reader without sentences raises one of these."""


def _sentences(reader: Any, name: str, folder: Path) -> list[str]:
    """Read the sentences of one file, words with blanks between them.

    NLTK 3.10 refuses to read outside its search path, so ``folder`` is on it for as long as this takes.
    """
    with first_on_path(folder), named_errors(f"{name} of the corpus", folder):
        try:
            sentences = reader.sents(name)
        except _NO_SENTENCES as error:
            if "compression" in str(error):
                raise
            raise DataError(
                f"the NLTK corpus has no sentences ({name})",
                remedy="use one that has (brown, reuters, gutenberg)",
            ) from error
        return [" ".join(sentence) for sentence in sentences]


def _lines(reader: object, names: list[str], folder: Path) -> Iterator[str]:
    for name in names:
        yield from _sentences(reader, name, folder)


def _identity(reader: Any, splits: dict[str, list[str]], folder: Path) -> dict[str, object]:
    import nltk

    with first_on_path(folder), named_errors("the corpus", folder):
        hashes = {
            split: [hashlib.sha256(reader.raw(name).encode()).hexdigest() for name in names]
            for split, names in splits.items()
        }
    return {
        "split_rule": "by file, 90/5/5 in the order of the hashes of names",
        "nltk_version": nltk.__version__,
        "files": {split: len(names) for split, names in splits.items()},
        "key": (nltk.__version__, hashes),
    }


def nltk_corpus(name: str) -> Corpus:
    """Return a corpus of NLTK with sentences (brown, reuters, ...), split by its files.

    Raises:
        CorpusNotFoundError: If its files are absent, naming folder and command.
        DataError: If it has no sentences or fewer than three files.
    """
    folder = data_dir() / "nltk_data"
    reader = load_reader(name, folder)
    try:
        with named_errors(f"the corpus {name}", folder):
            names = list(reader.fileids())
        if not names:
            raise DataError(
                f"the NLTK corpus {name} has no files",
                where=str(folder),
                remedy=f"fetch it again: python -m nltk.downloader -d {folder} {name}",
            )
        _sentences(reader, names[0], folder)
    except LookupError as error:
        raise CorpusNotFoundError(
            f"NLTK needs its sentence splitter (punkt_tab) to read {name}",
            where=f"looked in {folder}",
            remedy=f"fetch it with: python -m nltk.downloader -d {folder} punkt_tab",
        ) from error
    if len(names) < len(SPLITS):
        raise DataError(
            f"expected three or more files to split by file, got {len(names)} of the NLTK corpus {name}",
            remedy="write its sentences to a text file and give that",
        )
    splits = split_names(names)
    return Corpus(
        f"nltk:{name}",
        description=f"the {name} corpus of NLTK, one sentence a line",
        sources={split: partial(_lines, reader, files, folder) for split, files in splits.items()},
        identity=partial(_identity, reader, splits, folder),
        defaults=TextDefaults(tokenizer="whitespace", min_count=2),
        files=(CorpusFile("all", Path(str(reader.root))),),
    )
