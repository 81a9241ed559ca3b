"""Analogies and word pairs: their files, and scores equal to gensim's, in batches."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import DataError, UsageError
from seqkit.metrics import Correlation, pearson, spearman
from seqkit.progress import tracked
from seqkit.vectors.formats.source import numbered_lines
from seqkit.vectors.nearest import searched_rows, top_indices

if TYPE_CHECKING:
    from seqkit.vectors.similarity import SimilarityTable

_log = logging.getLogger("seqkit")
_PathLike = str | os.PathLike[str]
_BLOCK_SCORES = 1 << 24


@dataclass
class Section:
    """The questions under one heading, each "a is to b as c is to d"."""

    name: str
    questions: list[tuple[str, str, str, str]] = field(default_factory=list)


def _bad_line(path: _PathLike, number: int, at: int, what: str) -> DataError:
    return DataError(what, where=f"{path}, line {number}, byte {at}", remedy="correct or remove the line")


def read_analogies(path: _PathLike) -> list[Section]:
    """Read a file like questions-words.txt: ": name" lines, then four words a line.

    Raises:
        DataError: A question before the first heading, or not of four words; names the line.
    """
    sections: list[Section] = []
    for number, at, line in numbered_lines(path):
        if line.startswith(":"):
            sections.append(Section(line.lstrip(": ").strip()))
        elif words := line.split():
            if len(words) != 4:
                raise _bad_line(path, number, at, f"expected a question of four words, got {len(words)}")
            if not sections:
                raise _bad_line(path, number, at, "a question before the first ': section' line")
            sections[-1].questions.append((words[0], words[1], words[2], words[3]))
    return sections


def read_pairs(
    path: _PathLike, delimiter: str = "\t", encoding: str = "utf8"
) -> list[tuple[str, str, float]]:
    """Read a file of word pairs with scores: two words, then perhaps other columns, then the score.

    The score is the first column behind the words that holds a number, as in WordSim-353, SimLex-999 and
    SimVerb-3500. There may be a heading, and comments that begin with #.

    Args:
        path: The file.
        delimiter: The separator of the fields. Where a file has no tab in its first line, commas, semicolons
            and blanks are found.
        encoding: The encoding of the file.

    Returns:
        (word, word, score) of each line.

    Raises:
        DataError: Another number of fields, or a score that is not a finite number; names the line.
    """
    pairs: list[tuple[str, str, float]] = []
    separator: str | None = delimiter
    heading, size, column = True, 0, 2
    for number, at, line in numbered_lines(path, encoding):
        if line.startswith("#") or not line.strip():
            continue
        if heading and delimiter == "\t" and not pairs:
            separator = next((each for each in "\t,;" if line.count(each) >= 2), None)
        fields = line.rstrip("\r\n").split(separator)
        numbers = [place for place in range(2, len(fields)) if _is_score(fields[place])]
        if heading and not pairs and not numbers and len(fields) > 2:
            heading = False  # a second line without a number is an error
            continue
        if not pairs and numbers:
            size, column = len(fields), numbers[0]
        if len(fields) != (size or 3):
            expected = "two words and a score" if size in (0, 3) else f"{size} fields"
            raise _bad_line(path, number, at, f"expected {expected}, got {len(fields)} fields")
        if column not in numbers:
            what = f"expected a finite number as the score, got {fields[column]!r}"
            raise _bad_line(path, number, at, what)
        pairs.append((fields[0].strip(), fields[1].strip(), float(fields[column])))
    return pairs


def _is_score(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _known_words(table: SimilarityTable, restrict: int | None, fold: bool) -> dict[str, int]:
    """Return word (in capitals when ``fold``) -> place, the first of several that fold to the same."""
    searched_rows(len(table), restrict)  # refuses a negative one
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

    Args:
        table: The vectors.
        path: A file like questions-words.txt.
        restrict_vocab: Search only this many words, the first ones, and leave out questions with others.
        case_insensitive: Compare words in capitals; of several, the first counts.
        dummy4unknown: Count questions with an unknown word as wrong, instead of not at all.
        similarity_function: "most_similar" (sum of cosines) or "most_similar_cosmul" (their product).

    Returns:
        The fraction that was right (0 without questions), and the sections, each {"section", "correct",
        "incorrect"}, the last of them "Total accuracy".

    Raises:
        DataError: The file cannot be read.
        UsageError: For another similarity function.
    """
    if similarity_function not in ("most_similar", "most_similar_cosmul"):
        raise UsageError(
            f"expected most_similar or most_similar_cosmul, got similarity_function={similarity_function!r}"
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
    """Return whether each question is answered right; a matrix product for each block of them."""
    if not questions:
        return []
    divisors = table._divisors()
    places = np.array([[known[word] for word in words] for words in questions])
    rows = table.vectors[places[:, :3]] / divisors[places[:, :3]][:, :, None]
    keys = table.index_to_key
    V = searched_rows(len(table), restrict)
    searched, scale = table.vectors[:V], divisors[:V]
    right: list[bool] = []
    step = max(1, _BLOCK_SCORES // (V * (1 if method == "most_similar" else 3)))
    for first in tracked(range(0, len(questions), step), "answering analogies", "batches"):
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
    """Return whether the first of the five best words but a, b, c, in any spelling, is the expected one."""
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
    """Compute the correlation of cosines with human scores.

    Args:
        table: The vectors.
        path: A file like WordSim-353's.
        delimiter: The separator of the fields of a line.
        encoding: The encoding of the file.
        restrict_vocab: Use only this many words, the first ones.
        case_insensitive: Compare words in capitals; of several, the first counts.
        dummy4unknown: Give a pair with an unknown word the cosine 0, instead of leaving it out.

    Returns:
        (Pearson, Spearman, percentage of pairs left out).

    Raises:
        DataError: No pair is known, or the file cannot be read.
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
    percentage = left_out / (len(gold) if dummy4unknown else len(gold) + left_out) * 100
    return pearson(x, y), spearman(x, y), percentage
