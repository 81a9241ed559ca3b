"""The networks of a sequence-to-sequence model: recurrent encoder, attention and recurrent decoder.

With teacher forcing and without input feeding the decoder is one recurrent op over all T steps and one
attention op over all T × S pairs; otherwise it goes step by step. Rows of a batch are padded at the end:
lengths say where a source ends, and the padding changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from seqkit import nn, ops
from seqkit.autograd import Tensor, concatenate, no_grad
from seqkit.backend import Array, array_module, zeros
from seqkit.backend.ids import IGNORE_INDEX, checked_ids, length_mask
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.models.seq2seq.config import CELLS, Seq2SeqConfig
from seqkit.nn import initializers
from seqkit.nn.recurrent import State


@dataclass(frozen=True)
class Encoded:
    """Outputs of the encoder that the decoder reads for B sources; None where it does not use them."""

    memory: Array | None = None
    """(B, S, H) outputs of the encoder."""
    keys: Array | None = None
    """(B, S, A) keys of the attention."""
    mask: Array | None = None
    """(B, S) bool: real tokens. None when all are."""
    peek: Array | None = None
    """(B, H) the last h of the encoder's last layer."""

    def map(self, function: Any) -> Encoded:
        """Return an Encoded of ``function`` applied to each entry that is not None."""
        entries = (self.memory, self.keys, self.mask, self.peek)
        return Encoded(*(None if entry is None else function(entry) for entry in entries))


