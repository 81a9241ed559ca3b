"""Evaluation of text classifiers, batch by batch."""

from collections.abc import Callable

import numpy as np

from seqkit.data import EncodedTexts, TextBatches
from seqkit.models import SequenceClassifier
from seqkit.progress import tracked


def log_probs(
    model: SequenceClassifier,
    texts: EncodedTexts,
    *,
    batch_size: int,
    poll: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Return log P(class) (N, K) of N texts, computed in batches of similar length."""
    scores = np.empty((len(texts), model.config.classes), np.float64)
    batches = TextBatches(texts, batch_size, shuffle=False)
    for batch in tracked(batches.epoch(0), "evaluating", "batches", total=len(batches)):
        scores[batch.rows] = model.log_probs(batch.ids, batch.lengths)
        poll()
    return scores
