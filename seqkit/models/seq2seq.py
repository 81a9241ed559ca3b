"""Encoder and decoder: a recurrent network reads a source, another writes the target.

Sutskever, Vinyals, Le (2014); the encoder's state at every step of the decoder ("peeky") and the gated unit
by Cho et al. (2014); attention by Bahdanau, Cho, Bengio (2015) and Luong, Pham, Manning (2015), input feeding
by the latter, section 3.3; scheduled sampling by Bengio et al. (2015). With ``pass_cell=False`` and
``weight_init="normal"`` it is laid out as in "Deep Learning from Scratch 2", chapters 7 and 8.

With teacher forcing and without input feeding the decoder is one recurrent op over all T steps and one
attention op over all T × S pairs; otherwise it goes step by step. Rows of a batch are padded at the end:
lengths say where a source ends, targets of -1 do not count, and what stands in the padding changes nothing.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor, concatenate, no_grad
from seqkit.backend import Array, array_module, module_of, to_device, zeros
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import ShapeError, UsageError
from seqkit.nn import initializers
from seqkit.nn.attention import KINDS
from seqkit.nn.recurrent import State, detach

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
INITS = ("uniform", "normal")


@dataclass(frozen=True)
class Seq2SeqConfig:
    """What an encoder and decoder are made of.

    cell: "lstm" or "gru". bidirectional: the encoder reads both ways, each direction with half of
    ``hidden_size``, so that its states fit the decoder. pass_cell: an LSTM's decoder starts with the
    encoder's c as well as its h. peeky: the encoder's last h joins the input and the output of the decoder at
    every step.
    attention: None, "dot", "general" or "additive"; the output layer then sees the context and the hidden
    state side by side. readout: a layer tanh(W·these) stands before the output layer (Luong's attentional
    vector); input_feeding joins it to the next step's input. shared_vocabulary: source and target have one
    embedding matrix. tied: the output matrix is that of the target's embedding. The last two imply readout
    where it is needed: ``tied`` makes it ``embedding_size`` wide, otherwise it has ``hidden_size``.

    dropout is the rate on embedded ids, between layers, and before the output layer. init: "uniform" starts
    embeddings within ±0.1, other weights within ±1/√inputs, and forget gates with a bias of 1; "normal"
    draws embeddings with deviation 0.01 and other weights with 1/√inputs, biases 0, as the textbook does.
    ``init_range`` makes every weight uniform within ± it.
    """

    source_vocab_size: int
    target_vocab_size: int
    embedding_size: int = 256
    hidden_size: int = 256
    num_layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = False
    attention: str | None = None
    input_feeding: bool = False
    peeky: bool = False
    readout: bool = False
    pass_cell: bool = True
    shared_vocabulary: bool = False
    tied: bool = False
    dropout: float = 0.0
    weight_init: str = "uniform"
    init_range: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able settings."""
        return dataclasses.asdict(self)


def _check(config: Seq2SeqConfig) -> None:
    for name, choices in (("cell", tuple(CELLS)), ("attention", (None, *KINDS)), ("weight_init", INITS)):
        if getattr(config, name) not in choices:
            named = ", ".join(map(str, choices))
            raise UsageError(f"{name} must be one of {named}, got {getattr(config, name)!r}")
    for name in ("source_vocab_size", "target_vocab_size", "embedding_size", "hidden_size", "num_layers"):
        if getattr(config, name) < 1:
            raise UsageError(f"{name} must be at least 1, got {getattr(config, name)}")
    if config.bidirectional and config.hidden_size % 2:
        raise UsageError(f"a bidirectional encoder halves hidden_size, which is odd: {config.hidden_size}")
    if config.shared_vocabulary and config.source_vocab_size != config.target_vocab_size:
        raise UsageError(
            f"a shared vocabulary has one size, got {config.source_vocab_size} and {config.target_vocab_size}"
        )
    if config.input_feeding and config.attention is None:
        raise UsageError("input feeding feeds what attention read", remedy="choose an attention")


@dataclass(frozen=True)
class Encoded:
    """What the decoder sees of B sources, beside the state it starts from; None where it does not look."""

    memory: Any = None
    """(B, S, H) outputs of the encoder."""
    keys: Any = None
    """(B, S, A) what attention compares queries with."""
    mask: Array | None = None
    """(B, S) bool: real tokens. None when all are."""
    peek: Any = None
    """(B, H) the last h of the encoder's last layer."""

    def map(self, function: Any) -> Encoded:
        """``function`` of each entry that is there."""
        entries = (self.memory, self.keys, self.mask, self.peek)
        return Encoded(*(None if entry is None else function(entry) for entry in entries))


@dataclass(frozen=True)
class Seq2SeqState:
    """Where B rows stand in decoding. Its arrays are never written to."""

    encoded: Encoded
    recurrent: State
    fed: Array | None
    """(B, R) the readout of the step before, with input feeding."""
    rows: np.ndarray
    """(B,) which source each row reads, counted as at the start."""
    weights: Array | None = None
    """(B, S) the attention weights of the step that led here; None without attention or before a step."""


