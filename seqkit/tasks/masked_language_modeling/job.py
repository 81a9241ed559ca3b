"""A masked language model as the trainer of every task wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.data import MaskedBatches
from seqkit.models import MaskedLanguageModel
from seqkit.tasks.masked_language_modeling.evaluation import evaluation_batches, hidden_scores, masking_of
from seqkit.tasks.masked_language_modeling.settings import MaskedLanguageModelSettings
from seqkit.text import Vocabulary
from seqkit.text.special_tokens import CLS


class MaskedLanguageModelingJob:
    """Shuffled windows; each epoch hides other tokens. Nothing is carried from batch to batch."""

    def __init__(
        self,
        model: MaskedLanguageModel,
        vocabulary: Vocabulary,
        train_ids: np.ndarray,
        valid_ids: np.ndarray | None,
        settings: MaskedLanguageModelSettings,
    ) -> None:
        self.model = model
        self.batches = MaskedBatches(
            train_ids,
            masking_of(vocabulary),
            cls_id=vocabulary.id(CLS),
            batch_size=settings.batch_size,
            length=settings.context_length,
            seed=settings.seed,
        )
        self.held_out = None
        if valid_ids is not None:
            self.held_out = evaluation_batches(
                valid_ids[: settings.valid_tokens], vocabulary, settings.context_length
            )
        self.generators: dict[str, Any] = {"dropout": Generator(settings.seed, "dropout")}
        self.perplexity = True
        self.divergence_loss = 20 * math.log(len(vocabulary))  # 20 times that of blind guessing
        self._epoch = 0

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        """How many batches it has."""
        self._epoch = epoch
        return len(self.batches)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """The mean loss of a batch's hidden tokens, and how many they are."""
        batch = self.batches.batch(self._epoch, index)
        loss = self.model.loss(batch.ids, batch.targets, batch.lengths, generator=self.generators["dropout"])
        return loss, int(np.count_nonzero(batch.targets >= 0))

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Loss and accuracy of the validation part's hidden tokens."""
        if self.held_out is None:
            return None
        total, found, count = hidden_scores(self.model, self.held_out, poll)
        return {"loss": total / max(1, count), "accuracy": found / max(1, count)}

    def carried(self) -> dict[str, Array]:
        """Nothing."""
        return {}

    def load_carried(self, arrays: Mapping[str, Array]) -> None:
        """Nothing."""
