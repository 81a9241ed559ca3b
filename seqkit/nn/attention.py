"""Attention of a decoder's states over an encoder's outputs, and the many heads of a Transformer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from seqkit import ops
from seqkit.autograd import Tensor, concatenate
from seqkit.backend import Array
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.nn import initializers
from seqkit.nn.linear import Linear
from seqkit.nn.module import Module
from seqkit.nn.parameter import Parameter
from seqkit.nn.positions import RotaryPositions
from seqkit.ops.dropout import check_rate

KINDS = ("dot", "general", "additive")


class Attention(Module):
    """How a query q (T, D) scores a memory m (S, E), and reads it.

    kind: "dot" is q·m, for D = E, without parameters; "general" q·W·m with ``weight`` W (D, E); "additive"
    w·tanh(Wq·q + Wk·m) with ``weight_query`` Wq (A, D), ``weight_key`` Wk (A, E) and ``weight_score`` w (A,),
    where A is ``attention_size`` or else D. The first two are Luong, Pham, Manning (2015, equation 8), the
    last Bahdanau, Cho, Bengio (2015). All weights start uniform within ±1/√(inputs).
    """

    def __init__(
        self,
        kind: str,
        query_size: int,
        memory_size: int,
        *,
        attention_size: int | None = None,
        dropout: float = 0.0,
        generator: Generator | int | None = None,
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
        source = as_generator(generator)

        def weight(*shape: int) -> Parameter:
            return Parameter(initializers.uniform(shape, source, 1 / math.sqrt(shape[-1])))

        if kind == "general":
            self.weight = weight(query_size, memory_size)
        elif kind == "additive":
            self.weight_query = weight(self.attention_size, query_size)
            self.weight_key = weight(self.attention_size, memory_size)
            self.weight_score = weight(self.attention_size)

    def keys(self, memory: Tensor) -> Tensor:
        """What queries are held against, (B, S, D) or (B, S, A): once for a memory (B, S, E)."""
        if self.kind == "dot":
            return memory
        return ops.linear(memory, self.weight if self.kind == "general" else self.weight_key)

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
            query = ops.linear(query, self.weight_query)
            return ops.additive_attention(
                query, keys, memory, self.weight_score, mask, rate=rate, generator=generator
            )
        return ops.attention(query, keys, memory, mask, scale=1.0, rate=rate, generator=generator)


class KeysValues(NamedTuple):
    """What queries are held against and what they then read, of each head."""

    keys: Tensor
    """(B, N, S, D)"""
    values: Tensor
    """(B, N, S, D)"""


class MultiHeadAttention(Module):
    """Concat(head₁ … head_N)·W + b, head i being softmax(qᵢ·kᵢᵀ/√D)·vᵢ of qᵢ = x·Wqᵢ, kᵢ = m·Wkᵢ, vᵢ = m·Wvᵢ.

    Vaswani et al. (2017), equation 1 and section 3.2.2. Self-attention (m is x) has one matrix for the three,
    ``qkv.weight`` (3E, E), queries first; attention over a memory (``cross``) has ``q.weight`` (E, E) and
    ``kv.weight`` (2E, E'), E' being ``memory_size``. ``output.weight`` is (E, E). Heads are D = E/N wide.
    ``rotary`` turns queries and keys of self-attention.
    """

    def __init__(
        self,
        embedding_size: int,
        num_heads: int,
        *,
        cross: bool = False,
        memory_size: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        rotary: bool = False,
        generator: Generator | int | None = None,
    ) -> None:
        if num_heads < 1 or embedding_size % num_heads:
            raise UsageError(f"{num_heads} heads cannot share {embedding_size} columns evenly")
        if rotary and cross:
            raise UsageError("rotary positions are for self-attention: a memory has others than x")
        if rotary and embedding_size // num_heads % 2:
            raise UsageError(
                f"rotary positions need heads of even width, got {embedding_size} columns for {num_heads}"
            )
        self.embedding_size, self.num_heads, self.cross = embedding_size, num_heads, cross
        self.rate = check_rate(dropout)
        generator = as_generator(generator)
        if cross:
            self.q = Linear(embedding_size, embedding_size, bias=bias, generator=generator)
            self.kv = Linear(
                memory_size or embedding_size, 2 * embedding_size, bias=bias, generator=generator
            )
        else:
            self.qkv = Linear(embedding_size, 3 * embedding_size, bias=bias, generator=generator)
        self.output = Linear(embedding_size, embedding_size, bias=bias, generator=generator)
        self.rotary = RotaryPositions() if rotary else None

    def remember(self, memory: Tensor) -> KeysValues:
        """Keys and values of a memory (B, S, E'), once for all queries of a decoder."""
        return KeysValues(*ops.split_heads(self.kv(memory), heads=self.num_heads, parts=2))

    def _own(self, x: Tensor, positions: Array | None) -> tuple[Tensor, KeysValues]:
        q, k, v = ops.split_heads(self.qkv(x), heads=self.num_heads, parts=3)
        if self.rotary is not None:
            if positions is None:
                raise UsageError("rotary attention needs the positions of its tokens")
            q, k = self.rotary(q, positions), self.rotary(k, positions)
        return q, KeysValues(k, v)

    def _queries(self, x: Tensor) -> Tensor:
        return ops.split_heads(self.q(x), heads=self.num_heads)[0]

    def _joined(self, context: Tensor) -> Tensor:
        """(…, N, T, D) to (…, T, E), and the last product."""
        heads_last = context.swapaxes(-3, -2)
        return self.output(heads_last.reshape(*heads_last.shape[:-2], self.embedding_size))

    def forward(
        self,
        x: Tensor,
        memory: KeysValues | None = None,
        mask: Array | None = None,
        *,
        causal: bool = False,
        lengths: Sequence[int] | None = None,
        memory_lengths: Sequence[int] | None = None,
        positions: Array | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """x (B, T, E) to (B, T, E), over x itself, or over what :meth:`remember` gave.

        mask: lengths (B,), or booleans (B, S) or (B, T, S), True where a key counts; ``causal`` hides later
        positions. With ``lengths`` x is (P, E), sequences of these lengths one after another without
        padding, and so is the memory, of ``memory_lengths``; there can be no mask then. ``positions`` (T,) or
        (P,) are for rotary heads. UsageError in training without a generator, unless dropout is 0.
        """
        if self.cross != (memory is not None):
            raise UsageError(f"attention with cross={self.cross} got {'no' if self.cross else 'a'} memory")
        if lengths is not None and mask is not None:
            raise UsageError("packed sequences have no padding to mask: give lengths or a mask")
        if memory is None:
            q, memory = self._own(x, positions)
            memory_lengths = lengths
        else:
            q = self._queries(x)
        rate = self.rate if self.training else 0.0
        if lengths is not None:
            context = ops.packed_attention(
                q,
                *memory,
                lengths=lengths,
                key_lengths=memory_lengths,
                causal=causal,
                rate=rate,
                generator=generator,
            )
        else:
            context = ops.scaled_dot_product_attention(
                q, *memory, mask, causal=causal, rate=rate, generator=generator
            )
        return self._joined(context)

    def extend(
        self, x: Tensor, past: KeysValues | None, positions: Array | None = None
    ) -> tuple[Tensor, KeysValues]:
        """New tokens (B, T, E) after those of ``past``, causal: outputs (B, T, E), and the longer past."""
        q, new = self._own(x, positions)
        if past is not None:
            new = KeysValues(*(concatenate(a, b, axis=2) for a, b in zip(past, new, strict=True)))
        return self._joined(ops.scaled_dot_product_attention(q, *new, causal=True)), new

    def read(self, x: Tensor, memory: KeysValues, mask: Array | None = None) -> tuple[Tensor, Array]:
        """What x (B, T, E) reads of a memory, and the weights (B, T, S), the mean over heads. No dropout."""
        context, weights = ops.attention(self._queries(x), *memory, mask)
        return self._joined(context), weights.data.mean(axis=1)
