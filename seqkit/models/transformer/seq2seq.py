"""Encoder and decoder without recurrence: the Transformer of Vaswani et al. (2017).

It has the public methods of :class:`~seqkit.models.Seq2Seq`, and batches look as there: rows are padded at
the end, lengths say where a source ends, targets of -1 do not count, and padding changes
nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module, module_of, to_device
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models.transformer.config import TransformerSeq2SeqConfig
from seqkit.models.transformer.inputs import Layout, TransformerEmbedding, layout_of
from seqkit.nn.initializers import start_xavier


@dataclass(frozen=True)
class TransformerSeq2SeqState:
    """The state of B rows in decoding. Its arrays are never written to."""

    memory: list[nn.KeysValues]
    """Keys and values of the sources, an entry a layer."""
    mask: Array | None
    """(B, S) bool: real tokens. None when all are."""
    past: list[nn.KeysValues] | None
    """The keys and values of the targets so far, one entry a layer; None before any."""
    rows: np.ndarray
    """(B,) the source of each row, counted as at the start."""
    weights: Array | None = None
    """(B, S) the last layer's attention over the source in the step that led here; None before a step."""


class TransformerSeq2Seq(nn.Module):
    """P(next target token | source, target tokens so far)."""

    def __init__(self, config: TransformerSeq2SeqConfig, *, generator: Generator | int | None = None) -> None:
        config.check()
        generator = as_generator(generator)
        self.config = config
        embedded: dict[str, Any] = {
            "positions": config.positions,
            "max_length": config.max_length,
            "scaled": True,
            "dropout": config.dropout,
            "generator": generator,
        }
        E, V = config.embedding_size, config.target_vocab_size
        self.source_embedding = TransformerEmbedding(config.source_vocab_size, E, **embedded)
        self.target_embedding = TransformerEmbedding(V, E, **embedded)
        if config.shared_vocabulary:
            tokens = self.target_embedding.tokens
            assert isinstance(tokens, nn.Embedding)
            tokens.weight = self.source_embedding.weight
        self.encoder = nn.TransformerEncoderStack(**config.layers(), generator=generator)
        self.decoder = nn.TransformerDecoderStack(**config.layers(), generator=generator)
        self.output = nn.Linear(E, V, generator=generator)
        if config.tied:
            self.output.weight = self.target_embedding.weight
        start_xavier(self, generator)

    @property
    def attention(self) -> nn.MultiHeadAttention:
        """The last layer's attention over the source, whose weights are returned."""
        return self.decoder.layers[-1].cross_attention

    # What comes in

    def _embed(
        self, embedding: TransformerEmbedding, ids: Array, layout: Layout, generator: Generator | None
    ) -> tuple[Tensor, Array]:
        """Return vectors (B, T, E), or (P, E) of a packed batch, and the positions of the tokens."""
        T = ids.shape[1]
        if self.config.positions == "learned" and self.config.max_length < T:
            raise ShapeError(f"{T} tokens are more than max_length, {self.config.max_length}")
        positions = layout.positions(self.device)
        ids = array_module(ids).maximum(layout.pack(ids), 0)  # padding may be -1
        return embedding(ids, positions, generator=generator), positions

    def _target_ids(self, name: str, ids: Array, shape: tuple[int | None, ...]) -> Array:
        V = self.config.target_vocab_size
        return checked_ids(name, ids, shape, V, lowest=IGNORE_INDEX, device=self.device)

    # Encoder and decoder

    def encode(
        self, source: Array, source_lengths: Array | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Layout]:
        """Return the memory of source (B, S) and source_lengths (B,) or None: (B, S, E), or packed (R, E)."""
        V = self.config.source_vocab_size
        source = checked_ids("source", source, (None, None), V, lowest=IGNORE_INDEX, device=self.device)
        layout = layout_of("source_lengths", source_lengths, source.shape, self.device)
        generator = layout.draws(generator)
        x, positions = self._embed(self.source_embedding, source, layout, generator)
        memory = self.encoder(
            x, layout.mask, lengths=layout.lengths, positions=positions, generator=generator
        )
        return memory, layout

    def _memory(self, source: Array, source_lengths: Array) -> tuple[list[nn.KeysValues], Array | None]:
        """Return each layer's keys and values (B, N, S, D) of the sources, and the mask (B, S)."""
        memory, layout = self.encode(source, source_lengths)
        mask = layout.mask
        if layout.rows is not None:
            memory = ops.unpack(memory, layout.rows, shape=layout.shape)
            mask = np.zeros(layout.shape, bool)
            mask.reshape(-1)[layout.rows] = True
        return self.decoder.project_kv(memory), mask

    def _features(
        self,
        source: Array,
        source_lengths: Array,
        ids: Array,
        targets: Array | None = None,
        generator: Generator | None = None,
    ) -> tuple[Tensor, Layout]:
        """Return features (B, T, E), or packed (P, E), of target ids (B, T), and their layout.

        On the CPU the positions after a row's last counted target (B, T) are left out.
        """
        memory, layout = self.encode(source, source_lengths, generator)
        ids = self._target_ids("target_in", ids, (len(source), None))
        own = Layout(ids.shape)
        if isinstance(targets, np.ndarray):
            counted = targets != IGNORE_INDEX
            ends = np.where(counted.any(axis=1), ids.shape[1] - counted[:, ::-1].argmax(axis=1), 0)
            own = layout_of("target_out", ends, ids.shape, self.device)
        if own.rows is not None or layout.rows is not None:
            own, layout = own.packed(), layout.packed()
            memory = memory.reshape(-1, self.config.embedding_size)
        generator = own.draws(generator)
        x, positions = self._embed(self.target_embedding, ids, own, generator)
        x = self.decoder(
            x,
            self.decoder.project_kv(memory),
            layout.mask,
            lengths=own.lengths,
            memory_lengths=layout.lengths,
            positions=positions,
            generator=generator,
        )
        return x, own

    # What users call

    def forward(
        self, source: Array, source_lengths: Array, target_in: Array, *, generator: Generator | None = None
    ) -> tuple[Tensor, None]:
        """Return the scores (B, T, V) of the next tokens, and None: :meth:`attention_weights` gives the
        weights.

        Args:
            source: (B, S) ids.
            source_lengths: (B,), or None when no row is padded.
            target_in: (B, T) ids, beginning with the start id.
            generator: Source of the dropout masks.
        """
        x, own = self._features(source, source_lengths, target_in, None, generator)
        return self.output(x if own.rows is None else ops.unpack(x, own.rows, shape=own.shape)), None

    def loss(
        self,
        source: Array,
        source_lengths: Array,
        target_in: Array,
        target_out: Array,
        *,
        generator: Generator | None = None,
        teacher_forcing: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Return the mean cross entropy in nats of target_out (B, T) after target_in (B, T), where it is not
        -1.

        Args:
            source: (B, S) ids.
            source_lengths: (B,), or None when no row is padded.
            target_in: (B, T) ids, beginning with the start id.
            target_out: (B, T) ids; -1 does not count.
            generator: Source of the dropout masks.
            teacher_forcing: 1: all steps are computed at once.
            label_smoothing: 0.1 in the paper.
        """
        if teacher_forcing != 1:
            raise UsageError(
                f"expected teacher_forcing to be 1 for a Transformer, got {teacher_forcing}",
                remedy="use a recurrent decoder for scheduled sampling",
            )
        x, targets = self._batch(source, source_lengths, target_in, target_out, generator)[:2]
        return ops.linear_cross_entropy(
            x, self.output.weight, self.output.bias, targets, label_smoothing=label_smoothing
        )

    def _batch(
        self,
        source: Array,
        lengths: Array,
        target_in: Array,
        target_out: Array,
        generator: Generator | None = None,
    ) -> tuple[Tensor, Array, Layout]:
        """Return the features, the targets in the same layout, and that layout."""
        source = checked_ids("source", source, (None, None))
        target_in = self._target_ids("target_in", target_in, (len(source), None))
        targets = self._target_ids("target_out", target_out, target_in.shape)
        x, own = self._features(source, lengths, target_in, targets, generator)
        return x, own.pack(targets), own

    def token_losses(
        self, source: Array, source_lengths: Array, target_in: Array, target_out: Array
    ) -> Array:
        """Return -log P (B, T) float64 of each of target_out, 0 where it is -1; without dropout."""
        with self.evaluating():
            x, targets, own = self._batch(source, source_lengths, target_in, target_out)
            losses = ops.linear_cross_entropy(
                x, self.output.weight, self.output.bias, targets, reduction="none"
            ).data
        if own.rows is None:
            return losses
        padded = np.zeros(own.shape)
        padded.reshape(-1)[own.rows] = losses
        return padded

    def attention_weights(self, source: Array, source_lengths: Array, target_in: Array) -> Array:
        """Return the last layer's attention over the source (B, T, S) for target_in (B, T), the mean over
        heads.

        Of a decoded sequence: pass the start id and the decoded ids. These are the weights that decoding had.
        """
        with self.evaluating():
            memory, mask = self._memory(source, source_lengths)
            ids = self._target_ids("target_in", target_in, (len(source), None))
            x, positions = self._embed(self.target_embedding, ids, Layout(ids.shape), None)
            return self.decoder.decode_step(x, None, memory, mask, positions)[2]

    # The decoding protocol

    def start(self, batch: int, context: object = None) -> TransformerSeq2SeqState:
        """Return the state before any target token.

        ``context`` is (source (B, S), source_lengths (B,) or None). B is ``batch``, or 1, for ``batch``
        targets of one source.
        """
        if not isinstance(context, tuple) or len(context) != 2:
            raise UsageError("a seq2seq model decodes a context (source, source_lengths)")
        source, lengths = context
        with self.evaluating():
            memory, mask = self._memory(source, lengths)
        state = TransformerSeq2SeqState(memory, mask, None, np.arange(len(source)))
        if len(source) == batch:
            return state
        if len(source) != 1:
            raise ShapeError(f"{len(source)} sources for {batch} rows: give as many, or one")
        return self.reorder(state, np.zeros(batch, np.int64))

    def step(self, ids: Array, state: TransformerSeq2SeqState) -> tuple[Array, TransformerSeq2SeqState]:
        """Feed ids (B,); return log P (B, V) of the next token, and the state with ``weights`` (B, S).

        Keys and values are cached, so that a step costs one token. ShapeError after ``max_length`` of them
        where positions are learned.
        """
        ids = self._target_ids("ids", ids, (len(state.rows),))[:, None]
        done = 0 if state.past is None else len(state.past[0])
        if self.config.positions == "learned" and done == self.config.max_length:
            raise ShapeError(f"no position after max_length, {self.config.max_length}")
        with self.evaluating():
            positions = to_device(np.arange(done, done + 1), self.device)
            x = self.target_embedding(array_module(ids).maximum(ids, 0), positions)
            y, past, weights = self.decoder.decode_step(x, state.past, state.memory, state.mask, positions)
            log_probs = ops.log_softmax(self.output(y[:, 0])).data
        after = TransformerSeq2SeqState(state.memory, state.mask, past, state.rows, weights[:, 0])
        return log_probs, after

    def attention_of(self, state: TransformerSeq2SeqState) -> Array | None:
        """Return the attention weights (B, S) of the step that led to ``state``."""
        return state.weights

    def reorder(self, state: TransformerSeq2SeqState, rows: Array) -> TransformerSeq2SeqState:
        """Return the state of ``rows``, in that order; rows may repeat or be left out.

        Rows that change places within one source, as a beam's do, leave its memory where it is.
        """
        rows = np.asarray(rows)
        sources = state.rows[rows]
        chosen = module_of(self.device).asarray(rows)
        moved = not np.array_equal(sources, state.rows)

        def of(entries: list[nn.KeysValues]) -> list[nn.KeysValues]:
            return [entry.of_rows(chosen) for entry in entries]

        return TransformerSeq2SeqState(
            of(state.memory) if moved else state.memory,
            state.mask[chosen] if moved and state.mask is not None else state.mask,
            None if state.past is None else of(state.past),
            sources,
            None if state.weights is None else state.weights[chosen],
        )
