"""Attention of a decoder over an encoder's outputs, and the multi-head attention of a Transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError, require_choice, require_sizes
from seqkit.nn import initializers
from seqkit.nn.keys_values import KeysValues
from seqkit.nn.linear import Linear
from seqkit.nn.module import Module, Parameter
from seqkit.nn.positions import RotaryPositions
from seqkit.ops.dropout import check_rate

KINDS = ("dot", "general", "additive")


class Attention(Module):
    """Attention of queries q (T, D) over a memory m (S, E), by one of three scores.

    "dot" is q·m, for D = E, without parameters; "general" q·W·m with ``weight`` W (D, E); "additive"
    w·tanh(Wq·q + Wk·m) with ``weight_query`` Wq (A, D), ``weight_key`` Wk (A, E) and ``weight_score`` w (A,).
    The first two are of Luong, Pham, Manning (2015, equation 8), the last of Bahdanau, Cho, Bengio (2015).
    All weights start uniform within ±1/√(inputs).

    Args:
        kind: "dot", "general" or "additive".
        query_size: D.
        memory_size: E.
        attention_size: A; D by default.
        dropout: Rate of dropout of the attention weights.
        generator: Source of the initial weights.
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
        require_choice("attention", kind, KINDS)
        if kind == "dot" and query_size != memory_size:
            raise UsageError(
                f"dot attention: expected queries as wide as the memory, got {query_size} and {memory_size}",
                remedy="use general or additive",
            )
        self.kind, self.query_size, self.memory_size = kind, query_size, memory_size
        if attention_size is not None and kind != "additive":
            raise UsageError("attention_size has no effect here: it is for additive attention")
        self.attention_size = query_size if attention_size is None else attention_size
        require_sizes(self, "query_size", "memory_size", "attention_size")
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
        """Return the keys (B, S, D) or (B, S, A) of a memory (B, S, E); compute them once for all queries."""
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
        """Return contexts (B, T, E) and attention weights (B, T, S).

        Args:
            query: (B, T, D).
            memory: (B, S, E).
            mask: Lengths (B,), or booleans (B, S) or (B, T, S), True where an entry counts.
            keys: The result of :meth:`keys` for this memory; computed if it is not given.
            generator: Source of the dropout mask.

        Raises:
            UsageError: In training without a generator, unless dropout is 0.
        """
        keys = self.keys(memory) if keys is None else keys
        rate = self.rate if self.training else 0.0
        if self.kind == "additive":
            query = ops.linear(query, self.weight_query)
            return ops.additive_attention(
                query, keys, memory, self.weight_score, mask, rate=rate, generator=generator
            )
        return ops.attention(query, keys, memory, mask, scale=1.0, rate=rate, generator=generator)


_RECORD: ContextVar[AttentionRecord | None] = ContextVar("attention record", default=None)


class AttentionRecord(dict[int, "list[Array]"]):
    """The weights (B, N, T, S) of each call of attention layers, by the layers' ``id``."""

    def of(self, layers: Sequence[MultiHeadAttention]) -> list[Array]:
        """Return the weights (B, N, T, S) of the last call of each layer."""
        return [self[id(layer)][-1] for layer in layers]


@contextmanager
def record_attention() -> Iterator[AttentionRecord]:
    """Record the weights of the multi-head attention that this thread computes in the block.

    Layers then keep all T × S weights, which they otherwise never do. Batches must not be packed.

    Example:
        >>> heads = MultiHeadAttention(12, 4, generator=0)
        >>> with record_attention() as record:
        ...     _ = heads(Tensor(np.zeros((3, 7, 12), np.float32)))
        >>> record.of([heads])[0].shape
        (3, 4, 7, 7)
    """
    record = AttentionRecord()
    token = _RECORD.set(record)
    try:
        yield record
    finally:
        _RECORD.reset(token)


