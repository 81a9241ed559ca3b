"""Contributions of words to a classification: what changes when each is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from seqkit.tasks.classes import Prediction
from seqkit.text import Tokenizer


@dataclass(frozen=True)
class Contribution:
    """A word of a text, characters ``start`` to ``end - 1``, and the prediction for the text without it.

    Attributes:
        word: The word.
        start: Its first character.
        end: The character after it.
        without: The prediction without the word; None where no text is left.
        log_odds: By how much the word raises the log-odds ln(p / (1 - p)) of each label; 0 where no text is
            left without it.
    """

    word: str
    start: int
    end: int
    without: Prediction | None
    log_odds: dict[str, float]


def text_without(text: str, start: int, end: int) -> str:
    """Return a text without characters ``start`` to ``end - 1`` and one of two blanks that then meet.

    Example:
        >>> text_without("a good film", 2, 6)
        'a film'
    """
    before, after = text[:start], text[end:]
    return before + (after[1:] if before[-1:].isspace() and after[:1].isspace() else after)


def word_spans(tokenizer: Tokenizer, text: str) -> list[tuple[int, int]]:
    """Return start and end of each word of a text; with subwords, of each text between blanks."""
    try:
        return tokenizer.spans(text)
    except NotImplementedError:
        return [match.span() for match in re.finditer(r"\S+", text)]


def log_odds(log_probs: np.ndarray) -> np.ndarray:
    """Return ln(p / (1 - p)) (N, K) float64 of log-probabilities (N, K), finite for p = 1 too."""
    log_probs = np.asarray(log_probs, np.float64)
    K = log_probs.shape[1]
    others = [np.logaddexp.reduce(np.delete(log_probs, k, axis=1), axis=1) for k in range(K)]
    return log_probs - np.stack(others, axis=1)
