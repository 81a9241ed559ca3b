"""Positions of tokens: vectors added to their embeddings, or rotations of queries and keys."""

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.ids import as_array
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import ShapeError, require_number, require_sizes
from seqkit.nn import initializers
from seqkit.nn.module import Module, Parameter


def sinusoidal(positions: Array, size: int, dtype: np.dtype | type = np.float32) -> Array:
    """Return sin(p·ω) at entries 2i and cos(p·ω) at 2i + 1, with ω = 10000^(-2i/E), of positions p.

    Vaswani et al. (2017), section 3.5.

    Args:
        positions: (…).
        size: E, an even number.
        dtype: Of the result.

    Returns:
        (…, E).

    Raises:
        ShapeError: An odd size.
    """
    if size % 2:
        raise ShapeError(f"sinusoidal positions: expected an even size, got {size}")
    positions = as_array("positions", positions, "numbers")
    xp = array_module(positions)
    angles = positions[..., None] * 10000.0 ** (xp.arange(size // 2) * (-2.0 / size))
    return xp.stack((xp.sin(angles), xp.cos(angles)), axis=-1).reshape(*positions.shape, size).astype(dtype)


class SinusoidalPositions(Module):
    """Fixed vectors of positions, as :func:`sinusoidal` computes them."""

    def __init__(self, embedding_size: int) -> None:
        self.embedding_size = embedding_size
        require_sizes(self, "embedding_size")
        if embedding_size % 2:
            raise ShapeError(f"sinusoidal positions: expected an even size, got {embedding_size}")

    def forward(self, positions: Array, dtype: np.dtype | type = np.float32) -> Tensor:
        """Return vectors (…, E) of positions (…)."""
        return Tensor(sinusoidal(positions, self.embedding_size, dtype))


class LearnedPositions(Module):
    """Learned vectors of positions, the rows of ``weight`` (max_length, E), as in GPT-2 and BERT.

    Args:
        max_length: The number of positions.
        embedding_size: E.
        std: Standard deviation of the initial weights, which are normal.
        generator: Source of the initial weights.
    """

    def __init__(
        self,
        max_length: int,
        embedding_size: int,
        *,
        std: float = 0.02,
        generator: Generator | int | None = None,
    ) -> None:
        self.max_length, self.embedding_size, self.std = max_length, embedding_size, std
        require_sizes(self, "max_length", "embedding_size")
        require_number("std", std, least=0)
        start = initializers.normal((max_length, embedding_size), as_generator(generator), std)
        self.weight = Parameter(start)

    def forward(self, positions: Array, dtype: np.dtype | type = np.float32) -> Tensor:
        """Return vectors (…, E) of positions (…) below ``max_length``, of the weight's dtype."""
        return ops.embedding(self.weight, positions)


class RotaryPositions(Module):
    """Rotation of queries and keys by their positions p (Su et al. 2021, equation 34).

    Pair i of their entries, (a, b), becomes (a·cos ω - b·sin ω, a·sin ω + b·cos ω) with ω = p·base^(-2i/D).
    D, the size of a head, must be even.

    Args:
        base: Base of the angles.
        interleaved: Pairs are neighbours; else (i, i + D/2).
    """

    def __init__(self, *, base: float = 10000.0, interleaved: bool = False) -> None:
        require_number("base", base, least=1)
        self.base, self.interleaved = base, interleaved

    def forward(self, x: Tensor, positions: Array) -> Tensor:
        """Return the rotated x (…, T, D) at positions (T,)."""
        return ops.rotary(x, positions, base=self.base, interleaved=self.interleaved)
