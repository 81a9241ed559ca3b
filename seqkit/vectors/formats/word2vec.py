"""gensim's ways of reading and writing word2vec's formats, with all its settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import UsageError
from seqkit.vectors.formats.binary import read_binary
from seqkit.vectors.formats.content import Content
from seqkit.vectors.formats.source import Source, appended, published
from seqkit.vectors.formats.text import read_text

if TYPE_CHECKING:
    from seqkit.vectors.table import VectorTable

_log = logging.getLogger("seqkit")
_PathLike = str | os.PathLike[str]
_LONGEST_LINE = 1 << 16
_DIGITS = {2: 5, 4: 9, 8: 17}
"""Significant digits that give a number of so many bytes back exactly."""


def load(
    path: _PathLike,
    *,
    fvocab: _PathLike | None = None,
    binary: bool = False,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    limit: int | None = None,
    datatype: Any = np.float32,
    no_header: bool = False,
) -> Content:
    """Vectors of a word2vec file.

    fvocab: a file of "word count" lines, for the attribute "count"; without it the counts are N … 1.
    limit: read only the first so many. datatype: of the vectors in memory; read as float32.
    no_header: a text file that begins with its first word, as GloVe's.
    """
    if no_header and binary:
        raise UsageError("a binary file without a header cannot be read", remedy="give binary=False")
    with Source(path) as source:
        if binary:
            content = read_binary(
                source, limit=limit or None, encoding=encoding, errors=unicode_errors, duplicates="first"
            )
        else:
            content = read_text(
                source,
                header=not no_header,
                limit=limit or None,
                encoding=encoding,
                errors=unicode_errors,
                duplicates="first",
            )
    if np.dtype(datatype) != content.vectors.dtype:
        content.vectors = content.vectors.astype(datatype)
    if fvocab is not None:
        content.attributes["count"] = _read_counts(fvocab, content.words.to_list(), unicode_errors)
    return content


def _read_counts(path: _PathLike, words: list[str], errors: str) -> np.ndarray:
    counts: dict[str, int] = {}
    with Source(path) as source:
        number = 0
        while line := source.read_line(1 << 16):
            number += 1
            try:
                word, count = line.decode(errors=errors).strip().split()
                counts[word] = int(count)
                if not 0 <= counts[word] < 1 << 63:
                    raise ValueError
            except ValueError:
                source.fail("not a word and its count", at=source.position - len(line), line=number)
    missing = [word for word in words if word not in counts]
    if missing:
        _log.warning("%s: no count for %d words, such as %r; they get 0", path, len(missing), missing[0])
    return np.array([counts.get(word, 0) for word in words], np.int64)


def save(
    table: VectorTable,
    path: _PathLike,
    *,
    fvocab: _PathLike | None = None,
    binary: bool = False,
    total_vec: int | None = None,
    write_header: bool = True,
    prefix: str = "",
    append: bool = False,
    sort_attr: str = "count",
) -> None:
    """Write word2vec's format; whole or not at all, unless ``append``.

    fvocab: also a file of "word count" lines. total_vec: another number for the header. write_header: False
    makes the text format GloVe's. prefix: put before each word. sort_attr: the attribute whose descending
    order the rows take, where it is there.

    Numbers of the text format have as many digits as give them back exactly. Raises UsageError for keys that
    the format cannot hold: empty, or with a blank or line feed.
    """
    keys, order = table.index_to_key, np.arange(len(table))
    if sort_attr in table.expandos:
        order = np.argsort(-table.expandos[sort_attr], kind="stable")
    elif fvocab is not None:
        raise UsageError(f"no attribute {sort_attr!r} to write to {fvocab}", remedy="set it with set_vecattr")
    names = [f"{prefix}{keys[i]}".encode() for i in order]
    for name in names:
        if _unfit(name, binary):
            raise UsageError(
                f"the key {name.decode()!r} does not fit word2vec's formats", remedy="save the native format"
            )
    opened = appended if append else published
    if fvocab is not None:
        counts = table.expandos[sort_attr]
        with opened(fvocab) as file:
            for i, name in zip(order, names, strict=True):
                file.write(name + f" {counts[i]}\n".encode())
    vectors = table.vectors
    count = len(names) if total_vec is None else total_vec
    with opened(path) as file:
        if write_header:
            file.write(f"{count} {table.vector_size}\n".encode())
        if binary:
            for i, name in zip(order, names, strict=True):
                file.write(name + b" " + vectors[i].astype("<f4").tobytes() + b"\n")
        else:
            form = f" %.{_DIGITS[vectors.dtype.itemsize]}g" * table.vector_size + "\n"
            for i, name in zip(order, names, strict=True):
                file.write(name + (form % tuple(vectors[i].tolist())).encode())


def _unfit(name: bytes, binary: bool) -> bool:
    return not name or b" " in name or b"\n" in name or (binary and min(name) < 32)


def write_counts(words: Iterable[tuple[str, int]], path: str | os.PathLike[str]) -> None:
    """Write (word, count) pairs, most frequent first; atomically. UsageError for a word with a blank."""
    rows = sorted(words, key=lambda row: -row[1])
    for word, _ in rows:
        if [word] != word.split():
            raise UsageError(f"the word {word!r} is empty or holds a blank: no reader gets it back")
    with published(path) as file:
        file.write("".join(f"{word} {count}\n" for word, count in rows).encode())


def read_counts(path: str | os.PathLike[str]) -> dict[str, int]:
    """Word -> count. Raises DataError naming line and byte for another line or a word that stands twice."""
    counts: dict[str, int] = {}
    with Source(path) as source:
        number = 0
        while line := source.read_line(_LONGEST_LINE):
            number += 1
            at = source.position - len(line)
            try:
                word, count = line.decode().split()
                value = int(count) if count.isascii() and count.isdecimal() and len(count) <= 18 else -1
            except ValueError:  # of decode and of the assignment
                value, word = -1, ""
            if value < 0:
                source.fail(
                    "not a word and its count", at=at, line=number, remedy="correct or remove the line"
                )
            if word in counts:
                source.fail(f"the word {word!r} stands twice", at=at, line=number, remedy="remove one")
            counts[word] = value
    return counts
