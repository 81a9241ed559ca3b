"""The content of a vector file, and the checks that all readers share."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqkit.errors import DataError
from seqkit.vectors.formats.options import ReadOptions
from seqkit.vectors.formats.source import Source
from seqkit.vectors.words import Words

_log = logging.getLogger("seqkit")

_CUT_AT = (98, 99, 100)
"""Bytes of the words that word2vec.c and its variants cut: MAX_STRING is 100, with and without the ends."""

MAX_DIMENSIONS = 1 << 16
"""The widest vectors that are read: a header beyond it is taken for damage before memory is."""


def header_of(line: bytes) -> tuple[int, int] | None:
    """Return (words, dimensions) when the line is a word2vec header: two whole numbers and no more."""
    fields = line.split()
    if len(fields) == 2 and all(f.isdigit() and len(f) <= 18 for f in fields):
        return int(fields[0]), int(fields[1])
    return None


@dataclass
class Content:
    """The content of a vector file.

    Args:
        vectors: (N, D).
        words: N of them, none twice.
        norms: The lengths of the vectors, float32, (N,), where stored.
        attributes: Name -> (N,) array, such as "count".
        unproved: For vectors that are mapped from a file and not yet checked: makes the error for a row that
            turns out not to be finite. None: all are finite.
        extras: Further arrays of any shape, of a native file.
        settings: JSON values of a native file.
    """

    vectors: np.ndarray
    words: Words
    norms: np.ndarray | None = None
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    unproved: Callable[[int], DataError] | None = None
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def first_of_each(
    words: Sequence[bytes], name: str, options: ReadOptions, positions: Sequence[int] | np.ndarray
) -> np.ndarray | None:
    """Return None if no word occurs twice, else the indices of the first of each, with a warning.

    Raises DataError instead, unless ``options`` say to keep the first.
    """
    if len(set(words)) == len(words):
        return None
    first: dict[bytes, int] = {}
    for i, word in enumerate(words):
        if word in first and options.duplicates == "error":
            raise DataError(
                f"the word {word.decode(errors='replace')!r} stands twice",
                where=f"{name}, entries {first[word] + 1} and {i + 1}, byte {positions[i]}",
                remedy=options.remedies.repeated,
            )
        first.setdefault(word, i)
    _log.warning("%s: %d repeated words, only the first of each is kept", name, len(words) - len(first))
    return np.fromiter(first.values(), np.int64, len(first))


def descending_counts(stated: int, kept: int) -> np.ndarray:
    """Return gensim's stand-in for counts of files without them: (kept,), from ``stated`` down."""
    return stated - np.arange(kept, dtype=np.int64)


def utf8_words(
    source: Source, words: list[bytes], positions: np.ndarray, options: ReadOptions
) -> list[bytes]:
    """Return the words as UTF-8, from the encoding given."""
    encoding = options.encoding
    if encoding.lower().replace("-", "") == "utf8":
        try:
            b"\n".join(words).decode()
            return words
        except UnicodeDecodeError:
            pass
    result, cut = [], []
    for word, at in zip(words, positions.tolist(), strict=True):
        try:
            result.append(word.decode(encoding, options.errors).encode())
        except UnicodeError as error:
            if _is_cut(word, error):
                result.append(word.decode(encoding, "backslashreplace").encode())
                cut.append(result[-1])
                continue
            place = at + getattr(error, "start", 0)
            source.fail(
                f"the word {word[:40]!r} is not {encoding}", at=place, remedy=options.remedies.encoding
            )
    if cut:
        shown = cut[0].decode()
        _log.warning("%s: %d words are cut within a character, as %r", source.name, len(cut), shown)
    return result


def _is_cut(word: bytes, error: UnicodeError) -> bool:
    """Return whether word2vec.c has cut a word, at 100 bytes with its end, within its last character."""
    ends = isinstance(error, UnicodeDecodeError) and error.end == len(word) and error.start >= len(word) - 3
    return ends and len(word) in _CUT_AT


def first_not_finite(matrix: np.ndarray) -> int | None:
    """Return the first row with NaN or infinity, or None; in blocks, so that it takes little memory."""
    step = max(1, (1 << 20) // max(1, matrix.shape[1]))
    for start in range(0, len(matrix), step):
        finite = np.isfinite(matrix[start : start + step]).all(axis=1)
        if not finite.all():
            return start + int(np.argmin(finite))
    return None
