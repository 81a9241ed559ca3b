"""An encoder with the layer that makes one vector of a sentence's first token."""

from __future__ import annotations

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.models.transformer import TransformerEncoder, TransformerEncoderConfig


class BertEncoder(TransformerEncoder):
    """A :class:`TransformerEncoder`, and BERT's pooler where the checkpoint has one."""

    def __init__(
        self,
        config: TransformerEncoderConfig,
        *,
        pooler: bool = True,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        super().__init__(config, generator=generator)
        self.pooler = (
            nn.Linear(config.embedding_size, config.embedding_size, generator=generator) if pooler else None
        )

    def pooled(self, hidden: Tensor) -> Tensor:
        """tanh(W·h₀ + b) of hidden states (B, T, E), (B, E). UsageError for a model without a pooler."""
        if self.pooler is None:
            raise UsageError(
                "this model has no pooler", remedy="average its hidden states (tasks.sentence_encoding)"
            )
        return ops.tanh(self.pooler(hidden[:, 0]))
