"""The names of corpora as users type them: a registered name, or the path of a file or a folder."""

import difflib
from pathlib import Path

from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.registry import REGISTRY, corpus_names
from seqkit.errors import CorpusNotFoundError, DataError, Remedy, UsageError
from seqkit.files.archives import split_member, with_member
from seqkit.files.what_is import not_as_expected, what_is

_FORMS = {
    "text": "nltk:NAME, a text file or a folder",
    "seq2seq": "a table of sources and targets, two files whose lines belong together, or a folder of such",
    "labelled": "a table of labels and texts, or a folder with a text file for each class",
    "tagged": "a file with a word and its tag in each line, or a folder with train, valid and test files",
    "images": "a folder with one sub-folder of images for each class",
}
"""The files and folders that are accepted beside a registered name, by type of corpus."""


def find_registered(name: str, type: str) -> CorpusEntry | None:  # noqa: A002
    """Return the entry of a name; None for one that is not registered."""
    if not name:
        raise UsageError(
            "expected a corpus, got an empty name", remedy=f"use {', '.join(corpus_names(type))} or a path"
        )
    entry = REGISTRY.get(name)
    if entry is not None and entry.type != type:
        raise DataError(
            f"expected a corpus of the type {type}, got {name} ({entry.type}: {entry.description})",
            remedy=f"use {', '.join(corpus_names(type))}, or {_FORMS[type]}",
        )
    return entry


def existing_path(name: str, type: str) -> Path:  # noqa: A002
    """Return the path of a name, which exists.

    Raises:
        CorpusNotFoundError: If it does not, with the names that may have been meant.
    """
    path = Path(name).expanduser() if type == "images" else Path(name)
    try:
        archive, member = split_member(path)
        there = archive.exists()
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        raise DataError(f"cannot be read ({getattr(error, 'strerror', error)})", where=repr(name)) from error
    if there and type != "images":
        path = with_member(path)
    if member is not None or path != Path(name).expanduser():
        return path
    if there and not (path.is_file() or path.is_dir()):
        raise DataError(
            "expected a file or folder, got a pipe or device, which cannot be read twice",
            where=name,
            remedy="write its content to a file first",
        )
    if there:
        refuse_other_folders(path, type)
        return path
    names = corpus_names(type)
    close = difflib.get_close_matches(name, names, n=2)
    meant = f"did you mean {' or '.join(close)}?" if close else f"registered: {', '.join(names)}"
    raise CorpusNotFoundError(
        f"no corpus {name!r}: neither a registered name nor a file or folder",
        where=f"looked in {path.absolute().parent}",
        remedy=f"{meant}; or give {_FORMS[type]}",
    )


def refuse_other_folders(path: Path, type: str) -> None:  # noqa: A002
    """Raise DataError for a folder that is a run, a checkpoint folder, or a corpus of another type."""
    if not path.is_dir():
        return
    found = what_is(path)
    images = "train-images" in (found.opened_by or "")
    other = found.sort == "corpus" and type != "seq2seq" and images != (type == "images")
    if found.sort in ("run", "checkpoint", "other") or other:
        raise not_as_expected(
            path, f"{path} is no corpus of the type {type}", error=DataError, remedy=f"give {_FORMS[type]}"
        )


def file_of_pairs(name: str) -> Path:
    path = existing_path(name, "seq2seq")
    if not name or path.is_dir():
        raise DataError(
            "expected a file of pairs, got a folder", where=name, remedy=f"give {_FORMS['seq2seq']}"
        )
    return path


def path_exists(path: Path) -> bool:
    """Return whether there is a file, a folder, or the archive of a member; False for what is no path."""
    try:
        return split_member(path)[0].exists()
    except (OSError, ValueError):  # a name too long, a zero byte
        return False


def without_effect(given: str, purpose: str, name: str) -> UsageError:
    """Return the error for an argument that has no effect on a corpus."""
    flag = "--header or --no-header" if given == "header" else f"--{given.replace('_', '-')}"
    return UsageError(
        f"{given} has no effect here: it is for {purpose}, and {name} is none",
        remedy=Remedy(f"leave {given} out", command=f"leave out {flag}"),
    )
