r"""ARPA files of n-gram models, as KenLM, SRILM and others read and write them.

A header ``\data\`` with the number of n-grams of each order, a section ``\k-grams:`` for each order with a
line ``log10 probability, tab, words, tab, log10 back-off weight`` for each n-gram, and ``\end\``. Lines begin
after ``<s>`` and end in ``</s>``; ``<unk>`` stands for all other words. Files may be compressed.
"""

from __future__ import annotations

import gzip
import re
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from seqkit.errors import DamagedFileError, DataError, UsageError
from seqkit.files.atomic import atomic_writer
from seqkit.files.lines import content_size, read_lines
from seqkit.models.ngrams import NGramConfig, NGramModel
from seqkit.models.ngrams.trie import ABSENT, NGramTrie
from seqkit.progress import tracked
from seqkit.text.special_tokens import UNK

BOS, EOS = "<s>", "</s>"
MISSING_UNK = -100.0
"""log10 P of unknown words in a file without ``<unk>``, as KenLM has it."""
NO_PROBABILITY = -99.0
"""The number that files state for ``<s>``, which is never predicted."""
_LEAST_LINE = 4
"""Bytes that the shortest line of an n-gram takes."""
_LONGEST_ORDER = 32
_AT_ONCE = 1 << 16
_BLANKS = re.compile("[ \t]+")


def write_arpa(path: str | Path, model: NGramModel, words: Sequence[str]) -> None:
    """Write a model, gzip-compressed if the name ends in ``.gz``.

    Args:
        path: The file.
        model: The model.
        words: The word of each id; that of ``eos_id`` is written as ``</s>``.

    Raises:
        UsageError: A word that such a file cannot hold: an empty one, or one with a blank.
    """
    config, V = model.config, model.config.vocab_size
    texts = [*words, BOS]
    texts[config.eos_id] = EOS
    for word in texts:
        if not word or re.search(r"[ \t\r\n\0]", word):
            raise UsageError(f"expected words without blanks, got {word!r}: an ARPA file cannot hold it")
    for word in (BOS, EOS):
        if texts.count(word) > 1:
            raise UsageError(f"expected words other than {word}, which stands for an end of a line there")
    table = np.array(texts, object)
    listed = [np.arange(V + 1)]
    listed += [np.flatnonzero(~np.isnan(np.asarray(probs))) for probs in model.log10_probs[1:]]

    def lines() -> Iterator[str]:
        yield "\\data\\\n" + "".join(f"ngram {k}={len(of_order)}\n" for k, of_order in enumerate(listed, 1))
        for k, of_order in enumerate(listed, 1):
            yield f"\n\\{k}-grams:\n"
            backoffs = model.log10_backoffs[k - 1] if k < config.order else None
            for start in tracked(range(0, len(of_order), _AT_ONCE), f"writing {k}-grams", "blocks"):
                numbers = of_order[start : start + _AT_ONCE]
                probs = model.log10_probs[k - 1][numbers].tolist()
                weights = [0.0] * len(numbers) if backoffs is None else backoffs[numbers].tolist()
                yield "".join(
                    f"{_number(prob)}\t{' '.join(ngram)}{f'{chr(9)}{weight:.9g}' if weight else ''}\n"
                    for prob, ngram, weight in zip(
                        probs, table[model.trie.ids(k, numbers)].tolist(), weights, strict=True
                    )
                )
        yield "\n\\end\\\n"

    with atomic_writer(path) as file:
        stream = gzip.GzipFile("", "wb", 6, file, mtime=0) if str(path).endswith(".gz") else file
        for text in lines():
            stream.write(text.encode())
        if stream is not file:
            stream.close()


def _number(log10: float) -> str:
    return f"{NO_PROBABILITY:g}" if np.isnan(log10) else f"{log10:.9g}"


