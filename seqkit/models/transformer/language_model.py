"""Transformer language models, laid out as GPT-2 is (Radford et al. 2019)."""

import itertools
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module, module_of, to_device, zeros
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import ShapeError, require_sizes
from seqkit.models.transformer.config import TransformerConfig
from seqkit.models.transformer.inputs import TransformerEmbedding
from seqkit.nn.initializers import start_normal

_TOKENS_AT_ONCE = 1 << 10  # read by one pass of token_losses: more are no faster and need more memory

Seen = list[tuple[Array, ...]]
"""State between windows of a text: [], or [(ids (B, C),)], the last ids before the next window."""


class _Window(NamedTuple):
    """Tokens from ``left`` to ``end`` are read, the targets from ``start`` on are new."""

    left: int
    start: int
    end: int


@dataclass(frozen=True)
class TransformerLanguageModelConfig(TransformerConfig):
    """Settings of a Transformer language model; the defaults are GPT-2's layout in a small size.

    Weights start normal with deviation ``init_std``, those that write into the residual stream with
    init_std / √(2·num_layers).

    Args:
        vocab_size: V.
        max_length: Greatest number of tokens that it sees.
        activation: As of TransformerConfig, like the other settings.
        tied: The output matrix is the embedding matrix.
        cutoffs: Ids at which the head and all clusters but the last of adaptive embeddings and an adaptive
            softmax end; none for vectors of one width.
        sampled_softmax: Words that the loss in training is estimated from (:class:`seqkit.nn.Softmax`); 0 for
            all.
        output_bias: Whether scores have a bias.
        init_std: Standard deviation of the initial weights.
    """

    vocab_size: int
    _: KW_ONLY
    max_length: int = 256
    activation: str = "gelu-tanh"
    tied: bool = True
    cutoffs: tuple[int, ...] = ()
    sampled_softmax: int = 0
    output_bias: bool = False
    init_std: float = 0.02

    def check(self) -> None:
        """Raise UsageError for sizes that make no model."""
        super().check()
        require_sizes(self, "vocab_size")


@dataclass(frozen=True)
class TransformerState:
    """The state of B rows in decoding: the ids seen, and the keys and values of the last of them."""

    ids: Array
    """(B, t)"""
    past: list[nn.KeysValues] | None
    """One entry a layer, of the last tokens; None before any."""