class Seq2Seq(nn.Module):
    """P(next target token | source, target tokens so far)."""

    def __init__(self, config: Seq2SeqConfig, *, generator: Generator | int | None = None) -> None:
        _check(config)
        generator = as_generator(generator)
        self.config = config
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
        normal, bound = self.config.weight_init == "normal", self.config.init_range
        for name, parameter in self.named_parameters():
            shape, last = parameter.shape, name.rpartition(".")[2]
            if bound is not None:
                parameter.data[...] = initializers.uniform(shape, generator, bound)
            elif "embedding" in name:
                if not normal:
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

    def _to_device(self, x: Array) -> Array:
        return to_device(x, self.source_embedding.weight.device)

    def _ids(self, name: str, ids: Any, vocab_size: int, shape: tuple[int | None, int | None]) -> Array:
        device = self.source_embedding.weight.device
        return checked_ids(name, ids, shape, vocab_size, lowest=IGNORE_INDEX, device=device)

    def _mask(self, lengths: Any, shape: tuple[int, int]) -> Array | None:
        """(B, S) bool of lengths (B,), or None where all sources are known to be S long."""
        B, S = shape
        if lengths is None:
            return None
        lengths = np.asarray(lengths) if isinstance(lengths, list | tuple) else lengths
        if lengths.shape != (B,) or lengths.dtype.kind not in "iu":
            raise ShapeError(f"source_lengths must be integers ({B},), got {lengths.dtype} {lengths.shape}")
        if isinstance(lengths, np.ndarray):  # on a GPU the answers would have to be waited for
            if B and not 0 <= lengths.min() <= lengths.max() <= S:
                raise ShapeError(f"source_lengths must be 0 to {S}, got {lengths.min()} to {lengths.max()}")
            if (lengths == S).all():
                return None
        lengths = self._to_device(lengths)
        return array_module(lengths).arange(S) < lengths[:, None]

    def _embed(self, embedding: nn.Embedding, ids: Array, generator: Generator | None) -> Tensor:
        """ids (B, T), -1 where padded, to vectors (B, T, E)."""
        return self.dropout(embedding(array_module(ids).maximum(ids, 0)), generator)

    # Encoder

    def encode(
        self, source: Any, source_lengths: Any = None, generator: Generator | None = None
    ) -> tuple[Encoded, State]:
        """What the decoder reads of the sources, and the state it starts from; Tensors.

        source (B, S) ids, source_lengths (B,), or None when no row is padded.
        """
        source = self._ids("source", source, self.config.source_vocab_size, (None, None))
        mask = self._mask(source_lengths, source.shape)
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
        """The state of ``network`` before x (B, T, ·)."""
        xp = array_module(x.data)
        return [
            tuple(zeros(xp, (x.shape[0], layer.weight_hh.shape[1]), x.dtype) for _ in range(network.states))
            for layer in network.layers
        ]

    # Decoder

    def _first_fed(self, x: Tensor) -> Any:
        """(B, R) zeros: what input feeding feeds to the first step of x (B, T, E); None without it."""
        if not self.config.input_feeding or self.readout is None:
            return None
        return Tensor(zeros(array_module(x.data), (x.shape[0], self.readout.out_features), x.dtype))

    def _advance(
        self, x: Tensor, encoded: Encoded, recurrent: State, fed: Any, generator: Generator | None
    ) -> tuple[Tensor, Tensor | None, State]:
        """Embedded tokens (B, T, E) to features (B, T, F) for the output layer, weights (B, T, S), the state.

        With input feeding T is 1, and ``fed`` (B, F) the features before.
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
        """Target ids (B, T) to features (B, T, F), and attention weights (B, T, S), an array."""
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
    def _draws(shape: tuple[int, int], xp: Any, generator: Generator | None) -> Array:
        if generator is None:
            raise UsageError(
                "scheduled sampling needs a generator", remedy="pass seqkit.backend.random.Generator(seed)"
            )
        return generator.uniform(shape, xp)

    # What users call

    def forward(
        self, source: Any, source_lengths: Any, target_in: Any, *, generator: Generator | None = None
    ) -> tuple[Tensor, Array | None]:
        """Scores (B, T, V) of the token after each of target_in (B, T), and the attention weights (B, T, S).

        source (B, S) and source_lengths (B,) or None as for :meth:`encode`; target_in begins with the start
        id. The weights are an array, zero in the padding of the source; None without attention.
        """
        encoded, recurrent = self.encode(source, source_lengths, generator)
        ids = self._ids("target_in", target_in, self.config.target_vocab_size, (len(source), None))
        features, weights = self._features(encoded, recurrent, ids, generator)
        return self.output(features), weights

    def loss(
        self,
        source: Any,
        source_lengths: Any,
        target_in: Any,
        target_out: Any,
        *,
        generator: Generator | None = None,
        teacher_forcing: float = 1.0,
    ) -> Tensor:
        """Mean cross entropy in nats of target_out (B, T) after target_in (B, T), where it is not -1.

        With ``teacher_forcing`` below 1 each token of target_in but the first is fed with that probability,
        and otherwise the model's own likeliest one: lower it over training for scheduled sampling. That,
        and dropout, draw from ``generator``.
        """
        if not 0 <= teacher_forcing <= 1:
            raise UsageError(f"teacher_forcing must be 0 to 1, got {teacher_forcing}")
        features, targets = self._batch(
            source, source_lengths, target_in, target_out, generator, teacher_forcing
        )
        if isinstance(targets, np.ndarray):  # on a GPU the count would have to be waited for
            counted = np.flatnonzero(targets != IGNORE_INDEX)
            if 0 < len(counted) < targets.size:  # the product with the vocabulary is for real targets only
                features = ops.embedding(features.reshape(-1, features.shape[-1]), counted)
                targets = targets.reshape(-1)[counted]
        return ops.linear_cross_entropy(features, self.output.weight, self.output.bias, targets)

    def _batch(
        self, source: Any, lengths: Any, ids: Any, targets: Any, generator: Any, teacher_forcing: float = 1.0
    ) -> tuple[Tensor, Array]:
        V = self.config.target_vocab_size
        encoded, recurrent = self.encode(source, lengths, generator)
        ids = self._ids("target_in", ids, V, (len(source), None))
        targets = self._ids("target_out", targets, V, ids.shape)
        return self._features(encoded, recurrent, ids, generator, teacher_forcing)[0], targets

    def token_losses(self, source: Any, source_lengths: Any, target_in: Any, target_out: Any) -> Array:
        """-log P (B, T) float64 of each of target_out, 0 where it is -1. Evaluation: no dropout."""
        with self.evaluating():
            features, targets = self._batch(source, source_lengths, target_in, target_out, None)
            return ops.linear_cross_entropy(
                features, self.output.weight, self.output.bias, targets, reduction="none"
            ).data

    def attention_weights(self, source: Any, source_lengths: Any, target_in: Any) -> Array | None:
        """(B, T, S): what each of target_in (B, T) read of the source; None without attention. No dropout.

        Of a decoded sequence: pass the start id and the decoded ids. These are the weights that decoding
        had, for one pass over all steps.
        """
        with self.evaluating():
            encoded, recurrent = self.encode(source, source_lengths)
            ids = self._ids("target_in", target_in, self.config.target_vocab_size, (len(source), None))
            return self._features(encoded, recurrent, ids, None)[1]

    # The decoding protocol

    def start(self, batch: int, context: Any = None) -> Seq2SeqState:
        """The state before any target token. context: (source (B, S), source_lengths (B,) or None).

        B is ``batch``, or 1, for ``batch`` targets of one source.
        """
        if not isinstance(context, tuple) or len(context) != 2:
            raise UsageError("a seq2seq model decodes a context (source, source_lengths)")
        source, lengths = context
        with self.evaluating():
            encoded, recurrent = self.encode(source, lengths)
            encoded = encoded.map(lambda x: x.data if isinstance(x, Tensor) else x)
            fed = self._first_fed(Tensor(recurrent[0][0].data[:, None]))
        state = Seq2SeqState(
            encoded, detach(recurrent), None if fed is None else fed.data, np.arange(len(source))
        )
        if len(source) == batch:
            return state
        if len(source) != 1:
            raise ShapeError(f"{len(source)} sources for {batch} rows: give as many, or one")
        return self.reorder(state, np.zeros(batch, np.int64))

    def step(self, ids: Any, state: Seq2SeqState) -> tuple[Array, Seq2SeqState]:
        """Feed ids (B,): log P (B, V) of the next token, and the state after, with ``weights`` (B, S)."""
        with self.evaluating():
            ids = self._ids("ids", ids[:, None], self.config.target_vocab_size, (len(state.rows), 1))
            encoded = state.encoded.map(lambda x: x if x.dtype.kind == "b" else Tensor(x))
            fed = None if state.fed is None else Tensor(state.fed)
            x = self._embed(self.target_embedding, ids, None)
            features, weights, recurrent = self._advance(x, encoded, state.recurrent, fed, None)
            scores = ops.log_softmax(self.output(features)[:, 0])
        after = Seq2SeqState(
            state.encoded,
            detach(recurrent),
            None if state.fed is None else features.data[:, 0],
            state.rows,
            None if weights is None else weights.data[:, 0],
        )
        return scores.data, after

    def attention_of(self, state: Seq2SeqState) -> Array | None:
        """(B, S) what the step that led to ``state`` read of the source; None without attention."""
        return state.weights

    def reorder(self, state: Seq2SeqState, rows: Any) -> Seq2SeqState:
        """The state of ``rows``, in that order; rows may repeat or be left out.

        Rows that change places within one source, as a beam's do, leave its outputs where they are.
        """
        rows = np.asarray(rows)
        sources = state.rows[rows]
        xp = module_of(self.source_embedding.weight.device)
        chosen = xp.asarray(rows)
        moved = not np.array_equal(sources, state.rows)
        return Seq2SeqState(
            state.encoded.map(lambda x: x[chosen]) if moved else state.encoded,
            [tuple(part[chosen] for part in entry) for entry in state.recurrent],
            None if state.fed is None else state.fed[chosen],
            sources,
            None if state.weights is None else state.weights[chosen],
        )
