"""Inputs of Transformers: the layout of a batch among its padding, and the embedding of ids."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend import Array, Device, array_module, to_device
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, require_choice


@dataclass(frozen=True)
class Layout:
    """Layout of the real tokens of a batch of ``shape`` (B, T); with the other fields None there is no
    padding.

    On the CPU they are packed: ``rows`` (P,) are their places, counted over B·T, and ``lengths`` their number
    in each example; padding then costs nothing. Elsewhere there is a ``mask`` (B, T): packed work would be
    many small pieces.
    """

    shape: tuple[int, int]
    rows: np.ndarray | None = None
    lengths: tuple[int, ...] | None = None
    mask: Array | None = None

    def pack(self, x: Array) -> Array:
        """Return x (B, T), or (P,) of a packed batch."""
        return x if self.rows is None else x.reshape(-1)[self.rows]

    def packed(self) -> Layout:
        """Return the layout, packed even if there is no padding."""
        B, T = self.shape
        return self if self.rows is not None else Layout(self.shape, np.arange(B * T), (T,) * B)

    def draws(self, generator: Generator | None) -> Generator | None:
        """Return the generator for arrays of this layout's tokens."""
        if generator is None or self.mask is not None:
            return generator
        B, T = self.shape
        return generator.of_tokens((T,) * B if self.lengths is None else self.lengths)

    def positions(self, device: Device) -> Array:
        """Return the positions of the tokens: (T,), or (P,) of a packed batch."""
        T = self.shape[1]
        positions = np.arange(T) if self.rows is None else self.rows % T
        return to_device(positions, device)


def layout_of(name: str, mask: Array, shape: tuple[int, int], device: Device) -> Layout:
    """Return the layout of a mask: lengths (B,), booleans (B, T) True for real tokens, or None.

    Raises:
        ShapeError: A mask that is neither.
    """
    B, T = shape
    if mask is None:
        return Layout(shape)
    mask = np.asarray(mask) if isinstance(mask, list | tuple) else mask
    mask = to_device(mask, device) if device.kind == "cpu" else mask
    xp = array_module(mask)
    if mask.shape == (B,) and mask.dtype.kind in "iu":
        if xp is np and B and not 0 <= mask.min() <= mask.max() <= T:
            raise ShapeError(f"expected {name} to be lengths of 0 to {T}, got {mask.min()} to {mask.max()}")
        mask = xp.arange(T) < mask[:, None]
    if mask.shape != (B, T) or mask.dtype.kind != "b":
        raise ShapeError(
            f"expected {name} to be integer lengths ({B},) or booleans ({B}, {T}), "
            f"got {mask.dtype} {mask.shape}"
        )
    if xp is np and mask.all():
        return Layout(shape)
    if xp is np and device.kind == "cpu":
        return Layout(shape, np.flatnonzero(mask), tuple(mask.sum(axis=1).tolist()))
    return Layout(shape, mask=to_device(mask, device))


POSITIONS = ("learned", "sinusoidal", "rotary")


class TransformerEmbedding(nn.Module):
    """tokens[id]·scale + positions[p] + types[t], then LayerNorm if ``norm``, then dropout.

    positions: "learned" of ``max_length`` rows, "sinusoidal", or "rotary", which adds nothing here.
    ``scaled`` multiplies token vectors by √E, as beside sinusoids (Vaswani et al. 2017, section 3.4).
    ``cutoffs`` are those of adaptive token vectors.
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
        cutoffs: tuple[int, ...] = (),
        generator: Generator,
    ) -> None:
        require_choice("positions", positions, POSITIONS)
        self.scale = math.sqrt(embedding_size) if scaled else None
        self.tokens: nn.Embedding | nn.AdaptiveEmbedding
        if cutoffs:
            self.tokens = nn.AdaptiveEmbedding(vocab_size, embedding_size, cutoffs, generator=generator)
        else:
            self.tokens = nn.Embedding(vocab_size, embedding_size, std=0.02, generator=generator)
        self.positions: nn.LearnedPositions | nn.SinusoidalPositions | None = None
        if positions == "learned":
            self.positions = nn.LearnedPositions(max_length, embedding_size, generator=generator)
        elif positions == "sinusoidal":
            self.positions = nn.SinusoidalPositions(embedding_size)
        self.types = nn.Embedding(types, embedding_size, std=0.02, generator=generator) if types else None
        self.norm = nn.LayerNorm(embedding_size, epsilon=epsilon) if norm else None
        self.dropout = nn.Dropout(dropout)

    @property
    def weight(self) -> nn.Parameter:
        """The matrix (V, E) of token vectors of one width."""
        assert isinstance(self.tokens, nn.Embedding)
        return self.tokens.weight

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
