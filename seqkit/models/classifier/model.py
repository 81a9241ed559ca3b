"""A classifier of sequences: an encoder, dropout, and a score for each class."""

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, to_device
from seqkit.backend.ids import checked_ids, length_mask
from seqkit.backend.random import Generator, as_generator
from seqkit.models.classifier.encoders import SequenceClassifierConfig, make_encoder


class SequenceClassifier(nn.Module):
    """P(class | sequence of ids); the padding changes nothing.

    Example:
        >>> from seqkit.models import BagConfig, SequenceClassifier, SequenceClassifierConfig
        >>> config = SequenceClassifierConfig(BagConfig(vocab_size=50), classes=3)
        >>> model = SequenceClassifier(config, generator=0)
        >>> model.log_probs([[3, 1, 4], [1, 5, 0]], [3, 2]).shape
        (2, 3)
    """

    def __init__(self, config: SequenceClassifierConfig, *, generator: Generator | int | None = None) -> None:
        generator = as_generator(generator)
        self.config = config
        assert config.pooling is not None
        self.encoder = make_encoder(config.encoder, config.pooling, generator)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(self.encoder.features, config.classes, generator=generator)

    def forward(
        self, ids: Array, lengths: Array | None = None, *, generator: Generator | None = None
    ) -> Tensor:
        """Return scores (B, K).

        Args:
            ids: (B, T), ids of the vocabulary in the padding too.
            lengths: (B,), how many ids of a row count; None: all.
            generator: Source of the dropout masks; required in training with dropout.

        Raises:
            ShapeError: Ids or lengths out of range or of another shape.
        """
        device = self.device
        ids = checked_ids("ids", ids, (None, None), self.config.encoder.vocab_size, device=device)
        mask = length_mask("lengths", lengths, ids.shape, device, lowest=1)
        return self.output(self.dropout(self.encoder(ids, mask, generator), generator))

    def loss(
        self, ids: Array, lengths: Array, labels: Array, *, generator: Generator | None = None
    ) -> Tensor:
        """Return the mean cross entropy in nats of labels (B,), class numbers; -1 does not count."""
        labels = np.asarray(labels) if isinstance(labels, list | tuple) else labels
        scores = self.forward(ids, lengths, generator=generator)
        return ops.softmax_cross_entropy(scores, to_device(labels, self.device))

    def log_probs(self, ids: Array, lengths: Array | None = None) -> np.ndarray:
        """Return log P(class) (B, K) on the host; without dropout."""
        with self.evaluating():
            return ops.log_softmax(self.forward(ids, lengths)).numpy()
