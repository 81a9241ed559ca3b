"""word2vec's formats as gensim reads and writes them, and its files of counts."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from seqkit.errors import DataError, UsageError
from seqkit.progress import tracked
from seqkit.vectors.formats.binary import read_binary
from seqkit.vectors.formats.content import Content
from seqkit.vectors.formats.options import GENSIM, ReadOptions
from seqkit.vectors.formats.source import Source, appended, numbered_lines, published
from seqkit.vectors.formats.text import read_text
from seqkit.vectors.words import encode_words

if TYPE_CHECKING:
    from seqkit.vectors.table import VectorTable

_log = logging.getLogger("seqkit")
_PathLike = str | os.PathLike[str]
_DIGITS = {2: 5, 4: 9, 8: 17}
"""Significant digits that restore a number of this many bytes exactly."""


def load(
    path: _PathLike,
    *,
    fvocab: _PathLike | None = None,
    binary: bool = False,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    limit: int | None = None,
    datatype: DTypeLike = np.float32,
    no_header: bool = False,
) -> Content:
    """Read the vectors of a word2vec file.

    Args:
        path: The file.
        fvocab: A file of "word count" lines, for the attribute "count"; without it the counts are N … 1.
        binary: Whether the file is of the binary format.
        encoding: The encoding of the words.
        unicode_errors: For bytes that are not of the encoding: "strict", "ignore" or "replace".
        limit: Read only this many words, the first ones; 0 or None for all.
        datatype: The type of the vectors in memory; they are read as float32.
        no_header: Whether a text file begins with its first word, as GloVe's.

    Raises:
        DataError: The file is damaged or of another format; names the byte.
        UsageError: For arguments that exclude each other.
    """
    if no_header and binary:
        raise UsageError("a binary file without a header cannot be read", remedy="give binary=False")
    options = ReadOptions(limit or None, encoding, unicode_errors, "first", remedies=GENSIM)
    with Source(path, GENSIM) as source:
        content = read_binary(source, options) if binary else read_text(source, options, header=not no_header)
    if np.dtype(datatype) != content.vectors.dtype:
        content.vectors = content.vectors.astype(datatype)
    if fvocab is not None:
        content.attributes["count"] = _counts_of(fvocab, content.words.to_list(), unicode_errors)
    return content


def _counts_of(path: _PathLike, words: list[str], errors: str) -> np.ndarray:
    """The counts of ``words`` in a file of "word count" lines, 0 for those that it lacks."""
    counts = read_counts(path, errors=errors)
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

    Numbers of the text format have as many digits as give them back exactly.

    Args:
        table: The vectors.
        path: The file.
        fvocab: Also write a file of "word count" lines.
        binary: Whether to write the binary format.
        total_vec: Another number for the header.
        write_header: False makes the text format GloVe's.
        prefix: Put before each word.
        append: Whether to write at the end of a file.
        sort_attr: The attribute whose descending order the rows take, where it is there.

    Raises:
        UsageError: For keys that the format cannot hold: empty, or with a blank or line feed.
        DataError: The file cannot be written.
    """
    if total_vec is not None and not write_header:
        raise UsageError("total_vec has no effect here: it is for the header, write_header=True")
    keys, order = table.index_to_key, np.arange(len(table))
    if sort_attr in table.expandos:
        order = np.argsort(-table.expandos[sort_attr], kind="stable")
    elif fvocab is not None or sort_attr != "count":
        raise UsageError(
            f"no attribute {sort_attr!r} to {'sort by' if fvocab is None else f'write to {fvocab}'}",
            remedy="set it with set_vecattr",
        )
    names = encode_words(f"{prefix}{keys[i]}" for i in order)
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
    rows = tracked(zip(order, names, strict=True), "writing vectors", "words", total=len(names))
    with opened(path) as file:
        if write_header:
            file.write(f"{count} {table.vector_size}\n".encode())
        if binary:
            for i, name in rows:
                file.write(name + b" " + vectors[i].astype("<f4").tobytes() + b"\n")
        else:
            form = f" %.{_DIGITS[vectors.dtype.itemsize]}g" * table.vector_size + "\n"
            for i, name in rows:
                file.write(name + (form % tuple(vectors[i].tolist())).encode())


def _unfit(name: bytes, binary: bool) -> bool:
    return not name or b" " in name or b"\n" in name or (binary and min(name) < 32)


def write_counts(words: Iterable[tuple[str, int]], path: str | os.PathLike[str]) -> None:
    """Write (word, count) pairs, most frequent first. Raises UsageError for a word with a blank."""
    rows = sorted(words, key=lambda row: -row[1])
    for word, _ in rows:
        if [word] != word.split():
            raise UsageError(f"expected a word without blanks, got {word!r}", remedy="replace the blanks")
    names = encode_words(word for word, _ in rows)
    with published(path) as file:
        file.write(b"".join(b"%b %d\n" % (name, count) for name, (_, count) in zip(names, rows, strict=True)))


def read_counts(path: _PathLike, *, errors: str = "strict") -> dict[str, int]:
    """Read a vocabulary as word2vec writes it: a word, a blank and its count on each line.

    Args:
        path: The file.
        errors: For bytes that are not UTF-8: "strict", "ignore" or "replace", which may make words equal; the
            last one counts.

    Returns:
        Word -> count.

    Raises:
        DataError: A malformed line, or a word that occurs twice; names line and byte.
    """
    counts: dict[str, int] = {}
    for number, at, line in numbered_lines(path, errors=errors):
        fields = line.split()
        word, count = fields if len(fields) == 2 else ("", "")
        if not (count.isascii() and count.isdecimal() and len(count) <= 18):
            problem = f"expected a word and its count, got {line.strip()[:40]!r}"
        elif word in counts and errors == "strict":
            problem = f"the word {word!r} stands twice"
        else:
            counts[word] = int(count)
            continue
        where = f"{path}, line {number}, byte {at}"
        raise DataError(problem, where=where, remedy="correct or remove the line")
    return counts
