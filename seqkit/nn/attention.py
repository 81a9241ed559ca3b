"""Attention of a decoder's states over an encoder's outputs."""

from __future__ import annotations

import math

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.errors import UsageError
from seqkit.nn import initializers
from seqkit.nn.module import Module
from seqkit.nn.parameter import Parameter
from seqkit.ops.dropout import check_rate

KINDS = ("dot", "general", "additive")


class Attention(Module):
    """How a query q (T, D) scores a memory m (S, E), and reads it.

    kind: "dot" is q·m, for D = E, without parameters; "general" q·W·m with W (D, E); "additive"
    w·tanh(Wq·q + Wk·m) with Wq (A, D), Wk (A, E), w (A,), where A is ``attention_size`` or else D. The first
    two are Luong, Pham, Manning (2015, equation 8), the last Bahdanau, Cho, Bengio (2015). All weights start
    uniform within ±1/√(inputs).
    """

    def __init__(
        self,
        kind: str,
        query_size: int,
        memory_size: int,
        *,
        attention_size: int | None = None,
        dropout: float = 0.0,
        generator: Generator,
    ) -> None:
        if kind not in KINDS:
            raise UsageError(f"attention must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind == "dot" and query_size != memory_size:
            raise UsageError(
                f"dot attention needs queries as wide as the memory, got {query_size} and {memory_size}",
                remedy="use general or additive",
            )
        self.kind, self.query_size, self.memory_size = kind, query_size, memory_size
        self.attention_size = query_size if attention_size is None else attention_size
        self.rate = check_rate(dropout)

        def weight(*shape: int) -> Parameter:
            return Parameter(initializers.uniform(shape, generator, 1 / math.sqrt(shape[-1])))

        if kind == "general":
            self.W = weight(query_size, memory_size)
        elif kind == "additive":
            self.Wq = weight(self.attention_size, query_size)
            self.Wk = weight(self.attention_size, memory_size)
            self.w = weight(self.attention_size)

    def keys(self, memory: Tensor) -> Tensor:
        """What queries are held against, (B, S, D) or (B, S, A): once for a memory (B, S, E)."""
        if self.kind == "dot":
            return memory
        return ops.linear(memory, self.W if self.kind == "general" else self.Wk)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        mask: Array | None = None,
        *,
        keys: Tensor | None = None,
        generator: Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """query (B, T, D), memory (B, S, E) to contexts (B, T, E) and weights (B, T, S).

        mask: lengths (B,), or booleans (B, S) or (B, T, S) of the entries that count. ``keys`` is what
        :meth:`keys` gave for this memory, where a loop over steps would compute it again. UsageError in
        training without a generator, unless dropout is 0.
        """
        keys = self.keys(memory) if keys is None else keys
        rate = self.rate if self.training else 0.0
        if self.kind == "additive":
            query = ops.linear(query, self.Wq)
            return ops.additive_attention(query, keys, memory, self.w, mask, rate=rate, generator=generator)
        return ops.attention(query, keys, memory, mask, scale=1.0, rate=rate, generator=generator)
