"""How well hidden tokens are found: the same ones in every evaluation of a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.data import MaskedBatches, Masking
from seqkit.models import MaskedLanguageModel
from seqkit.text import Vocabulary
from seqkit.text.special_tokens import CLS, MASK

_SEED, _WINDOWS = 0, 32  # which tokens are hidden hangs on both


@dataclass(frozen=True)
class MaskedScores:
    """The hidden tokens of a split. accuracy: the share whose likeliest guess is right; loss in nats.

    unigram_accuracy: what always guessing ``unigram``, the training text's most frequent token, gets.
    """

    accuracy: float
    loss: float
    perplexity: float
    predictions: int
    unigram: str
    unigram_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, in this order."""
        return dict(vars(self))


def masking_of(vocabulary: Vocabulary) -> Masking:
    """How tokens of a vocabulary with specials are hidden: ends of lines never are."""
    kept = () if vocabulary.eos_id is None else (vocabulary.eos_id,)
    return Masking(len(vocabulary) - 2, vocabulary.id(MASK), kept)


def evaluation_batches(ids: np.ndarray, vocabulary: Vocabulary, length: int) -> MaskedBatches:
    """The windows of a held-out text, with the same tokens hidden every time."""
    return MaskedBatches(
        ids,
        masking_of(vocabulary),
        cls_id=vocabulary.id(CLS),
        batch_size=_WINDOWS,
        length=length,
        shuffle=False,
        seed=_SEED,
    )


def hidden_scores(
    model: MaskedLanguageModel, batches: MaskedBatches, poll: Callable[[], None] = lambda: None
) -> tuple[float, int, int]:
    """(Σ -log P, how many are found, how many there are) of the hidden tokens."""
    total, found, count = 0.0, 0, 0
    for batch in batches.epoch(0):
        losses, right = model.answers(batch.ids, batch.targets, batch.lengths)
        total, found, count = total + float(losses.sum()), found + int(right.sum()), count + len(right)
        poll()
    return total, found, count


def most_frequent(vocabulary: Vocabulary) -> int:
    """The id of the training text's most frequent token that can be hidden."""
    assert vocabulary.counts is not None
    counts = vocabulary.counts.copy()
    if vocabulary.eos_id is not None:
        counts[vocabulary.eos_id] = -1
    return int(counts.argmax())


def scores(model: MaskedLanguageModel, batches: MaskedBatches, vocabulary: Vocabulary) -> MaskedScores:
    """What a model finds, and what the most frequent token alone would."""
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
