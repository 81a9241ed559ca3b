"""A tagger on a Transformer encoder that reads the pieces of words (Devlin et al. 2019, section 5.3)."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.ids import checked_ids, length_mask
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import require_choice, require_sizes
from seqkit.models.tagger.base import BaseTagger
from seqkit.models.tagger.config import OUTPUTS
from seqkit.models.transformer import TransformerEncoder, TransformerEncoderConfig
from seqkit.nn.crf import Legal


@dataclass(frozen=True)
class EncoderTaggerConfig:
    """Settings of a tagger on an encoder.

    Args:
        encoder: Settings of the encoder.
        tags: K.
        dropout: Rate on the words' vectors, before the tags' scores.
        output: "crf", or "softmax" for each word on its own.
    """

    encoder: TransformerEncoderConfig
    tags: int
    dropout: float = 0.1
    output: str = "softmax"

    def __post_init__(self) -> None:
        require_sizes(self, "tags")
        require_choice("output", self.output, OUTPUTS)

    def fewest_parameters(self) -> int:
        """Return a number of parameters that every model of these sizes has at least."""
        E = self.encoder.embedding_size
        return self.encoder.vocab_size * E + self.encoder.num_layers * E**2 + self.tags * E

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class PieceInput:
    """A batch of B sentences of up to P pieces, which are T words at most; padding changes nothing.

    Attributes:
        ids: (B, P), pieces of the encoder's vocabulary, special tokens included.
        lengths: (B,), pieces of each.
        first: (B, T), the place of each word's first piece.
        words: (B,), words of each; None: T.
    """

    ids: Any
    lengths: Any
    first: Any
    words: Any = None


class EncoderTagger(BaseTagger):
    """P(tags | words) of sentences: the tag of a word is read at its first piece.

    Args:
        config: Sizes and types of the layers.
        legal: What the tags' scheme allows, for a CRF: see :class:`seqkit.nn.CRF`.
        generator: Source of the initial weights.

    Example:
        >>> from seqkit.models import EncoderTagger, EncoderTaggerConfig, PieceInput, TransformerEncoderConfig
        >>> config = EncoderTaggerConfig(TransformerEncoderConfig(vocab_size=50), tags=3)
        >>> batch = PieceInput([[3, 1, 4, 7], [1, 5, 0, 0]], [4, 2], first=[[0, 2], [0, 0]], words=[2, 1])
        >>> EncoderTagger(config, generator=0).decode(batch)[1].tolist()[1]
        -1
    """

    def __init__(
        self,
        config: EncoderTaggerConfig,
        *,
        legal: Legal | None = None,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        self.config: EncoderTaggerConfig = config
        self.encoder = TransformerEncoder(config.encoder, generator=generator)
        self.dropout = nn.Dropout(config.dropout)
        self._add_output(config.encoder.embedding_size, legal, generator)

    def forward(
        self, batch: PieceInput, *, generator: Generator | None = None
    ) -> tuple[Tensor, Array | None]:
        """Return the scores of the tags at each word (B, T, K), and the mask (B, T) of words or None.

        Args:
            batch: The sentences.
            generator: Source of the dropout masks; required in training with dropout.

        Raises:
            ShapeError: Ids, places or lengths out of range or of another shape.
        """
        device = self.device
        x = self.encoder(batch.ids, batch.lengths, generator=generator)
        B, P, E = x.shape
        first = checked_ids("first", batch.first, (B, None), P, device=device)
        mask = length_mask("words", batch.words, first.shape, device, lowest=1)
        rows = first + P * array_module(first).arange(B, dtype=first.dtype)[:, None]
        vectors = ops.embedding(x.reshape(B * P, E), rows)
        return self.output(self.dropout(vectors, generator)), mask
