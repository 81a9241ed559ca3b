"""Encoder and decoder: a recurrent network reads a source, another writes the target.

Sutskever, Vinyals, Le (2014); the encoder's state at every step of the decoder ("peeky") and the gated unit
by Cho et al. (2014); attention by Bahdanau, Cho, Bengio (2015) and Luong, Pham, Manning (2015), input feeding
by the latter, section 3.3; scheduled sampling by Bengio et al. (2015). With ``pass_cell=False`` and
``weight_init="normal"`` it is laid out as in "Deep Learning from Scratch 2", chapters 7 and 8.

Rows of a batch are padded at the end: lengths say where a source ends, and targets of -1 do not count.
"""

from dataclasses import dataclass

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, module_of
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models.seq2seq.encoder_decoder import Encoded, EncoderDecoder
from seqkit.nn.recurrent import State, detach


@dataclass(frozen=True)
class Seq2SeqState:
    """The state of B rows in decoding. Its arrays are never written to."""

    encoded: Encoded
    recurrent: State
    fed: Array | None
    """(B, R) the readout of the step before, with input feeding."""
    rows: np.ndarray
    """(B,) which source each row reads, counted as at the start."""
    weights: Array | None = None
    """(B, S) the attention weights of the step that led here; None without attention or before a step."""


class Seq2Seq(EncoderDecoder):
    """P(next target token | source, target tokens so far).

    Example:
        >>> from seqkit.models import Seq2Seq, Seq2SeqConfig
        >>> model = Seq2Seq(Seq2SeqConfig(50, 60, attention="dot"), generator=0)
        >>> source, target = np.arange(12).reshape(2, 6), np.arange(10).reshape(2, 5)
        >>> loss = model.loss(source, None, target[:, :-1], target[:, 1:])
    """

    def forward(
        self, source: Array, source_lengths: Array, target_in: Array, *, generator: Generator | None = None
    ) -> tuple[Tensor, Array | None]:
        """Return the scores (B, T, V) of the next tokens, and the attention weights (B, T, S).

        The weights are an array, zero in the padding of the source; None without attention.

        Args:
            source: (B, S) ids.
            source_lengths: (B,), or None when no row is padded.
            target_in: (B, T) ids, beginning with the start id.
            generator: Source of the dropout masks.
        """
        encoded, recurrent = self.encode(source, source_lengths, generator)
        ids = self._ids("target_in", target_in, self.config.target_vocab_size, (len(source), None))
        features, weights = self._features(encoded, recurrent, ids, generator)
        return self.output(features), weights

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
        """Return the mean cross entropy in nats of target_out after target_in.

        Args:
            source: (B, S) ids.
            source_lengths: (B,), or None when no row is padded.
            target_in: (B, T) ids, beginning with the start id.
            target_out: (B, T) ids; -1 does not count.
            generator: Source of the dropout masks and of scheduled sampling.
            teacher_forcing: Probability with which each token of ``target_in`` but the first is fed;
                otherwise the model's own likeliest token is. Lower it over training for scheduled sampling.
            label_smoothing: As of :func:`seqkit.ops.linear_cross_entropy`.
        """
        if not 0 <= teacher_forcing <= 1:
            raise UsageError(f"expected teacher_forcing to be 0 to 1, got {teacher_forcing}")
        features, targets = self._batch(
            source, source_lengths, target_in, target_out, generator, teacher_forcing
        )
        if isinstance(targets, np.ndarray):  # on a GPU the count would have to be waited for
            counted = np.flatnonzero(targets != IGNORE_INDEX)
            if 0 < len(counted) < targets.size:  # the product with the vocabulary is for real targets only
                features = ops.embedding(features.reshape(-1, features.shape[-1]), counted)
                targets = targets.reshape(-1)[counted]
        return ops.linear_cross_entropy(
            features, self.output.weight, self.output.bias, targets, label_smoothing=label_smoothing
        )

    def _batch(
        self,
        source: Array,
        lengths: Array,
        ids: Array,
        targets: Array,
        generator: Generator | None,
        teacher_forcing: float = 1.0,
    ) -> tuple[Tensor, Array]:
        V = self.config.target_vocab_size
        encoded, recurrent = self.encode(source, lengths, generator)
        ids = self._ids("target_in", ids, V, (len(source), None))
        targets = self._ids("target_out", targets, V, ids.shape)
        return self._features(encoded, recurrent, ids, generator, teacher_forcing)[0], targets

    def token_losses(
        self, source: Array, source_lengths: Array, target_in: Array, target_out: Array
    ) -> Array:
        """Return -log P (B, T) float64 of each of target_out, 0 where it is -1; without dropout."""
        with self.evaluating():
            features, targets = self._batch(source, source_lengths, target_in, target_out, None)
            return ops.linear_cross_entropy(
                features, self.output.weight, self.output.bias, targets, reduction="none"
            ).data

    def attention_weights(self, source: Array, source_lengths: Array, target_in: Array) -> Array | None:
        """Return the attention weights (B, T, S) of target_in (B, T), or None without attention; without
        dropout.

        Of a decoded sequence: pass the start id and the decoded ids. These are the weights that decoding had,
        for one pass over all steps.
        """
        with self.evaluating():
            encoded, recurrent = self.encode(source, source_lengths)
            ids = self._ids("target_in", target_in, self.config.target_vocab_size, (len(source), None))
            return self._features(encoded, recurrent, ids, None)[1]

    # The decoding protocol

    def start(self, batch: int, context: object = None) -> Seq2SeqState:
        """Return the state before any target token.

        ``context`` is (source (B, S), source_lengths (B,) or None). B is ``batch``, or 1, for ``batch``
        targets of one source.
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

    def step(self, ids: Array, state: Seq2SeqState) -> tuple[Array, Seq2SeqState]:
        """Feed ids (B,); return log P (B, V) of the next token, and the state with ``weights`` (B, S)."""
        with self.evaluating():
            ids = self._ids("ids", ids, self.config.target_vocab_size, (len(state.rows),))[:, None]
            encoded = state.encoded.map(lambda x: x if x.dtype.kind == "b" else Tensor(x))
            fed = None if state.fed is None else Tensor(state.fed)
            x = self._embed(self.target_embedding, ids, None)
            features, weights, recurrent = self._advance(x, encoded, state.recurrent, fed, None)
            scores = ops.log_softmax(self.output(features[:, 0]))  # (B, V) is never copied
        after = Seq2SeqState(
            state.encoded,
            detach(recurrent),
            None if state.fed is None else features.data[:, 0],
            state.rows,
            None if weights is None else weights.data[:, 0],
        )
        return scores.data, after

    def attention_of(self, state: Seq2SeqState) -> Array | None:
        """Return the attention weights (B, S) of the step that led to ``state``; None without attention."""
        return state.weights

    def reorder(self, state: Seq2SeqState, rows: Array) -> Seq2SeqState:
        """Return the state of ``rows``, in that order; rows may repeat or be left out.

        Rows that change places within one source, as a beam's do, leave its outputs where they are.
        """
        rows = np.asarray(rows)
        sources = state.rows[rows]
        xp = module_of(self.device)
        chosen = xp.asarray(rows)
        moved = not np.array_equal(sources, state.rows)
        return Seq2SeqState(
            state.encoded.map(lambda x: x[chosen]) if moved else state.encoded,
            [tuple(part[chosen] for part in entry) for entry in state.recurrent],
            None if state.fed is None else state.fed[chosen],
            sources,
            None if state.weights is None else state.weights[chosen],
        )
