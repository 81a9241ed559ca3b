"""Evaluation of image classifiers, batch by batch."""

from collections.abc import Callable

import numpy as np

from seqkit.data import Standardization
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.models import ImageClassifier
from seqkit.progress import tracked


def log_probs(
    model: ImageClassifier,
    images: np.ndarray,
    standardization: Standardization,
    *,
    batch_size: int,
    poll: Callable[[], None] = lambda: None,
    group: ProcessGroup = ALONE,
) -> np.ndarray:
    """Return log P(class) (N, K) of images (N, H, W, C) uint8, computed by the processes."""
    scores = np.zeros((len(images), model.config.classes), np.float64)
    for first in group.deal(tracked(range(0, len(images), batch_size), "evaluating", "batches")):
        batch = slice(first, first + batch_size)
        scores[batch] = model.log_probs(standardization.apply(images[batch]))
        poll()
    return group.sum(scores)
