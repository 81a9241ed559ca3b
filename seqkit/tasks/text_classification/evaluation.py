"""Evaluation of text classifiers, batch by batch."""

from collections.abc import Callable

import numpy as np

from seqkit.backend.batch_threads import map_batches
from seqkit.data import EncodedTexts, TextBatch, TextBatches
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.models import SequenceClassifier
from seqkit.progress import tracked


def log_probs(
    model: SequenceClassifier,
    texts: EncodedTexts,
    *,
    batch_size: int,
    poll: Callable[[], None] = lambda: None,
    group: ProcessGroup = ALONE,
) -> np.ndarray:
    """Return log P(class) (N, K) of N texts, computed in batches of similar length by the processes."""
    scores = np.zeros((len(texts), model.config.classes), np.float64)
    batches = TextBatches(texts, batch_size, shuffle=False)

    def compute(batch: TextBatch) -> tuple[np.ndarray, np.ndarray]:
        return batch.rows, model.log_probs(batch.ids, batch.lengths)

    own = group.deal(tracked(batches.epoch(0), "evaluating", "batches", total=len(batches)))
    with model.evaluating(), map_batches(compute, own, model.device.kind) as results:
        for rows, found in results:
            scores[rows] = found
            poll()
    return group.sum(scores)
