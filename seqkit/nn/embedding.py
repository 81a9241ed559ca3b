"""Vectors by id."""

from __future__ import annotations

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator, as_generator
from seqkit.nn import initializers
from seqkit.nn.module import Module
from seqkit.nn.parameter import Parameter


class Embedding(Module):
    """Vectors of V ids, the rows of weight (V, E); they start normal with deviation ``std``."""

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        *,
        std: float = 1.0,
        generator: Generator | int | None = None,
    ) -> None:
        self.vocab_size, self.embedding_size, self.std = vocab_size, embedding_size, std
        self.weight = Parameter(
            initializers.normal((vocab_size, embedding_size), as_generator(generator), std)
        )

    def forward(self, ids: Array) -> Tensor:
        """ids (...) to (..., E). The gradient of the weight is a RowGradient."""
        return ops.embedding(self.weight, ids)
