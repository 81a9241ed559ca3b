"""What all Transformers are made of."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass
from typing import Any

from seqkit.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """The settings that every Transformer has; the models' own configs say which defaults are theirs.

    hidden_size: width between the two matrices of the feed-forward network, 4·embedding_size unless given.
    positions: "learned" (of at most ``max_length`` tokens then), "sinusoidal" or "rotary". norm: "pre" or
    "post". activation: "gelu", "gelu-tanh" or "relu".

    dropout is the rate on embeddings and before each residual sum, attention_dropout that on attention
    weights, dropout's unless given, hidden_dropout that after the activation.
    """

    embedding_size: int = 256
    hidden_size: int | None = None
    num_layers: int = 4
    num_heads: int = 4
    max_length: int = 512
    positions: str = "learned"
    norm: str = "pre"
    activation: str = "gelu"
    epsilon: float = 1e-5
    dropout: float = 0.0
    attention_dropout: float | None = None
    hidden_dropout: float | None = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-able settings."""
        return dataclasses.asdict(self)

    def check(self) -> None:
        """UsageError for sizes that make no model."""
        check_sizes(self, "embedding_size", "hidden_size", "num_layers", "num_heads", "max_length")

    def layers(self) -> dict[str, Any]:
        """The arguments of a stack of these layers, its generator left out."""
        return {
            "num_layers": self.num_layers,
            "embedding_size": self.embedding_size,
            "num_heads": self.num_heads,
            "hidden_size": self.hidden_size or 4 * self.embedding_size,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "hidden_dropout": self.hidden_dropout,
            "activation": self.activation,
            "norm": self.norm,
            "epsilon": self.epsilon,
            "rotary": self.positions == "rotary",
        }


def check_sizes(config: Any, *names: str) -> None:
    """UsageError unless these fields of a config are at least 1, or None."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise UsageError(f"{name} must be at least 1, got {value}")


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
