"""Scores of lines and of each of their tokens, by any model that predicts the next token."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from seqkit.backend import array_module, to_numpy
from seqkit.decoding import Decodable
from seqkit.tasks.language_modeling.continuation import most_probable
from seqkit.tasks.runs import require_texts

_LINES_AT_ONCE = 64
NGRAM_LINES_AT_ONCE = 4096
"""Lines that an n-gram model scores at once, for which a call of the kernel costs next to nothing."""

Score = TypeVar("Score")


@dataclass(frozen=True)
class LineScore:
    """The score of a line, with its end-of-line token if the model has one.

    Attributes:
        log_prob: Natural logarithm of the probability of the line.
        tokens: Number of tokens.
        perplexity: Perplexity of the line.
        unknown: Number of tokens that are not in the vocabulary.
    """

    log_prob: float
    tokens: int
    perplexity: float
    unknown: int


@dataclass(frozen=True)
class TokenScore:
    """The score of a token in its line.

    Attributes:
        token: The token as it stands in the text, or in the vocabulary where that differs by case.
        log_prob: Natural logarithm of its probability after the tokens before it.
        surprisal: The same in bits: -log2 of the probability.
        rank: 1 for the most probable token, 2 for the next; 1 + the number of more probable tokens.
        unknown: Whether it is not in the vocabulary; the score is that of the unknown token then.
        alternatives: The most probable tokens in its place with their log-probabilities, best first; as many
            as were asked for.
    """

    token: str
    log_prob: float
    surprisal: float
    rank: int
    unknown: bool
    alternatives: tuple[tuple[str, float], ...] = ()


class IdScore(NamedTuple):
    """Log-probability and rank of an id, and the most probable ids in its place."""

    log_prob: float
    rank: int
    alternatives: list[tuple[int, float]]


def line_score(losses: np.ndarray, unknown: int) -> LineScore:
    """Return the score of a line whose tokens have these losses (T,), in nats."""
    total = float(losses.sum())
    perplexity = float(np.exp(np.float64(total / len(losses)))) if len(losses) else 1.0
    return LineScore(-total, len(losses), perplexity, unknown)


def in_batches(
    lines: Iterable[str], score: Callable[[list[str]], Iterable[Score]], size: int = _LINES_AT_ONCE
) -> Iterator[Score]:
    """Iterate over the scores of lines, ``size`` of which are scored together.

    Raises:
        UsageError: ``lines`` is a string, or holds what is none.
    """
    if isinstance(lines, str | bytes):
        require_texts(lines)

    def scores(lines: Iterator[str]) -> Iterator[Score]:
        while batch := require_texts(itertools.islice(lines, size)):
            yield from score(batch)

    return scores(iter(lines))


def token_scores(
    model: Decodable, rows: Sequence[np.ndarray], start_ids: Sequence[int], alternatives: int = 0
) -> list[list[IdScore]]:
    """Return the scores of each id of each row, by the decoding protocol.

    Args:
        model: The model.
        rows: Ids (T,) of each row; the lengths may differ.
        start_ids: The id that is fed before each row.
        alternatives: How many of the most probable ids each score lists.
    """
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))  # rows that end leave the batch
    found: list[list[IdScore]] = [[] for _ in rows]
    state = model.start(len(rows))
    fed = np.array([start_ids[i] for i in order], np.int64)
    for t in range(max(map(len, rows), default=0)):
        live = sum(len(rows[i]) > t for i in order)
        if live < len(fed):
            fed, state = fed[:live], model.reorder(state, np.arange(live))
        log_probs, state = model.step(fed, state)
        xp = array_module(log_probs)
        fed = np.array([rows[i][t] for i in order[:live]], np.int64)
        chosen = log_probs[xp.arange(live), xp.asarray(fed)]
        ranks = to_numpy((log_probs > chosen[:, None]).sum(axis=1)) + 1
        values = np.asarray(to_numpy(chosen), np.float64)
        others: list[list[tuple[int, float]]] = [[]] * live
        if alternatives:
            others = [most_probable(row, alternatives) for row in to_numpy(log_probs)]
        for i, *score in zip(order, values.tolist(), ranks.tolist(), others, strict=False):
            found[i].append(IdScore(*score))
    return found


def as_token_score(token: str, score: IdScore, unknown: bool, token_of: Callable[[int], str]) -> TokenScore:
    """Return the score of a token from that of its id."""
    others = tuple((token_of(i), log_prob) for i, log_prob in score.alternatives)
    return TokenScore(token, score.log_prob, -score.log_prob / math.log(2), score.rank, unknown, others)