class TransformerLanguageModel(nn.Module):
    """P(next token | at most ``max_length`` tokens before it).

    Example:
        >>> from seqkit.models import TransformerLanguageModel, TransformerLanguageModelConfig
        >>> model = TransformerLanguageModel(TransformerLanguageModelConfig(vocab_size=50), generator=0)
        >>> model([[3, 1, 4, 1, 5]]).shape
        (1, 5, 50)
    """

    carries_state = False
    """Whether training carries a state from a window of the text to the next."""

    def __init__(
        self, config: TransformerLanguageModelConfig, *, generator: Generator | int | None = None
    ) -> None:
        config.check()
        generator = as_generator(generator)
        self.config = config
        self.embedding = TransformerEmbedding(
            config.vocab_size,
            config.embedding_size,
            positions=config.positions,
            scaled=config.positions == "sinusoidal",
            max_length=config.max_length,
            dropout=config.dropout,
            cutoffs=config.cutoffs,
            generator=generator,
        )
        self.stack = nn.TransformerEncoderStack(**config.layers(), generator=generator)
        self.output = self._output(generator)
        start_normal(self, generator, std=config.init_std, parts=2 * config.num_layers)
        if isinstance(self.embedding.tokens, nn.AdaptiveEmbedding):
            self.embedding.tokens.reset(generator, scale=config.init_std * config.embedding_size**0.5)

    def _output(self, generator: Generator) -> nn.Softmax | nn.AdaptiveSoftmax:
        config, tokens = self.config, self.embedding.tokens
        E, V = config.embedding_size, config.vocab_size
        if isinstance(tokens, nn.AdaptiveEmbedding):
            table = tokens if config.tied else None
            return nn.AdaptiveSoftmax(E, V, config.cutoffs, tied=table, generator=generator)
        samples = config.sampled_softmax
        output = nn.Softmax(E, V, bias=config.output_bias, samples=samples, generator=generator)
        if config.tied:
            output.weight = tokens.weight
        return output

    def _ids(self, ids: Array, lowest: int = 0) -> Array:
        return checked_ids(
            "ids", ids, (None, None), self.config.vocab_size, lowest=lowest, device=self.device
        )

    def _positions(self, start: int, end: int) -> Array:
        return to_device(np.arange(start, end), self.device)

    def hidden(self, ids: Array, *, generator: Generator | None = None) -> Tensor:
        """Return the last layer's outputs (B, T, E) of ids (B, T), T at most ``max_length``."""
        ids = self._ids(ids)
        T = ids.shape[1]
        if self.config.max_length < T:
            raise ShapeError(f"{T} tokens are more than max_length, {self.config.max_length}")
        positions = self._positions(0, T)
        x = self.embedding(ids, positions, generator=generator)
        return self.stack(x, causal=True, positions=positions, generator=generator)

    def forward(self, ids: Array) -> Tensor:
        """Return scores (B, T, V) of ids (B, T)."""
        return self.output(self.hidden(ids))

    def zero_state(self, batch: int) -> Seen:
        """Return the state before any text, which is empty."""
        return []

    def loss(
        self, ids: Array, targets: Array, state: Seen | None = None, *, generator: Generator | None = None
    ) -> tuple[Tensor, Seen]:
        """Return the mean cross entropy in nats of targets (B, T) after ids (B, T), and an empty state.

        Targets of -1 do not count. Each window is trained by itself; ``state`` is ignored.
        """
        x = self.hidden(ids, generator=generator)
        targets = self._ids(targets, IGNORE_INDEX)
        return self.output.loss(x, targets, generator), []

    def token_losses(self, ids: Array, targets: Array, state: Seen | None = None) -> tuple[Array, Seen]:
        """Return -log P (B, T) float64 of each target, 0 where it is -1, and the state; without dropout.

        T is unlimited. A window slides over ids and those of the state before them, half of ``max_length`` at
        a time, so that each target sees at least that many tokens, where the text has them.
        """
        ids, V = self._ids(ids), self.config.vocab_size
        xp, (B, T) = array_module(ids), ids.shape
        targets = checked_ids("targets", targets, (B, T), V, lowest=IGNORE_INDEX, device=self.device)
        kept = self.config.max_length // 2
        before = checked_ids("state", state[0][0], (B, None), device=self.device) if state else ids[:, :0]
        C = before.shape[1]
        text = xp.concatenate((before, ids), axis=1)
        losses = zeros(xp, (B, T), np.float64)
        windows = self._windows(C, C + T)
        at_once = max(1, _TOKENS_AT_ONCE // (max(1, B) * self.config.max_length))
        with self.evaluating():
            for _, alike in itertools.groupby(windows, lambda w: (w.end - w.left, w.start - w.left)):
                while group := list(itertools.islice(alike, at_once)):
                    rows = xp.concatenate([text[:, w.left : w.end] for w in group])
                    goals = xp.concatenate([targets[:, w.start - C : w.end - C] for w in group])
                    x = self.hidden(rows)[:, group[0].start - group[0].left :]
                    found = self.output.losses(x, goals)
                    for i, w in enumerate(group):
                        losses[:, w.start - C : w.end - C] = found[i * B : (i + 1) * B]
        return losses, [(text[:, max(0, C + T - kept) :],)]

    def _windows(self, start: int, stop: int) -> Iterator[_Window]:
        """Yield the windows that cover the targets from ``start`` to ``stop`` of a text."""
        while start < stop:
            left = max(0, start - self.config.max_length // 2)
            end = min(left + self.config.max_length, stop)
            yield _Window(left, start, end)
            start = end

    # The decoding protocol

    def start(self, batch: int, context: None = None) -> TransformerState:
        """Return the state of ``batch`` rows before any text."""
        return TransformerState(zeros(module_of(self.device), (batch, 0), np.int64), None)

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""
        return self.config.vocab_size

    def step(self, ids: Array, state: TransformerState) -> tuple[Array, TransformerState]:
        """Feed ids (B,); return log P (B, V) of the next token, and the state.

        Keys and values are cached, so that a step costs one token. When ``max_length`` are, the last half of
        the text is fed again, at the first positions.
        """
        ids = checked_ids("ids", ids, (len(state.ids),), self.config.vocab_size, device=self.device)
        return self.prefill(ids[:, None], state)

    def prefill(self, ids: Array, state: TransformerState) -> tuple[Array, TransformerState]:
        """Feed ids (B, T), T at least 1; return log P (B, V) of the token after them, and the state.

        Of a text that exceeds ``max_length``, only the window is fed that T steps would end with.
        """
        ids = checked_ids("ids", ids, (len(state.ids), None), self.config.vocab_size, device=self.device)
        seen = array_module(ids).concatenate((state.ids, ids.astype(state.ids.dtype)), axis=1)
        past, T, most = state.past, ids.shape[1], self.config.max_length
        done = 0 if past is None else len(past[0])
        over = done + T - most  # how many tokens come after the window is full
        if over > 0:
            past, done = None, 0
            kept = most // 2
            T = kept + 1 + (over - 1) % (most - kept)
            seen = seen[:, seen.shape[1] - T :]
        new = seen[:, seen.shape[1] - T :]
        with self.evaluating():
            positions = self._positions(done, done + new.shape[1])
            y, past = self.stack.decode_step(self.embedding(new, positions), past, positions)
            log_probs = self.output.log_probs(y[:, -1])
        return log_probs, TransformerState(seen, past)

    def reorder(self, state: TransformerState, rows: Array) -> TransformerState:
        """Return the state of ``rows``, in that order; rows may repeat or be left out."""
        rows = module_of(self.device).asarray(rows)
        past = state.past
        if past is not None:
            past = [entry.of_rows(rows) for entry in past]
        return TransformerState(state.ids[rows], past)
