"""Word vectors by gradient descent on the differentiable model, as the trainer of every task wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.data import ContextWindows, NegativeSampler
from seqkit.models import Word2VecModel
from seqkit.tasks.embeddings.settings import EmbeddingSettings


class EmbeddingJob:
    """Shuffled windows of the whole text; nothing is carried from batch to batch."""

    def __init__(
        self, model: Word2VecModel, ids: np.ndarray, counts: np.ndarray, settings: EmbeddingSettings
    ) -> None:
        self.model = model
        self.windows = ContextWindows(
            ids,
            window=settings.window,
            batch_size=settings.batch_size,
            shrink=settings.shrink_windows,
            seed=settings.seed,
        )
        self.sampler = NegativeSampler(counts, exponent=settings.ns_exponent, seed=settings.seed)
        self.negative = settings.negative if settings.loss == "negative-sampling" else 0
        self.perplexity = False
        self.generators: dict[str, Any] = {}
        blind = (1 + self.negative) * math.log(2) if self.negative else math.log(len(counts))
        neighbours = 1 if settings.model == "cbow" else 2 * settings.window
        self.divergence_loss = 20 * blind * neighbours  # 20 times that of blind guessing
        self._epoch = 0

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        """How many batches it has."""
        self._epoch = epoch
        return len(self.windows)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """The mean loss of a batch of windows, and how many they are."""
        contexts, centres = self.windows.batch(self._epoch, index)
        negatives = None
        if self.negative:
            shape = centres.shape if self.model.config.model == "cbow" else contexts.shape
            negatives = self.sampler.draw((*shape, self.negative), epoch=self._epoch, index=index)
        return self.model.loss(contexts, centres, negatives), len(centres)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Word vectors have no held-out loss that says anything: analogies and similarities judge them."""
        return None

    def carried(self) -> dict[str, Array]:
        """Nothing."""
        return {}

    def load_carried(self, arrays: Mapping[str, Array]) -> None:
        """Nothing."""
