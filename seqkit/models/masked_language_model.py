"""Masked language model: a Transformer encoder that predicts hidden tokens from both sides.

Devlin et al. (2019), section 3.1; the layer before the output is that of BERT's published code.
"""

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, to_numpy
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.models.transformer import TransformerEncoder, TransformerEncoderConfig
from seqkit.nn import initializers


class MaskedLanguageModel(nn.Module):
    """P(hidden token | the tokens around it): LayerNorm(φ(Wx + b)), then the embeddings as output weights."""

    def __init__(self, config: TransformerEncoderConfig, *, generator: Generator | int | None = None) -> None:
        generator = as_generator(generator)
        self.config = config
        E = config.embedding_size
        self.encoder = TransformerEncoder(config, generator=generator)
        self.transform = nn.Linear(E, E, generator=generator)
        self.transform.weight.data[...] = initializers.normal((E, E), generator, config.init_std)
        self.transform.bias = nn.Parameter(initializers.zeros((E,)))
        self.norm = nn.LayerNorm(E, epsilon=config.epsilon)
        self.bias = nn.Parameter(initializers.zeros((config.vocab_size,)))

    def _features(
        self, ids: Array, targets: Array, lengths: Array, generator: Generator | None
    ) -> tuple[Tensor, Array]:
        """Return the input (M, E) of the output layer, and targets (M,); on a GPU of all B·T places."""
        V = self.config.vocab_size
        ids = checked_ids("ids", ids, (None, None))
        targets = checked_ids(
            "targets", targets, ids.shape, V, lowest=IGNORE_INDEX, device=self.device
        ).reshape(-1)
        x = self.encoder(ids, lengths, generator=generator).reshape(-1, self.config.embedding_size)
        if isinstance(targets, np.ndarray):  # on a GPU the count would have to be waited for
            asked = np.flatnonzero(targets != IGNORE_INDEX)
            x, targets = ops.embedding(x, asked), targets[asked]
        return self._transformed(x), targets

    def _transformed(self, x: Tensor) -> Tensor:
        y = ops.linear(x, self.transform.weight)
        return self.norm(ops.activation(y, self.transform.bias, kind=self.config.activation))

    def forward(
        self, ids: Array, lengths: Array | None = None, *, generator: Generator | None = None
    ) -> Tensor:
        """Return scores (B, T, V) of ids (B, T), of which the first ``lengths`` (B,) of a row count; None:
        all.
        """
        x = self._transformed(self.encoder(ids, lengths, generator=generator))
        return ops.linear(x, self.encoder.embedding.weight, self.bias)

    def loss(
        self, ids: Array, targets: Array, lengths: Array | None = None, *, generator: Generator | None = None
    ) -> Tensor:
        """Return the mean cross entropy in nats of targets (B, T), the hidden tokens.

        Targets of -1, of tokens that are not hidden, do not count.
        """
        x, targets = self._features(ids, targets, lengths, generator)
        return ops.linear_cross_entropy(x, self.encoder.embedding.weight, self.bias, targets)

    def answers(
        self, ids: Array, targets: Array, lengths: Array | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return -log P (M,) float64 of the M hidden tokens, and whether each is the likeliest, (M,) bool.

        Row by row, on the host, without dropout.
        """
        with self.evaluating():
            x, asked = self._features(ids, targets, lengths, None)
            scores = ops.linear(x, self.encoder.embedding.weight, self.bias)
            losses = to_numpy(ops.softmax_cross_entropy(scores, asked, reduction="none").data)
            found, asked = to_numpy(scores.data.argmax(axis=-1)), to_numpy(asked)
        counted = asked != IGNORE_INDEX
        return losses[counted], (found == asked)[counted]