class _Reader:
    """The lines of a file, with the number of the last one for messages."""

    def __init__(self, path: Path) -> None:
        self.path, self.number = path, 0
        self.lines = read_lines(path)

    def next(self) -> str | None:
        """Return the next line that is not blank; None at the end of the file."""
        for line in self.lines:
            self.number += 1
            if line.strip():
                return line.strip("\r\n")
        return None

    def damaged(self, why: str) -> DamagedFileError:
        return DamagedFileError(
            f"{self.path}, line {self.number}: {why}", remedy="give an ARPA file, copied whole"
        )


def read_arpa(path: str | Path) -> tuple[NGramModel, list[str]]:
    """Return the model of an ARPA file and the word of each id: ``</s>``, ``<unk>``, then as in the file.

    A file without ``<unk>`` gives unknown words a log10 probability of -100. A context that has no line of
    its own, as pruning leaves it, is added without a probability.

    Raises:
        DamagedFileError: The file is no ARPA file, or cut, or a line of it cannot be used; with the line.
        DataError: The file cannot be read.
    """
    path = Path(path)
    reader = _Reader(path)
    sizes = _header(reader)
    limit = content_size(path) // _LEAST_LINE
    if sum(sizes) > limit:
        raise reader.damaged(f"expected at most {limit:,} n-grams in a file of this size, got {sum(sizes):,}")
    words: dict[str, int] = {EOS: 0, UNK: 1}
    listed: set[str] = set()
    rows, probs, weights = [], [], []
    for k, size in enumerate(sizes, 1):
        flat, prob, weight = array("q"), array("d"), array("d")
        for row in range(size):
            line = reader.next()
            if line is None or line.startswith("\\"):
                raise reader.damaged(f"expected {size:,} {k}-grams, got {row:,}")
            log10, ngram, backoff = _entry(reader, line, k, len(sizes))
            if k == 1 and ngram != [BOS]:
                word = UNK if ngram[0] == "<UNK>" else ngram[0]
                if word in listed:
                    raise reader.damaged(f"the word {word!r} stands there twice")
                listed.add(word)
                words.setdefault(word, len(words))
            prob.append(log10)
            weight.append(backoff)
            flat.extend(_ids(reader, ngram, words))
        ids = np.array(flat, np.int64).reshape(size, k)
        rows.append(ids)
        probs.append(np.array(prob))
        weights.append(np.array(weight))
        line = reader.next()
        expected = f"\\{k + 1}-grams:" if k < len(sizes) else "\\end\\"
        if line is None or line.strip() != expected:
            raise reader.damaged(f"expected {expected}, got {'the end' if line is None else repr(line[:60])}")
    if EOS not in listed or np.count_nonzero(rows[0] == ABSENT) != 1:
        raise reader.damaged(f"expected the 1-grams {BOS} and {EOS}, once each")
    return _model(reader, rows, probs, weights, list(words))


def _ids(reader: _Reader, ngram: list[str], words: dict[str, int]) -> list[int]:
    """Return the ids of words; ABSENT for ``<s>``, which stands first."""
    found = [words.get(word, -2) for word in ngram]
    if ngram[0] == BOS:
        found[0] = ABSENT
    for word, i in zip(ngram, found, strict=True):
        if i == -2 and word == "<UNK>":
            return _ids(reader, [UNK if each == word else each for each in ngram], words)
        if i == -2:
            raise reader.damaged(f"expected a word of the 1-grams, got {word!r}")
    return found


def _header(reader: _Reader) -> list[int]:
    line = reader.next()
    if line is None or line.strip() != "\\data\\":
        raise reader.damaged(f"expected \\data\\, got {'nothing' if line is None else repr(line[:60])}")
    sizes: list[int] = []
    while True:
        line = reader.next()
        match = None if line is None else re.fullmatch(r"ngram\s+(\d{1,2})\s*=\s*(\d{1,12})\s*", line)
        if match is None:
            break
        if int(match[1]) != len(sizes) + 1 or len(sizes) == _LONGEST_ORDER:
            raise reader.damaged(f"expected the number of {len(sizes) + 1}-grams, got {line!r}")
        sizes.append(int(match[2]))
    if not sizes or line is None or line.strip() != "\\1-grams:":
        raise reader.damaged(f"expected \\1-grams:, got {'the end' if line is None else repr(line[:60])}")
    return sizes


