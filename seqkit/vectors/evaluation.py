"""Analogies and word pairs: their files, and scores equal to gensim's, in batches."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import DataError, UsageError
from seqkit.vectors.correlation import Correlation, pearson, spearman
from seqkit.vectors.formats.source import Source
from seqkit.vectors.nearest import top_indices

if TYPE_CHECKING:
    from seqkit.vectors.similarity import SimilarityTable

_log = logging.getLogger("seqkit")
_PathLike = str | os.PathLike[str]
_LONGEST_LINE = 1 << 16
_BLOCK_SCORES = 1 << 24


@dataclass
class Section:
    """Questions under one heading: each "a is to b as c is to d"."""

    name: str
    questions: list[tuple[str, str, str, str]] = field(default_factory=list)


def _lines(path: _PathLike, encoding: str = "utf8") -> Any:
    """(line number, byte where it begins, text) of each line."""
    with Source(path) as source:
        number = 0
        while data := source.read_line(_LONGEST_LINE):
            number += 1
            at = source.position - len(data)
            try:
                yield number, at, data.decode(encoding).lstrip("\ufeff" if number == 1 else "")
            except UnicodeDecodeError as error:
                source.fail(f"a byte that is not {encoding}", at=at + error.start, line=number)


def _bad_line(path: _PathLike, number: int, at: int, what: str) -> DataError:
    return DataError(what, where=f"{path}, line {number}, byte {at}", remedy="correct or remove the line")


def read_analogies(path: _PathLike) -> list[Section]:
    """Sections of a file like questions-words.txt: ": name" lines, then four words a line.

    Raises DataError with the line for a question before the first heading or of other than four words.
    """
    sections: list[Section] = []
    for number, at, line in _lines(path):
        if line.startswith(":"):
            sections.append(Section(line.lstrip(": ").strip()))
        elif words := line.split():
            if len(words) != 4:
                raise _bad_line(path, number, at, f"{len(words)} words where a question has four")
            if not sections:
                raise _bad_line(path, number, at, "a question before the first ': section' line")
            sections[-1].questions.append((words[0], words[1], words[2], words[3]))
    return sections


def read_pairs(
    path: _PathLike, delimiter: str = "\t", encoding: str = "utf8"
) -> list[tuple[str, str, float]]:
    """(word, word, score) of a file like WordSim-353's: three fields a line, # comments, perhaps a heading.

    Raises DataError with the line for another number of fields or a score that is no finite number.
    """
    pairs: list[tuple[str, str, float]] = []
    first = True
    for number, at, line in _lines(path, encoding):
        if line.startswith("#") or not line.strip():
            continue
        fields = line.rstrip("\r\n").split(delimiter)
        heading, first = first, False
        if len(fields) != 3:
            raise _bad_line(path, number, at, f"{len(fields)} fields where two words and a score are due")
        try:
            score = float(fields[2])
            if not np.isfinite(score):
                raise ValueError
        except ValueError:
            if heading:
                continue
            raise _bad_line(path, number, at, f"the score {fields[2]!r} is no finite number") from None
        pairs.append((fields[0], fields[1], score))
    return pairs


def _known_words(table: SimilarityTable, restrict: int | None, fold: bool) -> dict[str, int]:
    """Word (in capitals when ``fold``) -> place, the first of several that fold to the same."""
    keys = table.index_to_key[:restrict]
    if fold:
        return {str(key).upper(): i for i, key in reversed(list(enumerate(keys)))}
    return {key: i for i, key in reversed(list(enumerate(keys)))}


def log_section(section: dict[str, Any]) -> None:
    """Log the accuracy of a section, where it has an answer."""
    right, wrong = len(section["correct"]), len(section["incorrect"])
    if right + wrong:
        _log.info(
            "%s: %.1f%% (%d/%d)", section["section"], 100 * right / (right + wrong), right, right + wrong
        )


def evaluate_analogies(
    table: SimilarityTable,
    path: _PathLike,
    *,
    restrict_vocab: int | None = 300000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    similarity_function: str = "most_similar",
) -> tuple[float, list[dict[str, Any]]]:
    """Answer the questions of a file; the answer is the nearest word to b - a + c but a, b and c.

    restrict_vocab: search only the first so many words, and leave out questions with another.
    case_insensitive: words are compared in capitals; of several, the first counts.
    dummy4unknown: questions with an unknown word count as wrong, instead of not at all.
    similarity_function: "most_similar" (sum of cosines) or "most_similar_cosmul" (their product).

    Gives (share right, sections), each section {"section", "correct", "incorrect"}, the last of them
    "Total accuracy"; 0 when nothing was asked. Raises DataError, UsageError.
    """
    if similarity_function not in ("most_similar", "most_similar_cosmul"):
        raise UsageError(
            f"similarity_function={similarity_function!r}", remedy="use most_similar or most_similar_cosmul"
        )
    known = _known_words(table, restrict_vocab, case_insensitive)
    asked: list[tuple[int, tuple[str, ...]]] = []
    results: list[dict[str, Any]] = []
    answers: list[bool] = []
    for number, section in enumerate(read_analogies(path)):
        results.append({"section": section.name, "correct": [], "incorrect": []})
        for question in section.questions:
            words = tuple(word.upper() for word in question) if case_insensitive else question
            if all(word in known for word in words):
                asked.append((number, words))
                answers.append(True)
            elif dummy4unknown:
                asked.append((number, words))
                answers.append(False)
    ask = [words for (_, words), known_all in zip(asked, answers, strict=True) if known_all]
    right = iter(_answer(table, ask, known, restrict_vocab, case_insensitive, similarity_function))
    for (number, words), known_all in zip(asked, answers, strict=True):
        results[number]["correct" if known_all and next(right) else "incorrect"].append(words)
    for section_result in results:
        log_section(section_result)
    total = {
        "section": "Total accuracy",
        "correct": [words for each in results for words in each["correct"]],
        "incorrect": [words for each in results for words in each["incorrect"]],
    }
    log_section(total)
    count = len(total["correct"]) + len(total["incorrect"])
    return (len(total["correct"]) / count if count else 0.0), [*results, total]


def _answer(
    table: SimilarityTable,
    questions: list[tuple[str, ...]],
    known: dict[str, int],
    restrict: int | None,
    fold: bool,
    method: str,
) -> list[bool]:
    """Whether each question is answered right; a matrix product for each block of them."""
    if not questions:
        return []
    divisors = table._divisors()
    places = np.array([[known[word] for word in words] for words in questions])
    rows = table.vectors[places[:, :3]] / divisors[places[:, :3]][:, :, None]
    keys = table.index_to_key
    V = min(restrict or len(table), len(table))
    searched, scale = table.vectors[:V], divisors[:V]
    right: list[bool] = []
    step = max(1, _BLOCK_SCORES // (V * (1 if method == "most_similar" else 3)))
    for first in range(0, len(questions), step):
        a, b, c = np.moveaxis(rows[first : first + step], 1, 0)
        if method == "most_similar":
            scores = (b + c - a) @ searched.T / scale
        else:  # Levy and Goldberg 2014, equation 4
            near = [(1 + each @ searched.T / scale) / 2 for each in (a, b, c)]
            scores = near[1] * near[2] / (near[0] + 0.000001)
        for q, line in enumerate(scores, first):
            right.append(_hit(line, places[q, :3], questions[q], keys, fold))
    return right


def _hit(scores: np.ndarray, given: np.ndarray, words: tuple[str, ...], keys: list[Any], fold: bool) -> bool:
    """Whether the first of the five best words, a, b, c left out in any spelling, is the expected one."""
    scores[given] = -np.inf
    predicted = None
    for i in top_indices(scores, min(5, len(scores) - len(set(given.tolist())))):
        predicted = keys[i].upper() if fold else keys[i]
        if predicted not in words[:3]:
            break
    return bool(predicted == words[3])


def evaluate_pairs(
    table: SimilarityTable,
    path: _PathLike,
    *,
    delimiter: str = "\t",
    encoding: str = "utf8",
    restrict_vocab: int | None = 300000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> tuple[Correlation, Correlation, float]:
    """Correlation of cosines with human scores: (Pearson, Spearman, percentage of pairs left out).

    Arguments as in :func:`evaluate_analogies`; with ``dummy4unknown`` an unknown word gives cosine 0.
    Raises DataError when no pair is known.
    """
    known = _known_words(table, restrict_vocab, case_insensitive)
    gold, found, left_out = [], [], 0
    for first, second, score in read_pairs(path, delimiter, encoding):
        a, b = (first.upper(), second.upper()) if case_insensitive else (first, second)
        if a in known and b in known:
            gold.append(score)
            found.append(float(table.similarity(np.int64(known[a]), np.int64(known[b]))))
            continue
        left_out += 1
        if dummy4unknown:
            gold.append(score)
            found.append(0.0)
    if not gold:
        raise DataError(
            "no pair of the file is known", where=str(path), remedy="is it of another language or form?"
        )
    x, y = np.array(gold), np.array(found)
    share = left_out / (len(gold) if dummy4unknown else len(gold) + left_out) * 100
    return pearson(x, y), spearman(x, y), share
