"""Sentences to ids in a temporary file, so that a text may be larger than memory, and their counts."""

import logging
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import IO, Any

import numpy as np

from seqkit.errors import UsageError
from seqkit.files.lines import UnfinishedLine, read_lines
from seqkit.vectors.word2vec.sampling import CHUNK

_log = logging.getLogger("seqkit")
LONGEST = CHUNK
"""Words of a sentence."""
Sentences = Iterable[Sequence[str]]
_END = object()
"""Stands after each sentence: no word of any text."""
_BLOCK = 1 << 17
_COUNTED = 1 << 24


class LineSentences:
    """The sentences of a text file: one on each line, words between blanks; read anew at each pass.

    Lines of more than LONGEST words are cut into sentences of that length.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._warned = False

    def __iter__(self) -> Iterator[list[str]]:
        words: list[str] = []
        for line in read_lines(self.path, cut_long=True):
            words += line.split()
            first = 0
            while len(words) - first > LONGEST:
                self._warn()
                yield words[first : first + LONGEST]
                first += LONGEST
            words = words[first:] if first else words
            if not isinstance(line, UnfinishedLine):
                yield words
                words = []

    def _warn(self) -> None:
        if not self._warned:
            _log.warning("%s: lines of more than %s words are cut into sentences", self.path, f"{LONGEST:,}")
            self._warned = True

    def state(self) -> tuple[str, int, int] | None:
        """Return path, size and time of change, equal as long as the file is; None where there is none."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return os.path.abspath(self.path), status.st_size, status.st_mtime_ns


def sentences_of(sentences: Sentences | None, corpus_file: str | os.PathLike[str] | None) -> Sentences:
    """Return the one that was given, to be passed over more than once. Raises UsageError."""
    if (sentences is None) == (corpus_file is None):
        raise UsageError("expected either sentences or corpus_file")
    if corpus_file is not None:
        return LineSentences(corpus_file)
    assert sentences is not None
    if isinstance(sentences, str | bytes):
        raise UsageError("expected sentences as lists of words, got a string", remedy="use corpus_file=PATH")
    if not isinstance(sentences, Iterable):
        raise UsageError(f"expected sentences as lists of words, got {sentences!r}")
    if iter(sentences) is sentences:
        raise UsageError(
            "sentences can be passed over only once", remedy="give a list, or an object with __iter__"
        )
    return sentences


def _words_of(sentence: Sequence[str]) -> Sequence[str]:
    if isinstance(sentence, str):
        raise UsageError("expected a sentence as a list of words, got a string", remedy="split it")
    if isinstance(sentence, bytes) or not hasattr(sentence, "__len__"):
        raise UsageError(f"expected a sentence as a list of words, got {str(sentence)[:40]}")
    return sentence


def _require_words(counts: Iterable[object]) -> None:
    """Raise UsageError unless all words are strings, or numbers, which are keys of vectors as well."""
    for word in counts:
        if not isinstance(word, str | int | np.integer):
            raise UsageError(f"expected words as strings, got {word!r}")


def _write(
    sentences: Sentences, ids_of: Callable[[list[object]], np.ndarray], file: IO[bytes]
) -> tuple[int, int]:
    """Write int32 ids of words and ends, block by block; return the number of sentences and of words."""
    count = words = 0
    buffer: list[object] = []
    for count, sentence in enumerate(sentences, 1):  # noqa: B007  # returned
        before = len(buffer)
        buffer.extend(_words_of(sentence))
        words += len(buffer) - before
        buffer.append(_END)
        if len(buffer) >= _BLOCK:
            ids_of(buffer).tofile(file)
            buffer.clear()
    ids_of(buffer).tofile(file)
    file.flush()
    return count, words


def _mapped(file: IO[bytes]) -> np.ndarray:
    return np.memmap(file, np.int32, "r") if file.seek(0, os.SEEK_END) else np.zeros(0, np.int32)


class _FirstSeen(dict[Any, int]):
    """word -> the number of distinct words before it."""

    def __missing__(self, word: object) -> int:
        self[word] = len(self)
        return self[word]


@dataclass
class Scan:
    """A text read once: its distinct words, how often each occurs, and the order of all of them."""

    counts: dict[str, int]
    sentences: int
    words: int
    order: np.ndarray | None = None
    """(N,) int32, 0 for the end of a sentence, else 1 + a word's place in ``counts``; None: was not kept."""

    def write_ids(self, index: dict[str, int], end: int, file: IO[bytes]) -> None:
        """Write the int32 ids of the known words in the order of the text, ``end`` after each sentence."""
        assert self.order is not None
        ids = np.fromiter(map(index.get, self.counts, repeat(-1)), np.int32, len(self.counts))
        ids = np.concatenate([np.array([end], np.int32), ids])
        for start in range(0, len(self.order), _COUNTED):
            known = ids[self.order[start : start + _COUNTED]]
            known[known >= 0].tofile(file)
        file.flush()


def scan(sentences: Sentences) -> Scan:
    """Count the words, and keep their order in an unnamed file, so that no second pass has to be made."""
    places = _FirstSeen({_END: 0})

    def ids_of(buffer: list[object]) -> np.ndarray:
        return np.fromiter(map(places.__getitem__, buffer), np.int32, len(buffer))

    with tempfile.TemporaryFile(prefix="seqkit-") as file:
        count, words = _write(sentences, ids_of, file)
        order = _mapped(file)  # stays when the file is closed
    del places[_END]
    _require_words(places)
    totals = np.zeros(len(places) + 1, np.int64)
    for start in range(0, len(order), _COUNTED):
        totals += np.bincount(order[start : start + _COUNTED], minlength=len(totals))
    return Scan(dict(zip(places, totals[1:].tolist(), strict=True)), count, words, order)


def scan_bounded(sentences: Sentences, limit: int, stays: Callable[[str, int, int], bool]) -> Scan:
    """Count the words, keeping about ``limit`` distinct ones at most, as gensim does.

    After each sentence that leaves more, the words for which ``stays`` (word, count, threshold) is False go,
    and the threshold rises by one. A rare word that comes back is counted from nothing.
    """
    counts: Counter[str] = Counter()
    count = words = 0
    threshold = 1
    for count, sentence in enumerate(sentences, 1):  # noqa: B007  # returned
        counts.update(_words_of(sentence))
        words += len(sentence)
        if len(counts) > limit:
            for word in [w for w, n in counts.items() if not stays(w, n, threshold)]:
                del counts[word]
            threshold += 1
    _require_words(counts)
    return Scan(counts, count, words)


def write_ids(sentences: Sentences, index: dict[str, int], end: int, file: IO[bytes]) -> tuple[int, int]:
    """Write the ids of the known words, ``end`` after each sentence, as int32; return sentences and words."""
    table: dict[Any, int] = {**index, _END: end}

    def ids_of(buffer: list[object]) -> np.ndarray:
        ids = np.fromiter(map(table.get, buffer, repeat(-1)), np.int32, len(buffer))
        return ids[ids >= 0]

    return _write(sentences, ids_of, file)


def read_ids(file: IO[bytes]) -> np.ndarray:
    """Return what :func:`write_ids` wrote, (N,) int32, mapped."""
    return _mapped(file)
