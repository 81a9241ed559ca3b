"""A classifier of sequences: whichever encoder, dropout, and a score for each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import to_device
from seqkit.backend.ids import checked_ids, length_mask
from seqkit.backend.random import Generator, as_generator
from seqkit.models.classifier.config import SequenceClassifierConfig
from seqkit.models.classifier.encoders import make_encoder


class SequenceClassifier(nn.Module):
    """P(class | sequence of ids). What stands in the padding changes nothing."""

    def __init__(self, config: SequenceClassifierConfig, *, generator: Generator | int | None = None) -> None:
        generator = as_generator(generator)
        self.config = config
        assert config.pooling is not None
        self.encoder = make_encoder(config.encoder, config.pooling, generator)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(self.encoder.features, config.classes, generator=generator)

    def forward(self, ids: Any, lengths: Any = None, *, generator: Generator | None = None) -> Tensor:
        """Scores (B, K) of ids (B, T), of which the first ``lengths`` (B,) of a row count; None: all.

        Padding must be ids of the vocabulary. In training a generator is due where there is dropout. Raises
        ShapeError for what is no batch of ids.
        """
        device = self.device
        ids = checked_ids("ids", ids, (None, None), self.config.encoder.vocab_size, device=device)
        mask = length_mask("lengths", lengths, ids.shape, device, lowest=1)
        return self.output(self.dropout(self.encoder(ids, mask, generator), generator))

    def loss(self, ids: Any, lengths: Any, labels: Any, *, generator: Generator | None = None) -> Tensor:
        """Mean cross entropy in nats of labels (B,), class numbers; -1 does not count."""
        labels = np.asarray(labels) if isinstance(labels, list | tuple) else labels
        scores = self.forward(ids, lengths, generator=generator)
        return ops.softmax_cross_entropy(scores, to_device(labels, self.device))

    def log_probs(self, ids: Any, lengths: Any = None) -> np.ndarray:
        """(B, K) log P(class), on the host. Evaluation: no dropout."""
        with self.evaluating():
            return ops.log_softmax(self.forward(ids, lengths)).numpy()
