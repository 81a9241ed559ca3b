"""Classification of texts as the trainer of every task wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.data import EncodedLabelledCorpus, TextBatches
from seqkit.models import SequenceClassifier
from seqkit.tasks.classes import score_classes
from seqkit.tasks.text_classification.evaluation import log_probs
from seqkit.tasks.text_classification.settings import TextClassificationSettings


class TextClassificationJob:
    """Length-bucketed batches; nothing is carried from batch to batch."""

    def __init__(
        self, model: SequenceClassifier, encoded: EncodedLabelledCorpus, settings: TextClassificationSettings
    ) -> None:
        self.model, self.encoded, self.settings = model, encoded, settings
        self.batches = TextBatches(encoded.splits["train"], settings.batch_size, seed=settings.seed)
        self.generators: dict[str, Any] = {"dropout": Generator(settings.seed, "dropout")}
        self.perplexity = False
        self.divergence_loss = 50 * math.log(len(encoded.labels))  # 50 times that of blind guessing
        self._epoch = 0

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        """How many batches it has."""
        self._epoch = epoch
        return len(self.batches)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """The mean loss of a batch, and how many texts it has."""
        batch = self.batches.batch(self._epoch, index)
        loss = self.model.loss(batch.ids, batch.lengths, batch.labels, generator=self.generators["dropout"])
        return loss, len(batch)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Loss, accuracy and macro F1 of the validation part."""
        texts = self.encoded.splits.get("valid")
        if texts is None:
            return None
        found = log_probs(self.model, texts, batch_size=self.settings.eval_batch_size, poll=poll)
        scores = score_classes("valid", found, texts.labels, self.encoded.labels)
        return {"loss": scores.loss, "accuracy": scores.accuracy, "macro_f1": scores.scores.macro.f1}

    def carried(self) -> dict[str, Array]:
        """Nothing."""
        return {}

    def load_carried(self, arrays: Mapping[str, Array]) -> None:
        """Nothing."""
