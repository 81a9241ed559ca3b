"""Settings of Transformers."""

import dataclasses
from dataclasses import KW_ONLY, dataclass
from typing import Any

from seqkit.errors import UsageError, require_sizes


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Settings that every Transformer has; the models' own configs have other defaults.

    Args:
        embedding_size: E.
        hidden_size: Size between the two layers of the feed-forward network; 4·E by default.
        num_layers: Layers of a stack.
        num_heads: Heads of the attention.
        max_length: Positions, if they are learned.
        positions: "learned", "sinusoidal" or "rotary".
        norm: "pre" or "post".
        activation: "gelu", "gelu-tanh" or "relu".
        epsilon: ε of the normalisations.
        dropout: Rate on embeddings and before each residual sum.
        attention_dropout: Rate on attention weights; ``dropout`` if None.
        hidden_dropout: Rate after the activation; ``dropout`` if None.
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
        """Return the settings as JSON."""
        return dataclasses.asdict(self)

    def check(self) -> None:
        """Raise UsageError for sizes that make no model."""
        require_sizes(self, "embedding_size", "hidden_size", "num_layers", "num_heads", "max_length")

    def layers(self) -> dict[str, Any]:
        """Return the arguments of a stack of these layers, without its generator."""
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


@dataclass(frozen=True)
class TransformerSeq2SeqConfig(TransformerConfig):
    """Settings of a Transformer encoder and decoder.

    Weights start Xavier uniform, embeddings normal with deviation 1/√E; embedded tokens are multiplied by √E.

    Args:
        source_vocab_size: Ids of the source.
        target_vocab_size: Ids of the target.
        num_layers: Layers of the encoder and of the decoder each.
        positions: As of :class:`TransformerConfig`, like the other settings. Its ``norm`` "post" is the
            paper's, and needs warm-up.
        activation: See there.
        hidden_dropout: See there.
        shared_vocabulary: Source and target have one embedding matrix.
        tied: The output matrix is that of the target's embedding.
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
        """Raise UsageError for settings that make no model."""
        super().check()
        require_sizes(self, "source_vocab_size", "target_vocab_size")
        if self.shared_vocabulary and self.source_vocab_size != self.target_vocab_size:
            raise UsageError(
                "shared_vocabulary: expected equal sizes, "
                f"got {self.source_vocab_size} and {self.target_vocab_size}"
            )
