"""A Transformer encoder over ids, laid out as BERT is (Devlin et al. 2019)."""

from dataclasses import KW_ONLY, dataclass

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.ids import checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import ShapeError, require_sizes
from seqkit.models.transformer.config import TransformerConfig
from seqkit.models.transformer.inputs import TransformerEmbedding, layout_of
from seqkit.nn.initializers import start_normal


@dataclass(frozen=True)
class TransformerEncoderConfig(TransformerConfig):
    """Settings of an encoder; the defaults are BERT's layout in a small size.

    Args:
        vocab_size: V.
        token_types: Number of token types with a vector (BERT: 2), or 0.
        position_offset: Position of the first token (RoBERTa: 2).
        norm: As of TransformerConfig, like the other settings.
        embedding_norm: Normalise the first layer's input.
        epsilon: ε of the normalisations.
        init_std: Standard deviation of the initial weights, which are normal.
    """

    vocab_size: int
    _: KW_ONLY
    token_types: int = 0
    position_offset: int = 0
    norm: str = "post"
    embedding_norm: bool = True
    epsilon: float = 1e-12
    init_std: float = 0.02

    def check(self) -> None:
        """Raise UsageError for sizes that make no model."""
        super().check()
        require_sizes(self, "vocab_size")


class TransformerEncoder(nn.Module):
    """Hidden states of ids.

    Example:
        >>> from seqkit.models import TransformerEncoder, TransformerEncoderConfig
        >>> encoder = TransformerEncoder(TransformerEncoderConfig(vocab_size=50), generator=0)
        >>> encoder([[3, 1, 4], [1, 5, 0]], mask=[3, 2]).shape
        (2, 3, 256)
    """

    def __init__(self, config: TransformerEncoderConfig, *, generator: Generator | int | None = None) -> None:
        config.check()
        generator = as_generator(generator)
        self.config = config
        self.embedding = TransformerEmbedding(
            config.vocab_size,
            config.embedding_size,
            positions=config.positions,
            scaled=config.positions == "sinusoidal",
            max_length=config.max_length + config.position_offset,
            types=config.token_types,
            norm=config.embedding_norm,
            epsilon=config.epsilon,
            dropout=config.dropout,
            generator=generator,
        )
        self.stack = nn.TransformerEncoderStack(**config.layers(), generator=generator)
        start_normal(self, generator, std=config.init_std)

    def forward(
        self,
        ids: Array,
        mask: Array | None = None,
        token_types: Array | None = None,
        *,
        generator: Generator | None = None,
    ) -> Tensor:
        """Return hidden states (B, T, E), zeros at padding.

        Where the mask is on the CPU, padding is left out of all work.

        Args:
            ids: (B, T), below ``vocab_size`` in the padding too.
            mask: Lengths (B,), or booleans (B, T), True for real tokens.
            token_types: (B, T); 0 by default.
            generator: Source of the dropout masks.

        Raises:
            ShapeError: Ids out of range or of another shape, and more than ``max_length`` tokens.
        """
        config, device = self.config, self.device
        ids = checked_ids("ids", ids, (None, None), config.vocab_size, device=device)
        B, T = ids.shape
        if config.positions == "learned" and config.max_length < T:
            raise ShapeError(f"{T} tokens are more than max_length, {config.max_length}")
        layout = layout_of("mask", mask, (B, T), device)
        types = None
        if token_types is not None:
            types = checked_ids("token_types", token_types, (B, T), config.token_types, device=device)
        elif config.token_types:
            types = 0 * ids
        positions = layout.positions(device) + config.position_offset
        generator = layout.draws(generator)
        x = self.embedding(
            layout.pack(ids), positions, None if types is None else layout.pack(types), generator
        )
        x = self.stack(x, layout.mask, lengths=layout.lengths, positions=positions, generator=generator)
        if layout.rows is not None:
            return ops.unpack(x, layout.rows, shape=layout.shape)
        return x if layout.mask is None else x * layout.mask[..., None].astype(x.dtype)
