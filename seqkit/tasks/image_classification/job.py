"""Image classification as the trainer of every task wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.corpora import ImageCorpus
from seqkit.data import ImageBatches, Standardization
from seqkit.models import ImageClassifier
from seqkit.tasks.classes import ClassScores, score_classes
from seqkit.tasks.image_classification.evaluation import log_probs
from seqkit.tasks.image_classification.settings import ImageClassificationSettings


class ImageClassificationJob:
    """Shuffled batches; nothing is carried from batch to batch but what the model keeps in its buffers."""

    def __init__(
        self,
        model: ImageClassifier,
        corpus: ImageCorpus,
        standardization: Standardization,
        settings: ImageClassificationSettings,
    ) -> None:
        self.model, self.corpus, self.standardization = model, corpus, standardization
        self.settings = settings
        self.batches = ImageBatches(
            corpus.images("train"), settings.batch_size, standardization=standardization, seed=settings.seed
        )
        self.generators: dict[str, Any] = {"dropout": Generator(settings.seed, "dropout")}
        self.perplexity = False
        self.divergence_loss = math.inf  # with pixels up to 255 an early loss of 1,000 is nothing unusual
        self._epoch = 0

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        """How many batches it has."""
        self._epoch = epoch
        return len(self.batches)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """The mean loss of a batch, and how many images it has."""
        batch = self.batches.batch(self._epoch, index)
        loss = self.model.loss(batch.images, batch.labels, generator=self.generators["dropout"])
        return loss, len(batch)

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Loss and accuracy of the validation part, and the accuracy of the parts that settings ask for."""
        scores: dict[str, float] = {}
        if "valid" in self.corpus.splits:
            valid = self._scores("valid", poll)
            scores = {"loss": valid.loss, "accuracy": valid.accuracy}
        for split in ("train", "test"):
            if getattr(self.settings, f"{split}_accuracy"):
                scores[f"{split}_accuracy"] = self._scores(split, poll).accuracy
        return scores

    def _scores(self, split: str, poll: Callable[[], None]) -> ClassScores:
        part = self.corpus.images(split)
        found = log_probs(
            self.model,
            part.images,
            self.standardization,
            batch_size=self.settings.eval_batch_size,
            poll=poll,
        )
        return score_classes(split, found, part.labels, self.corpus.classes)

    def carried(self) -> dict[str, Array]:
        """Nothing."""
        return {}

    def load_carried(self, arrays: Mapping[str, Array]) -> None:
        """Nothing."""
