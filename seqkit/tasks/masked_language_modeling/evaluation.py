"""Evaluation of masked language models: the same tokens are hidden each time a text is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seqkit import metrics
from seqkit.data import MaskedBatches
from seqkit.models import MaskedLanguageModel
from seqkit.text import Vocabulary


@dataclass(frozen=True)
class MaskedScores:
    """Scores on the hidden tokens of a split.

    Attributes:
        accuracy: the fraction of hidden tokens whose most probable guess is right.
        loss: mean -log P, in nats.
        unigram: the training text's most frequent token.
        unigram_accuracy: the accuracy of always guessing it.

    """

    accuracy: float
    loss: float
    perplexity: float
    predictions: int
    unigram: str
    unigram_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return dict(vars(self))


def hidden_scores(
    model: MaskedLanguageModel, batches: MaskedBatches, poll: Callable[[], None] = lambda: None
) -> tuple[float, int, int]:
    """Return (Σ -log P, tokens guessed right, hidden tokens)."""
    total, found, count = 0.0, 0, 0
    for batch in batches.epoch(0):
        losses, right = model.answers(batch.ids, batch.targets, batch.lengths)
        total, found, count = total + float(losses.sum()), found + int(right.sum()), count + len(right)
        poll()
    return total, found, count


def most_frequent(vocabulary: Vocabulary) -> int:
    """Return the id of the training text's most frequent token that can be hidden."""
    assert vocabulary.counts is not None
    counts = vocabulary.counts.copy()
    if vocabulary.eos_id is not None:
        counts[vocabulary.eos_id] = -1
    return int(counts.argmax())


def scores(model: MaskedLanguageModel, batches: MaskedBatches, vocabulary: Vocabulary) -> MaskedScores:
    """Return the scores of a model, and of the most frequent token as the only guess."""
    total, found, count = hidden_scores(model, batches)
    unigram = most_frequent(vocabulary)
    hits = sum(int((batch.targets == unigram).sum()) for batch in batches.epoch(0))
    return MaskedScores(
        accuracy=found / max(1, count),
        loss=total / max(1, count),
        perplexity=metrics.perplexity(total, max(1, count)),
        predictions=count,
        unigram=vocabulary.token(unigram),
        unigram_accuracy=hits / max(1, count),
    )
