"""Vocabularies as word2vec writes them: a word, a blank and its count on each line."""

from __future__ import annotations

import os
from collections.abc import Iterable

from seqkit.errors import UsageError
from seqkit.vectors.formats.source import Source, published

_LONGEST_LINE = 1 << 16


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
