"""Vectors looked up by id."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import require_number, require_sizes
from seqkit.nn import initializers
from seqkit.nn.module import Module, Parameter


class Embedding(Module):
    """Vectors of V ids, the rows of ``weight`` (V, E).

    Args:
        vocab_size: V.
        embedding_size: E.
        std: Standard deviation of the initial weights, which are normal.
        generator: Source of the initial weights.

    Example:
        >>> Embedding(1000, 64, generator=0)([[3, 1, 4], [1, 5, 9]]).shape
        (2, 3, 64)
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        *,
        std: float = 1.0,
        generator: Generator | int | None = None,
    ) -> None:
        self.vocab_size, self.embedding_size, self.std = vocab_size, embedding_size, std
        require_sizes(self, "vocab_size", "embedding_size")
        require_number("std", std, least=0)
        self.weight = Parameter(
            initializers.normal((vocab_size, embedding_size), as_generator(generator), std)
        )

    def forward(self, ids: Array | Sequence[Any]) -> Tensor:
        """Return vectors (…, E) of ids (…), integers in an array, a list or a tuple.

        The gradient of the weight is a RowGradient.
        """
        return ops.embedding(self.weight, np.asarray(ids) if isinstance(ids, list | tuple) else ids)
