"""word2vec's binary format: a header line, then each word, a blank and its float32 numbers, little-endian.

Source: word2vec.c (``-binary 1``), which ends each vector with a line feed; gensim writes none. A file that
has them has them throughout, which is how a shifted row is noticed. Line feeds before a word are no part of
it.
"""

import numpy as np

from seqkit.vectors.formats.content import (
    MAX_DIMENSIONS,
    Content,
    descending_counts,
    first_not_finite,
    first_of_each,
    header_of,
    utf8_words,
)
from seqkit.vectors.formats.options import ReadOptions
from seqkit.vectors.formats.source import BLOCK, Source
from seqkit.vectors.words import Words

_LONGEST_WORD = 1 << 16
_CONTROLS = bytes(range(1, 32))


def read_binary(source: Source, options: ReadOptions) -> Content:
    """Read float32 vectors. Raises DataError as :func:`~seqkit.vectors.formats.text.read_text` does."""
    line = source.read_line(_LONGEST_WORD)
    sizes = header_of(line)
    if sizes is None or not line.endswith(b"\n"):
        source.fail("expected a header of two whole numbers in the first line", at=0)
    stated, dimensions = sizes
    if not 0 < dimensions <= MAX_DIMENSIONS:
        source.fail(f"expected 1 to {MAX_DIMENSIONS} dimensions, got {dimensions}", at=0)
    due = stated if options.limit is None else min(stated, options.limit)
    row_size = 4 * dimensions
    if source.size is not None and due * (row_size + 2) > source.size - source.position:
        source.fail(
            f"{source.size} bytes cannot hold the {stated} words of {dimensions} dimensions that it promises",
            at=0,
        )
    matrix = np.empty(
        (due if source.size is not None else min(due, 1 + BLOCK // row_size), dimensions), np.float32
    )
    words: list[bytes] = []
    positions: list[int] = []
    ends_line: bool | None = None  # whether vectors end with a line feed; known after the first
    buffer, at, base = b"", 0, source.position
    while len(words) < due:
        stop = buffer.find(b" ", at, at + _LONGEST_WORD)
        if stop < 0 or len(buffer) < stop + 1 + row_size:
            if stop < 0 and len(buffer) - at >= _LONGEST_WORD:
                source.fail(f"no blank ends the word of entry {len(words) + 1}", at=base + at)
            more = source.read(max(BLOCK, row_size))
            if not more:
                source.fail(f"the file ends after {len(words)} words; the header promises {stated}")
            buffer, base, at = buffer[at:] + more, base + at, 0
            continue
        word = buffer[at:stop]
        if words and ends_line is None:
            ends_line = word.startswith(b"\n")
        if words and ends_line and not word.startswith(b"\n"):
            source.fail(f"entry {len(words) + 1} does not begin where one should", at=base + at)
        word = word.lstrip(b"\n")
        if not word:
            source.fail(f"entry {len(words) + 1} has no word", at=base + at)
        if min(word) < 32 and not _is_text(word):
            source.fail(f"the word {word[:40]!r} holds a control character", at=base + at)
        if len(words) == len(matrix):
            matrix.resize((min(due, len(matrix) * 2), dimensions), refcheck=False)
        matrix[len(words)] = np.frombuffer(buffer, "<f4", dimensions, stop + 1)
        words.append(word)
        positions.append(base + stop - len(word))
        at = stop + 1 + row_size
    if due == stated:
        rest = buffer[at : at + 2] or source.read(2)
        if rest not in (b"", b"\n", b"\r\n"):
            source.fail(f"more bytes than the {stated} entries that the header promises", at=base + at)
    _check_finite(source, matrix, words, positions)
    words = utf8_words(source, words, np.array(positions, np.int64), options)
    kept = first_of_each(words, source.name, options, positions)
    if kept is not None:
        matrix, words = matrix[kept], [words[i] for i in kept]
    return Content(matrix, Words.of(words), attributes={"count": descending_counts(due, len(words))})


def _is_text(word: bytes) -> bool:
    """Return whether a word with a control character is a word of some text, and no bytes of numbers."""
    try:
        return word.strip(_CONTROLS).decode().isprintable() and b"\0" not in word
    except UnicodeDecodeError:
        return False


def _check_finite(source: Source, matrix: np.ndarray, words: list[bytes], positions: list[int]) -> None:
    row = first_not_finite(matrix)
    if row is not None:
        source.fail(
            f"the vector of {words[row][:40].decode(errors='replace')!r} holds a number that is not finite",
            at=positions[row] + len(words[row]) + 1,
        )