class EncoderDecoder(nn.Module):
    """The two networks, their embeddings, and the attention between them; :class:`Seq2Seq` is the model."""

    def __init__(self, config: Seq2SeqConfig, *, generator: Generator | int | None = None) -> None:
        config.check()
        generator = as_generator(generator)
        self.config = config
        # A tied matrix of N(0, 1) would make scores of deviation √E, and a first loss to match.
        standard = config.weight_init == "standard" and config.init_range is None
        self.embedding_scale = math.sqrt(config.embedding_size) if standard and config.tied else 1.0
        E, H, V = config.embedding_size, config.hidden_size, config.target_vocab_size
        cell = CELLS[config.cell]
        self.source_embedding = nn.Embedding(config.source_vocab_size, E, std=0.01, generator=generator)
        self.target_embedding = nn.Embedding(V, E, std=0.01, generator=generator)
        if config.shared_vocabulary:
            self.target_embedding.weight = self.source_embedding.weight
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = cell(
            E,
            H // 2 if config.bidirectional else H,
            config.num_layers,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
            generator=generator,
        )
        features = E if config.tied else H
        inputs = E + config.peeky * H + config.input_feeding * features
        self.decoder = cell(inputs, H, config.num_layers, dropout=config.dropout, generator=generator)
        self.attention: nn.Attention | None = None
        if config.attention is not None:
            self.attention = nn.Attention(config.attention, H, H, generator=generator)
        seen = H + config.peeky * H + (config.attention is not None) * H
        self.readout: nn.Linear | None = None
        if config.readout or config.tied or config.input_feeding:
            self.readout = nn.Linear(seen, features, generator=generator)
            seen = features
        self.output = nn.Linear(seen, V, generator=generator)
        if config.tied:
            self.output.weight = self.target_embedding.weight
        self._start_weights(generator)

    def _start_weights(self, generator: Generator) -> None:
        init, bound = self.config.weight_init, self.config.init_range
        normal = init == "normal"
        for name, parameter in self.named_parameters():
            shape, last = parameter.shape, name.rpartition(".")[2]
            if bound is not None:
                parameter.data[...] = initializers.uniform(shape, generator, bound)
            elif "embedding" in name:
                if init == "standard":
                    parameter.data[...] = initializers.normal(shape, generator, 1 / self.embedding_scale)
                elif init == "uniform":
                    parameter.data[...] = initializers.uniform(shape, generator, 0.1)
            elif normal and last.startswith("bias"):
                parameter.data[...] = 0
            elif normal:
                parameter.data[...] = initializers.normal(shape, generator, 1 / math.sqrt(shape[-1]))
        if normal or bound is not None:
            return
        self.output.bias = nn.Parameter(initializers.zeros((self.config.target_vocab_size,)))
        for network in (self.encoder, self.decoder):
            if isinstance(network, nn.LSTM):
                network.set_forget_bias()

    # What comes in

    def _ids(self, name: str, ids: Array, vocab_size: int, shape: tuple[int | None, ...]) -> Array:
        return checked_ids(name, ids, shape, vocab_size, lowest=IGNORE_INDEX, device=self.device)

    def _embed(self, embedding: nn.Embedding, ids: Array, generator: Generator | None) -> Tensor:
        """Return vectors (B, T, E) of ids (B, T), -1 where padded."""
        vectors = embedding(array_module(ids).maximum(ids, 0))
        if self.embedding_scale != 1:
            vectors = vectors * self.embedding_scale
        return self.dropout(vectors, generator)

    # Encoder

    def encode(
        self, source: Array, source_lengths: Array | None = None, generator: Generator | None = None
    ) -> tuple[Encoded, State]:
        """Return what the decoder reads of the sources, and its first state; Tensors.

        Args:
            source: (B, S) ids.
            source_lengths: (B,), or None when no row is padded.
            generator: Source of the dropout masks.
        """
        source = self._ids("source", source, self.config.source_vocab_size, (None, None))
        mask = length_mask("source_lengths", source_lengths, source.shape, self.device)
        x = self._embed(self.source_embedding, source, generator)
        memory, last = self.encoder(x, self._zeros(self.encoder, x), mask, generator)
        if self.config.bidirectional:  # the directions of a layer, side by side
            last = [
                tuple(concatenate(*both, axis=1) for both in zip(last[i], last[i + 1], strict=True))
                for i in range(0, len(last), 2)
            ]
        peek = last[-1][0] if self.config.peeky else None
        if not self.config.pass_cell:
            empty_state = self._zeros(self.decoder, x)
            last = [(h, *rest[1:]) for (h, *_), rest in zip(last, empty_state, strict=True)]
        if self.attention is None:
            return Encoded(peek=peek), last
        return Encoded(memory, self.attention.keys(memory), mask, peek), last

    @staticmethod
    def _zeros(network: Any, x: Tensor) -> State:
        """Return the state of ``network`` before x (B, T, ·)."""
        xp = array_module(x.data)
        return [
            tuple(zeros(xp, (x.shape[0], layer.weight_hh.shape[1]), x.dtype) for _ in range(network.states))
            for layer in network.layers
        ]

    # Decoder

    def _first_fed(self, x: Tensor) -> Any:
        """Return the zeros (B, R) that input feeding feeds to the first step of x (B, T, E).

        None without it.
        """
        if not self.config.input_feeding or self.readout is None:
            return None
        return Tensor(zeros(array_module(x.data), (x.shape[0], self.readout.out_features), x.dtype))

    def _advance(
        self, x: Tensor, encoded: Encoded, recurrent: State, fed: Array, generator: Generator | None
    ) -> tuple[Tensor, Tensor | None, State]:
        """Run the decoder over embedded tokens (B, T, E).

        Returns features (B, T, F) for the output layer, weights (B, T, S) and the state. With input feeding T
        is 1, and ``fed`` (B, F) are the features of the step before.
        """
        B, T, _ = x.shape
        peek: list[Tensor] = []
        if encoded.peek is not None:
            peek = [encoded.peek.reshape(B, 1, -1).broadcast_to((B, T, self.config.hidden_size))]
        before = [] if fed is None else [fed.reshape(B, 1, -1)]
        if peek or before:
            x = concatenate(*peek, *before, x, axis=2)
        y, recurrent = self.decoder(x, recurrent, None, generator)
        contexts, weights = [], None
        if self.attention is not None:
            context, weights = self.attention(y, encoded.memory, encoded.mask, keys=encoded.keys)
            contexts = [context]
        features = concatenate(*peek, *contexts, y, axis=2) if peek or contexts else y
        if self.readout is not None:
            features = ops.tanh(self.readout(features))
        return self.dropout(features, generator), weights, recurrent

    def _features(
        self,
        encoded: Encoded,
        recurrent: State,
        ids: Array,
        generator: Generator | None,
        teacher_forcing: float = 1.0,
    ) -> tuple[Tensor, Array | None]:
        """Return features (B, T, F) of target ids (B, T), and attention weights (B, T, S), an array."""
        B, T = ids.shape
        forced = teacher_forcing >= 1
        if forced:
            x = self._embed(self.target_embedding, ids, generator)
            if not self.config.input_feeding:
                features, weights, _ = self._advance(x, encoded, recurrent, None, generator)
                return features, None if weights is None else weights.data
        xp = array_module(ids)
        true = None if forced else self._draws((B, T), xp, generator) < teacher_forcing
        all_features, all_weights = [], []
        fed = token = None
        for t in range(T):
            if true is None:
                step = x[:, t : t + 1]
            else:
                token = ids[:, t] if t == 0 else xp.where(true[:, t], ids[:, t], token)
                step = self._embed(self.target_embedding, token[:, None], generator)
            fed = self._first_fed(step) if t == 0 else fed
            features, weights, recurrent = self._advance(step, encoded, recurrent, fed, generator)
            fed = features if self.config.input_feeding else None
            all_features.append(features)
            if weights is not None:
                all_weights.append(weights.data)
            if true is not None and t + 1 < T:
                with no_grad():
                    token = self.output(features).data[:, 0].argmax(axis=-1)
        joined = xp.concatenate(all_weights, axis=1) if all_weights else None
        return concatenate(*all_features, axis=1), joined

    @staticmethod
    def _draws(shape: tuple[int, int], xp: ModuleType, generator: Generator | None) -> Array:
        if generator is None:
            raise UsageError("scheduled sampling needs a generator", remedy="pass seqkit.Generator(seed)")
        return generator.uniform_rows(shape, xp)
