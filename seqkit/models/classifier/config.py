"""Settings of sequence classifiers."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit.errors import require_choice, require_sizes
from seqkit.models.transformer.encoder import TransformerEncoderConfig

CELLS = ("lstm", "gru")


@dataclass(frozen=True)
class BagConfig:
    """The mean of word vectors, in any order (the unigram model of Joulin et al. 2017).

    Args:
        vocab_size: V.
        embedding_size: E.
        hidden: Sizes of layers with ReLU between the mean and the scores; () is none (the deep averaging
            network of Iyyer et al. 2015 has some).
        word_dropout: Probability of leaving out a word in training (ibid., section 2.2).
    """

    vocab_size: int
    embedding_size: int = 128
    hidden: tuple[int, ...] = ()
    word_dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON has lists


@dataclass(frozen=True)
class RecurrentConfig:
    """A recurrent network over word vectors.

    Args:
        vocab_size: V.
        embedding_size: E.
        hidden_size: H, of each direction.
        num_layers: Recurrent layers.
        cell: "lstm" or "gru".
        bidirectional: Run in both directions.
        dropout: Rate on the vectors and between layers.
    """

    vocab_size: int
    embedding_size: int = 128
    hidden_size: int = 128
    num_layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = True
    dropout: float = 0.0


EncoderConfig = BagConfig | RecurrentConfig | TransformerEncoderConfig

POOLINGS: dict[type, tuple[str, ...]] = {
    BagConfig: ("mean",),
    RecurrentConfig: ("max", "mean", "last"),
    TransformerEncoderConfig: ("mean", "cls", "max"),
}
"""How an encoder's tokens become one vector; the first is the default.

"last" is the state after the last token, of both directions side by side; "cls" the first token's output.
"""


@dataclass(frozen=True)
class SequenceClassifierConfig:
    """Settings of a sequence classifier.

    Args:
        encoder: Settings of the encoder.
        classes: K.
        pooling: How its tokens become one vector; None: the first of :data:`POOLINGS`.
        dropout: Rate on the pooled vector, before the scores.
    """

    encoder: EncoderConfig
    classes: int
    pooling: str | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_sizes(self, "classes")
        require_sizes(self.encoder, "vocab_size", "embedding_size")
        known = POOLINGS[type(self.encoder)]
        if self.pooling is None:
            object.__setattr__(self, "pooling", known[0])
        require_choice("pooling", self.pooling, known)
        if isinstance(self.encoder, RecurrentConfig):
            require_sizes(self.encoder, "hidden_size", "num_layers")
            require_choice("cell", self.encoder.cell, CELLS)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)
