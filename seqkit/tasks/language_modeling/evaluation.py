"""Exact perplexity: every token of a text predicted once, losses added up in float64.

Recurrent models carry their state from the first token, which is predicted from the end-of-line token, to
the last; a Transformer's window slides by half its length. Kneser-Ney predicts the same tokens, each line
anew (the published convention).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.backend import to_numpy
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data import BPTTBatches, LineStreams, TextWindows, textbook_batches
from seqkit.models import KneserNey
from seqkit.tasks.language_modeling.model import AnyLanguageModel, NeuralModel

_SCORES_AT_ONCE = 1 << 23  # elements of one (B, T, V) array of scores: 32 MiB
_TOKENS_AT_ONCE = 1 << 12  # of blocks read side by side: wide layers of 10^5 rows would take gigabytes


@dataclass(frozen=True)
class Evaluation:
    """A perplexity with its protocol."""

    perplexity: float
    predictions: int
    loss: float
    """Mean negative log-probability, in nats."""
    bits_per_character: float | None
    """None where it cannot be told: with unknown tokens, whose characters nothing predicts."""
    vocab_size: int
    unk_fraction: float
    """Fraction of the predicted tokens that are ``<unk>``."""
    tokenizer: str
    batch_size: int
    protocol: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, in this order."""
        return dict(vars(self))


def _window(batch_size: int, vocab_size: int) -> int:
    return max(1, min(1024, _SCORES_AT_ONCE // (batch_size * vocab_size)))


def windows_loss(model: NeuralModel, windows: BPTTBatches | LineStreams, poll: Callable[[], None]) -> float:
    """Σ -log P in nats over all targets of the windows, the state carried from each to the next."""
    state = model.zero_state(windows.batch_size)
    total = 0.0
    for index in range(len(windows)):
        inputs, targets = windows.batch(index)
        losses, state = model.token_losses(inputs, targets, state)
        total += float(losses.sum())
        poll()
    return total


def stream_loss(
    model: AnyLanguageModel,
    ids: np.ndarray,
    eos_id: int,
    *,
    batch_size: int = 1,
    poll: Callable[[], None] = lambda: None,
) -> float:
    """Σ -log P in nats of all N ids, each predicted once, nothing dropped.

    A recurrent model reads ``batch_size`` streams side by side, each from the start of a line with an empty
    state; one stream is the exact protocol. Kneser-Ney has no state and ignores it.
    """
    if isinstance(model, KneserNey):
        return -float(model.log_probs(np.asarray(ids)).sum())
    length = _window(batch_size, model.config.vocab_size)
    return windows_loss(model, LineStreams(ids, batch_size=batch_size, length=length, end_id=eos_id), poll)


def textbook_loss(model: NeuralModel, ids: np.ndarray) -> tuple[float, int]:
    """Σ -log P and the number of predictions by the textbook's protocol: 10 streams of 35, tail dropped."""
    windows = textbook_batches(np.asarray(ids, np.int32))
    return windows_loss(model, windows, lambda: None), windows.predictions


def blocks_loss(model: NeuralModel, ids: np.ndarray, eos_id: int, *, length: int) -> float:
    """Σ -log P in nats of all N ids, read in consecutive blocks of ``length``, each by itself.

    A block's first target sees one token, its last ``length``: what training sees, and the protocol of
    published Transformer losses "at block size". :func:`stream_loss` gives every target more context.
    """
    tokens = min(_TOKENS_AT_ONCE, _SCORES_AT_ONCE // model.config.vocab_size)
    batch_size = max(1, tokens // length)
    blocks = TextWindows(ids, batch_size=batch_size, length=length, start_id=eos_id, shuffle=False)
    total = 0.0
    for index in range(len(blocks)):
        losses, _ = model.token_losses(*blocks.batch(0, index))
        total += float(losses.sum())
    return total


def line_losses(model: AnyLanguageModel, lines: Sequence[np.ndarray], eos_id: int) -> Iterator[np.ndarray]:
    """-log P of each token of each line, float64; each line starts anew after an end-of-line token."""
    if isinstance(model, KneserNey):
        yield from (-model.log_probs(line) for line in lines)
        return
    B, longest = len(lines), max(len(line) for line in lines)
    targets = np.full((B, longest), IGNORE_INDEX, np.int32)
    for row, line in enumerate(lines):
        targets[row, : len(line)] = line
    inputs = np.concatenate((np.full((B, 1), eos_id, np.int32), np.maximum(targets[:, :-1], 0)), axis=1)
    state, parts = model.zero_state(B), []
    step = _window(B, model.config.vocab_size)
    for start in range(0, longest, step):
        window = slice(start, start + step)
        losses, state = model.token_losses(inputs[:, window], targets[:, window], state)
        parts.append(to_numpy(losses))
    losses = np.concatenate(parts, axis=1)
    yield from (losses[row, : len(line)] for row, line in enumerate(lines))


def evaluation(
    total: float,
    predictions: int,
    *,
    characters: int | None,
    vocab_size: int,
    unk: int,
    tokenizer: str,
    batch_size: int,
    protocol: str,
) -> Evaluation:
    """The figures of a summed loss."""
    return Evaluation(
        perplexity=metrics.perplexity(total, predictions),
        predictions=predictions,
        loss=total / predictions,
        bits_per_character=total / math.log(2) / characters if characters and not unk else None,
        vocab_size=vocab_size,
        unk_fraction=unk / predictions,
        tokenizer=tokenizer,
        batch_size=batch_size,
        protocol=protocol,
    )
