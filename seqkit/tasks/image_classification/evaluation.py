"""Evaluation of image classifiers, batch by batch."""

from collections.abc import Callable

import numpy as np

from seqkit.data import Standardization
from seqkit.models import ImageClassifier
from seqkit.progress import tracked


def log_probs(
    model: ImageClassifier,
    images: np.ndarray,
    standardization: Standardization,
    *,
    batch_size: int,
    poll: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Return log P(class) (N, K) of images (N, H, W, C) uint8."""
    batches = []
    for first in tracked(range(0, len(images), batch_size), "evaluating", "batches"):
        batches.append(model.log_probs(standardization.apply(images[first : first + batch_size])))
        poll()
    return np.concatenate(batches)
