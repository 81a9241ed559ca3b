"""The settings of a Transformer that translates."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from seqkit.errors import UsageError
from seqkit.models.transformer.config import TransformerConfig, check_sizes


@dataclass(frozen=True)
class TransformerSeq2SeqConfig(TransformerConfig):
    """What an encoder and decoder are made of.

    num_layers: of the encoder and of the decoder each. norm: "post" is the paper's, and needs warm-up.
    hidden_dropout: dropout's unless given. shared_vocabulary: source and target have one embedding matrix.
    tied: the output matrix is that of the target's embedding.

    Weights start Xavier uniform, embeddings normal with deviation 1/√embedding_size; they are multiplied by
    √embedding_size when read.
    """

    source_vocab_size: int
    target_vocab_size: int
    _: KW_ONLY
    num_layers: int = 3
    positions: str = "sinusoidal"
    activation: str = "relu"
    hidden_dropout: float | None = None
    shared_vocabulary: bool = False
    tied: bool = False

    def check(self) -> None:
        """UsageError for settings that make no model."""
        super().check()
        check_sizes(self, "source_vocab_size", "target_vocab_size")
        if self.shared_vocabulary and self.source_vocab_size != self.target_vocab_size:
            raise UsageError(
                f"a shared vocabulary has one size, got {self.source_vocab_size} and {self.target_vocab_size}"
            )
