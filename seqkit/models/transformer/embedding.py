"""The embedding of ids, positions and token types."""

import math

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.errors import require_choice

POSITIONS = ("learned", "sinusoidal", "rotary")


class TransformerEmbedding(nn.Module):
    """tokens[id]·scale + positions[p] + types[t], then LayerNorm if ``norm``, then dropout.

    positions: "learned" of ``max_length`` rows, "sinusoidal", or "rotary", which adds nothing here.
    ``scaled`` multiplies token vectors by √E, as beside sinusoids (Vaswani et al. 2017, section 3.4).
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        *,
        positions: str,
        max_length: int,
        types: int = 0,
        norm: bool = False,
        scaled: bool = False,
        epsilon: float = 1e-5,
        dropout: float = 0.0,
        generator: Generator,
    ) -> None:
        require_choice("positions", positions, POSITIONS)
        self.scale = math.sqrt(embedding_size) if scaled else None
        self.tokens = nn.Embedding(vocab_size, embedding_size, std=0.02, generator=generator)
        self.positions: nn.LearnedPositions | nn.SinusoidalPositions | None = None
        if positions == "learned":
            self.positions = nn.LearnedPositions(max_length, embedding_size, generator=generator)
        elif positions == "sinusoidal":
            self.positions = nn.SinusoidalPositions(embedding_size)
        self.types = nn.Embedding(types, embedding_size, std=0.02, generator=generator) if types else None
        self.norm = nn.LayerNorm(embedding_size, epsilon=epsilon) if norm else None
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, ids: Array, positions: Array, types: Array | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Return vectors (B, T, E) of ids (B, T) at positions (T,), or (P, E) of (P,) at (P,).

        ``types`` have the shape of ids.
        """
        x = self.tokens(ids)
        if self.scale is not None:
            x = x * self.scale
        if self.positions is not None:
            x = x + self.positions(positions, x.dtype)
        if self.types is not None and types is not None:
            x = x + self.types(types)
        return self.dropout(x if self.norm is None else self.norm(x), generator)