def _entry(reader: _Reader, line: str, k: int, order: int) -> tuple[float, list[str], float]:
    """Return log10 probability, words and log10 back-off weight of a line."""
    first, *rest = [cell for cell in _BLANKS.split(line) if cell] or [""]
    if len(rest) not in (k, k + 1) or (len(rest) > k and k == order):
        raise reader.damaged(
            f"expected a probability, {k} word(s){'' if k == order else ' and a weight'}, got {line[:60]!r}"
        )
    try:
        prob, weight = float(first), float(rest[k]) if len(rest) > k else 0.0
    except ValueError:
        raise reader.damaged(f"expected numbers, got {line[:60]!r}") from None
    if not prob <= 0 or not np.isfinite(weight):
        raise reader.damaged(f"expected a log10 probability of at most 0, got {line[:60]!r}")
    return prob, rest[:k], weight


def _model(
    reader: _Reader,
    rows: list[np.ndarray],
    probs: list[np.ndarray],
    weights: list[np.ndarray],
    words: list[str],
) -> tuple[NGramModel, list[str]]:
    V = len(words)
    config = NGramConfig(V, len(rows), eos_id=0)
    unigrams, unigram_weights = np.full(V + 1, np.nan), np.zeros(V + 1)
    unigrams[1] = MISSING_UNK
    for ids in rows:
        ids[ids == ABSENT] = V
    unigrams[rows[0][:, 0]], unigram_weights[rows[0][:, 0]] = probs[0], weights[0]
    unigrams[V] = np.nan
    trie, log10_probs, log10_weights = NGramTrie(V), [unigrams], [unigram_weights]
    for k in range(2, len(rows) + 1):
        ids = rows[k - 1]
        numbers = _context_numbers(trie, ids)
        if (numbers == ABSENT).any():
            _add_contexts(rows, probs, weights)
            return _model(reader, rows, probs, weights, words)
        key = numbers.astype(np.int64) * (V + 1) + ids[:, -1]
        order = np.argsort(key, kind="stable")
        key = key[order]
        twice = np.flatnonzero(key[1:] == key[:-1])
        if len(twice):
            texts = [*words, BOS]
            again = " ".join(texts[i] for i in ids[order[twice[0]]].tolist())
            raise DataError(f"the {k}-gram {again!r} stands there twice", where=str(reader.path))
        trie.append_keys(key)
        log10_probs.append(probs[k - 1][order])
        log10_weights.append(weights[k - 1][order])
    return NGramModel(config, trie, log10_probs, log10_weights[:-1]), words


def _context_numbers(trie: NGramTrie, ids: np.ndarray) -> np.ndarray:
    """Return the numbers (N,) int32 of the n-grams (N, k) without their last word."""
    numbers = ids[:, 0].astype(np.int32)
    for at in range(1, ids.shape[1] - 1):
        numbers = trie.find(at + 1, numbers, ids[:, at].astype(np.int32))
    return numbers


def _add_contexts(rows: list[np.ndarray], probs: list[np.ndarray], weights: list[np.ndarray]) -> None:
    """Add the contexts that have no line of their own, from the longest down; without a probability."""
    for k in range(len(rows), 2, -1):
        contexts = np.unique(rows[k - 1][:, :-1], axis=0)
        both = np.concatenate([rows[k - 2], contexts])
        _, first = np.unique(both, axis=0, return_index=True)
        new = both[np.sort(first[first >= len(rows[k - 2])])]
        if len(new):
            rows[k - 2] = np.concatenate([rows[k - 2], new])
            probs[k - 2] = np.concatenate([probs[k - 2], np.full(len(new), np.nan)])
            weights[k - 2] = np.concatenate([weights[k - 2], np.zeros(len(new))])