class MultiHeadAttention(Module):
    """Multi-head attention (Vaswani et al. 2017, equation 1 and section 3.2.2).

    Concat(head₁ … head_N)·W + b, head i being softmax(qᵢ·kᵢᵀ/√D)·vᵢ of qᵢ = x·Wqᵢ, kᵢ = m·Wkᵢ, vᵢ = m·Wvᵢ,
    where D = E/N. Self-attention (m is x) has one layer for the three, ``qkv.weight`` (3E, E), queries first;
    attention over a memory has ``q.weight`` (E, E) and ``kv.weight`` (2E, E'). ``output.weight`` is (E, E).

    Args:
        embedding_size: E.
        num_heads: N, which must divide E.
        cross: Attend over a memory instead of x itself.
        memory_size: E', the size of the memory; E by default.
        dropout: Rate of dropout of the attention weights.
        bias: Whether the layers have a bias.
        rotary: Rotate queries and keys of self-attention by their positions.
        generator: Source of the initial weights.

    Example:
        >>> heads = MultiHeadAttention(12, 4, generator=0)
        >>> heads(Tensor(np.zeros((3, 7, 12), np.float32)), causal=True).shape
        (3, 7, 12)
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
        self.embedding_size, self.num_heads, self.cross = embedding_size, num_heads, cross
        require_sizes(self, "embedding_size", "num_heads")
        if memory_size is not None and not cross:
            raise UsageError("memory_size has no effect here: it is for attention over a memory, cross=True")
        if embedding_size % num_heads:
            raise UsageError(
                f"expected num_heads to divide embedding_size, got {num_heads} and {embedding_size}"
            )
        if rotary and cross:
            raise UsageError("rotary positions are for self-attention: a memory has others than x")
        if rotary and embedding_size // num_heads % 2:
            raise UsageError(
                f"rotary positions: expected heads of an even size, got {embedding_size // num_heads}"
            )
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

    def project_kv(self, memory: Tensor) -> KeysValues:
        """Return the keys and values of a memory (B, S, E'), computed once for all queries of a decoder."""
        return KeysValues(*ops.split_heads(self.kv(memory), heads=self.num_heads, parts=2))

    def _project_qkv(self, x: Tensor, positions: Array | None) -> tuple[Tensor, KeysValues]:
        q, k, v = ops.split_heads(self.qkv(x), heads=self.num_heads, parts=3)
        if self.rotary is not None:
            if positions is None:
                raise UsageError("rotary attention: expected the positions of its tokens, got none")
            q, k = self.rotary(q, positions), self.rotary(k, positions)
        return q, KeysValues(k, v)

    def _project_q(self, x: Tensor) -> Tensor:
        return ops.split_heads(self.q(x), heads=self.num_heads)[0]

    def _project_output(self, context: Tensor) -> Tensor:
        """Join the heads (…, N, T, D) to (…, T, E) and apply the output layer."""
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
        """Return the output (B, T, E) of attention over x itself, or over a memory.

        Args:
            x: (B, T, E), or packed (P, E).
            memory: The result of :meth:`project_kv`, with ``cross``.
            mask: Lengths (B,), or booleans (B, S) or (B, T, S), True where a key counts.
            causal: Hide later positions.
            lengths: Lengths of the sequences of a packed x, which stand one after another without padding;
                the memory is packed then too, and there can be no mask.
            memory_lengths: Lengths of the sequences of a packed memory.
            positions: (T,) or (P,), for rotary heads.
            generator: Source of the dropout mask.

        Raises:
            UsageError: In training without a generator, unless dropout is 0.
        """
        if self.cross != (memory is not None):
            expected, got = ("a memory", "none") if self.cross else ("no memory", "a memory")
            raise UsageError(f"expected {expected} with cross={self.cross}, got {got}")
        if lengths is not None and mask is not None:
            raise UsageError("packed sequences have no padding to mask: give lengths or a mask")
        if memory is None:
            q, memory = self._project_qkv(x, positions)
            memory_lengths = lengths
        else:
            q = self._project_q(x)
        rate = self.rate if self.training else 0.0
        record = _RECORD.get()
        if record is not None:
            context = self._recorded(record, q, memory, mask, causal, packed=lengths is not None)
        elif lengths is not None:
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
        return self._project_output(context)

    def _recorded(
        self, record: AttentionRecord, q: Tensor, memory: KeysValues, mask: Array, causal: bool, packed: bool
    ) -> Tensor:
        """Return the context (B, N, T, D) of queries, without dropout, and record the weights."""
        if packed or (causal and mask is not None):
            raise UsageError(
                "attention is recorded of batches without padding", remedy="record one sequence at a time"
            )
        if causal:
            T, S = q.shape[2], memory.keys.shape[2]
            xp = array_module(q.data)
            mask = (xp.arange(S) <= xp.arange(S - T, S)[:, None])[None]
            mask = xp.broadcast_to(mask, (q.shape[0], T, S))
        context, weights = ops.attention(q, *memory, mask)
        record.setdefault(id(self), []).append(weights.data)
        return context

    def decode_step(
        self, x: Tensor, past: KeysValues | None, positions: Array | None = None
    ) -> tuple[Tensor, KeysValues]:
        """Return the outputs (B, T, E) of new tokens after those of ``past``, causal, and the longer past."""
        q, new = self._project_qkv(x, positions)
        seen = new if past is None else past.extended(new)
        return self._project_output(ops.scaled_dot_product_attention(q, *seen, causal=True)), seen

    def attend(self, x: Tensor, memory: KeysValues, mask: Array | None = None) -> tuple[Tensor, Array]:
        """Return the output of x (B, T, E) over a memory and the mean weights of its heads (B, T, S).

        There is no dropout.
        """
        context, weights = ops.attention(self._project_q(x), *memory, mask)
        return self._project_output(context), weights.data.mean(axis=1)
