"""Evaluation of masked language models: the same tokens of a text are masked every time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.data import MaskedBatches
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.models import MaskedLanguageModel
from seqkit.progress import tracked
from seqkit.text import Vocabulary


@dataclass(frozen=True)
class MaskedScores:
    """Scores on the masked tokens of a split.

    Attributes:
        accuracy: Fraction of masked tokens predicted correctly.
        loss: Mean -log P, in nats.
        perplexity: exp(loss).
        predictions: Number of masked tokens.
        unigram: The most frequent token of the training text.
        unigram_accuracy: Accuracy of always predicting it.
        split: The name of the split.
    """

    accuracy: float
    loss: float
    perplexity: float
    predictions: int
    unigram: str
    unigram_accuracy: float
    split: str

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return dict(vars(self))


def masked_scores(
    model: MaskedLanguageModel,
    batches: MaskedBatches,
    poll: Callable[[], None] = lambda: None,
    group: ProcessGroup = ALONE,
) -> tuple[float, int, int]:
    """Return Σ -log P, the number of correct predictions, and the number of masked tokens."""
    total, correct, count = 0.0, 0, 0
    for batch in group.deal(tracked(batches.epoch(0), "evaluating", "batches", total=len(batches))):
        losses, right = model.answers(batch.ids, batch.targets, batch.lengths)
        total, correct, count = total + float(losses.sum()), correct + int(right.sum()), count + len(right)
        poll()
    total, correct, count = group.sum(np.array([total, correct, count], np.float64)).tolist()
    return total, int(correct), int(count)


def most_frequent(vocabulary: Vocabulary) -> int:
    """Return the id of the training text's most frequent token that can be masked."""
    assert vocabulary.counts is not None
    counts = vocabulary.counts.copy()
    if vocabulary.eos_id is not None:
        counts[vocabulary.eos_id] = -1
    return int(counts.argmax())


def scores(
    split: str, model: MaskedLanguageModel, batches: MaskedBatches, vocabulary: Vocabulary
) -> MaskedScores:
    """Return the scores of a model on a split, and of always predicting the most frequent token."""
    total, correct, count = masked_scores(model, batches)
    unigram = most_frequent(vocabulary)
    hits = sum(int((batch.targets == unigram).sum()) for batch in batches.epoch(0))
    return MaskedScores(
        split=split,
        accuracy=correct / max(1, count),
        loss=total / max(1, count),
        perplexity=metrics.perplexity(total, max(1, count)),
        predictions=count,
        unigram=vocabulary.token(unigram),
        unigram_accuracy=hits / max(1, count),
    )
