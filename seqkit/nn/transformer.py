"""Transformer layers (Vaswani et al. 2017).

Each sublayer f of a layer has a residual connection. Post-norm, as in the paper and in BERT, is
LayerNorm(x + dropout(f(x))). Pre-norm, as in GPT-2, is x + dropout(f(LayerNorm(x))), with one more
normalisation after the last layer; it trains without warm-up (Xiong et al. 2020).

Inputs are batches (B, T, E) with masks, or packed: sequences one after another without padding, (P, E), and
their ``lengths``. Packed, padding costs nothing, and the results are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.nn.attention import MultiHeadAttention
from seqkit.nn.dropout import Dropout
from seqkit.nn.feed_forward import FeedForward
from seqkit.nn.keys_values import KeysValues
from seqkit.nn.module import Module
from seqkit.nn.normalization import LayerNorm
from seqkit.nn.residual import Sublayer, run_sublayers

NORMS = ("pre", "post")


class _Layer(Module):
    """Base of encoder and decoder layers: all but the attention over a memory."""

    def __init__(
        self,
        embedding_size: int,
        num_heads: int,
        hidden_size: int,
        *,
        dropout: float = 0.0,
        attention_dropout: float | None = None,
        hidden_dropout: float | None = None,
        activation: str = "gelu",
        norm: str = "pre",
        epsilon: float = 1e-5,
        bias: bool = True,
        rotary: bool = False,
        generator: Generator | int | None = None,
    ) -> None:
        if norm not in NORMS:
            raise UsageError(f"expected norm to be pre or post, got {norm!r}")
        generator = as_generator(generator)
        self.norm = norm
        self.attention = MultiHeadAttention(
            embedding_size,
            num_heads,
            dropout=dropout if attention_dropout is None else attention_dropout,
            bias=bias,
            rotary=rotary,
            generator=generator,
        )
        self.attention_norm = LayerNorm(embedding_size, epsilon=epsilon)
        self.feed_forward = FeedForward(
            embedding_size,
            hidden_size,
            activation=activation,
            dropout=dropout if hidden_dropout is None else hidden_dropout,
            bias=bias,
            generator=generator,
        )
        self.feed_forward_norm = LayerNorm(embedding_size, epsilon=epsilon)
        self.dropout = Dropout(dropout)

    @property
    def rate(self) -> float:
        """Dropout rate before residual sums: 0 in evaluation."""
        return self.dropout.rate if self.training else 0.0

    def _feed_forward_sublayer(self, generator: Generator | None = None) -> Sublayer:
        return self.feed_forward_norm, lambda h: self.feed_forward(h, generator)

    def _decoding_sublayer(
        self, past: KeysValues | None, positions: Array | None, longer: list[KeysValues]
    ) -> Sublayer:
        """Attention over ``past`` and the input; it appends the longer past to ``longer``."""

        def attention(h: Tensor) -> Tensor:
            y, kv = self.attention.decode_step(h, past, positions)
            longer.append(kv)
            return y

        return self.attention_norm, attention


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward network; called with ``causal`` it is a layer of GPT-2.

    Pre-norm: h = x + attention(LayerNorm(x)), y = h + feed-forward(LayerNorm(h)). Post-norm: h =
    LayerNorm(x + attention(x)), y = LayerNorm(h + feed-forward(h)).

    Parameters: ``attention.qkv``, ``attention.output``, ``feed_forward.up``, ``feed_forward.down``,
    ``attention_norm`` and ``feed_forward_norm``, each with weight and bias.

    Args:
        embedding_size: E.
        num_heads: Heads of the attention; they must divide E.
        hidden_size: Size between the two layers of the feed-forward network.
        dropout: Rate before each residual sum.
        attention_dropout: Rate of the attention weights; ``dropout`` by default.
        hidden_dropout: Rate after the activation; ``dropout`` by default.
        activation: "gelu", "gelu-tanh" or "relu".
        norm: "pre" or "post".
        epsilon: ε of the normalisations.
        bias: Whether the linear layers have a bias.
        rotary: Rotate queries and keys by their positions.
        generator: Source of the initial weights.

    Example:
        >>> layer = TransformerEncoderLayer(12, 4, 48, generator=0)
        >>> layer(Tensor(np.zeros((3, 7, 12), np.float32)), causal=True).shape
        (3, 7, 12)
    """

    def sublayers(
        self,
        mask: Array | None = None,
        *,
        causal: bool = False,
        lengths: Sequence[int] | None = None,
        positions: Array | None = None,
        generator: Generator | None = None,
    ) -> list[Sublayer]:
        """Return the sublayers that :meth:`forward` runs; it has the same arguments."""

        def attention(h: Tensor) -> Tensor:
            return self.attention(
                h, None, mask, causal=causal, lengths=lengths, positions=positions, generator=generator
            )

        return [(self.attention_norm, attention), self._feed_forward_sublayer(generator)]

    def forward(
        self,
        x: Tensor,
        mask: Array | None = None,
        *,
        causal: bool = False,
        lengths: Sequence[int] | None = None,
        positions: Array | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """Return (B, T, E) of x, or with ``lengths`` (P, E); arguments as of MultiHeadAttention."""
        sublayers = self.sublayers(
            mask, causal=causal, lengths=lengths, positions=positions, generator=generator
        )
        return run_sublayers(x, sublayers, norm=self.norm, rate=self.rate, generator=generator)

    def decode_step(
        self, x: Tensor, past: KeysValues | None, positions: Array | None = None
    ) -> tuple[Tensor, KeysValues]:
        """Return the outputs of new tokens (B, T, E) after those of ``past``, and the longer past.

        For evaluation: there is no dropout.
        """
        longer: list[KeysValues] = []
        x = run_sublayers(
            x,
            [self._decoding_sublayer(past, positions, longer), self._feed_forward_sublayer()],
            norm=self.norm,
        )
        return x, longer[0]


class TransformerDecoderLayer(_Layer):
    """Causal self-attention, attention over a memory and a feed-forward network.

    Arguments and layout as of :class:`TransformerEncoderLayer`; parameters besides: ``cross_attention.q``,
    ``cross_attention.kv``, ``cross_attention.output`` and ``cross_attention_norm``.
    """

    def __init__(
        self,
        embedding_size: int,
        num_heads: int,
        hidden_size: int,
        *,
        generator: Generator | int | None = None,
        **settings: Any,
    ) -> None:
        generator = as_generator(generator)
        super().__init__(embedding_size, num_heads, hidden_size, generator=generator, **settings)
        self.cross_attention = MultiHeadAttention(
            embedding_size,
            num_heads,
            cross=True,
            dropout=self.attention.rate,
            bias=self.attention.output.bias is not None,
            generator=generator,
        )
        self.cross_attention_norm = LayerNorm(embedding_size, epsilon=self.attention_norm.epsilon)

    def sublayers(
        self,
        memory: KeysValues,
        memory_mask: Array | None = None,
        *,
        lengths: Sequence[int] | None = None,
        memory_lengths: Sequence[int] | None = None,
        positions: Array | None = None,
        generator: Generator | None = None,
    ) -> list[Sublayer]:
        """Return the sublayers that :meth:`forward` runs; it has the same arguments."""

        def attention(h: Tensor) -> Tensor:
            return self.attention(h, causal=True, lengths=lengths, positions=positions, generator=generator)

        def cross(h: Tensor) -> Tensor:
            return self.cross_attention(
                h, memory, memory_mask, lengths=lengths, memory_lengths=memory_lengths, generator=generator
            )

        return [
            (self.attention_norm, attention),
            (self.cross_attention_norm, cross),
            self._feed_forward_sublayer(generator),
        ]

    def forward(
        self,
        x: Tensor,
        memory: KeysValues,
        memory_mask: Array | None = None,
        *,
        lengths: Sequence[int] | None = None,
        memory_lengths: Sequence[int] | None = None,
        positions: Array | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """Return (B, T, E) of x, or (P, E).

        ``memory`` is the result of ``cross_attention.project_kv``; other arguments as of MultiHeadAttention.
        """
        sublayers = self.sublayers(
            memory,
            memory_mask,
            lengths=lengths,
            memory_lengths=memory_lengths,
            positions=positions,
            generator=generator,
        )
        return run_sublayers(x, sublayers, norm=self.norm, rate=self.rate, generator=generator)

    def decode_step(
        self,
        x: Tensor,
        past: KeysValues | None,
        memory: KeysValues,
        memory_mask: Array | None = None,
        positions: Array | None = None,
    ) -> tuple[Tensor, KeysValues, Array]:
        """Return outputs of new tokens (B, T, E) after those of ``past``, the longer past, and weights.

        The weights (B, T, S) are those of the attention over the memory, the mean over heads. For evaluation:
        there is no dropout.
        """
        longer: list[KeysValues] = []
        attended: list[Array] = []

        def cross(h: Tensor) -> Tensor:
            y, weights = self.cross_attention.attend(h, memory, memory_mask)
            attended.append(weights)
            return y

        sublayers = [
            self._decoding_sublayer(past, positions, longer),
            (self.cross_attention_norm, cross),
            self._feed_forward_sublayer(),
        ]
        return run_sublayers(x, sublayers, norm=self.norm), longer[0], attended[0]
