"""Stacks of Transformer layers, with the normalisation that ends a pre-norm stack."""

from collections.abc import Sequence
from typing import Any

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.nn.keys_values import KeysValues
from seqkit.nn.module import Module
from seqkit.nn.normalization import LayerNorm
from seqkit.nn.residual import Sublayer, run_sublayers
from seqkit.nn.transformer import TransformerDecoderLayer, TransformerEncoderLayer


class _Stack(Module):
    """Base of both stacks."""

    layers: list[Any]
    _layer_type: type[TransformerEncoderLayer] | type[TransformerDecoderLayer]

    def __init__(
        self,
        num_layers: int,
        embedding_size: int,
        num_heads: int,
        hidden_size: int,
        *,
        generator: Generator | int | None = None,
        **settings: Any,
    ) -> None:
        if num_layers < 1:
            raise UsageError(f"expected num_layers to be at least 1, got {num_layers}")
        generator = as_generator(generator)
        self.layers = [
            self._layer_type(embedding_size, num_heads, hidden_size, generator=generator, **settings)
            for _ in range(num_layers)
        ]
        first = self.layers[0]
        self.norm = first.norm
        self.final_norm = (
            LayerNorm(embedding_size, epsilon=first.attention_norm.epsilon) if first.norm == "pre" else None
        )

    def _run(self, x: Tensor, sublayers: Sequence[Sublayer], generator: Generator | None) -> Tensor:
        rate = self.layers[0].rate
        return run_sublayers(
            x, sublayers, norm=self.norm, rate=rate, generator=generator, last=self.final_norm
        )

    def _normalized(self, x: Tensor) -> Tensor:
        return x if self.final_norm is None else self.final_norm(x)

    def _pasts(self, past: Sequence[KeysValues] | None) -> Sequence[KeysValues | None]:
        return past or [None] * len(self.layers)


class TransformerEncoderStack(_Stack):
    """``num_layers`` encoder layers, ``layers.0`` and so on, and ``final_norm`` if they are pre-norm.

    The other arguments are those of :class:`~seqkit.nn.TransformerEncoderLayer`.
    """

    layers: list[TransformerEncoderLayer]
    _layer_type = TransformerEncoderLayer

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
        """Return (B, T, E) of x, or with ``lengths`` (P, E); arguments as of a layer."""
        sublayers = [
            sublayer
            for layer in self.layers
            for sublayer in layer.sublayers(
                mask, causal=causal, lengths=lengths, positions=positions, generator=generator
            )
        ]
        return self._run(x, sublayers, generator)

    def decode_step(
        self, x: Tensor, past: Sequence[KeysValues] | None, positions: Array | None = None
    ) -> tuple[Tensor, list[KeysValues]]:
        """Return outputs of new tokens (B, T, E) after those of ``past``, and the longer past.

        ``past`` has an entry a layer.
        """
        longer = []
        for layer, before in zip(self.layers, self._pasts(past), strict=True):
            x, kv = layer.decode_step(x, before, positions)
            longer.append(kv)
        return self._normalized(x), longer


class TransformerDecoderStack(_Stack):
    """``num_layers`` decoder layers, as :class:`TransformerEncoderStack` has encoder layers."""

    layers: list[TransformerDecoderLayer]
    _layer_type = TransformerDecoderLayer

    def project_kv(self, memory: Tensor) -> list[KeysValues]:
        """Return each layer's keys and values of a memory (B, S, E) or (R, E)."""
        return [layer.cross_attention.project_kv(memory) for layer in self.layers]

    def forward(
        self,
        x: Tensor,
        memory: Sequence[KeysValues],
        memory_mask: Array | None = None,
        *,
        lengths: Sequence[int] | None = None,
        memory_lengths: Sequence[int] | None = None,
        positions: Array | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """Return (B, T, E) of x, or (P, E).

        ``memory`` is the result of :meth:`project_kv`; other arguments as of a layer.
        """
        sublayers = [
            sublayer
            for layer, kv in zip(self.layers, memory, strict=True)
            for sublayer in layer.sublayers(
                kv,
                memory_mask,
                lengths=lengths,
                memory_lengths=memory_lengths,
                positions=positions,
                generator=generator,
            )
        ]
        return self._run(x, sublayers, generator)

    def decode_step(
        self,
        x: Tensor,
        past: Sequence[KeysValues] | None,
        memory: Sequence[KeysValues],
        memory_mask: Array | None = None,
        positions: Array | None = None,
    ) -> tuple[Tensor, list[KeysValues], Array]:
        """Return outputs of new tokens (B, T, E) after those of ``past``, the longer past, and weights.

        ``past`` has an entry a layer. The weights (B, T, S) are those of the last layer's attention over the
        memory, the mean over heads.
        """
        longer, weights = [], None
        for layer, own, kv in zip(self.layers, self._pasts(past), memory, strict=True):
            x, grown, weights = layer.decode_step(x, own, kv, memory_mask, positions)
            longer.append(grown)
        return self._normalized(x), longer, weights
