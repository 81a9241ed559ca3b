"""Evaluate a text classifier on every text of a split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqkit.data import EncodedTexts, TextBatches
from seqkit.models import SequenceClassifier


def log_probs(
    model: SequenceClassifier,
    texts: EncodedTexts,
    *,
    batch_size: int,
    poll: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """log P(class) of N texts, (N, K) in their order; batches of like lengths at a time."""
    found = np.empty((len(texts), model.config.classes), np.float64)
    for batch in TextBatches(texts, batch_size, shuffle=False).epoch(0):
        found[batch.rows] = model.log_probs(batch.ids, batch.lengths)
        poll()
    return found
