"""Exact perplexity: every token of a text is predicted once, and losses are summed in float64.

A recurrent model passes its state from the first token, which is predicted from the end-of-line token, to
the last. The window of a Transformer slides by half its length. Kneser-Ney predicts the same tokens, and
begins each line without context (the published convention).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import metrics
from seqkit.backend import to_numpy
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data import BPTTBatches, EncodedCorpus, LineStreams, TextWindows, textbook_batches
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.models import NGramModel
from seqkit.progress import tracked
from seqkit.tasks.language_modeling.model import AnyLanguageModel, StreamModel

_SCORES_AT_ONCE = 1 << 23  # elements of one (B, T, V) array of scores: 32 MiB
_TOKENS_AT_ONCE = 1 << 12  # in a batch of blocks: wide layers of 10^5 rows would take gigabytes


@dataclass(frozen=True)
class Evaluation:
    """A perplexity with its protocol."""

    perplexity: float
    predictions: int
    loss: float
    """Mean negative log-probability, in nats."""
    bits_per_character: float | None
    """None where a token stands for an unknown word, whose characters are not predicted."""
    vocab_size: int
    unk_fraction: float
    """Fraction of the predicted tokens that are ``<unk>``."""
    tokenizer: str
    batch_size: int
    protocol: str
    split: str

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return dict(vars(self))


def window_length(batch_size: int, vocab_size: int) -> int:
    """Return the tokens of a window whose scores (B, T, V) fit the memory that is set apart for them."""
    return max(1, min(1024, _SCORES_AT_ONCE // (batch_size * vocab_size)))


def windows_loss(
    model: StreamModel,
    windows: BPTTBatches | LineStreams,
    poll: Callable[[], None],
    group: ProcessGroup = ALONE,
) -> float:
    """Return Σ -log P in nats over all targets; the state is passed from each window to the next.

    Several processes each read some of the streams.
    """
    rows = group.span(windows.batch_size)
    state = model.zero_state(rows.stop - rows.start)
    total = 0.0
    for index in tracked(range(len(windows)), "evaluating", "windows"):
        inputs, targets = windows.batch(index)
        losses, state = model.token_losses(inputs[rows], targets[rows], state)
        total += float(losses.sum())
        poll()
    return float(group.sum(np.array(total if group.owns(windows.batch_size) else 0.0)))


def stream_loss(
    model: AnyLanguageModel,
    ids: np.ndarray,
    eos_id: int,
    *,
    batch_size: int = 1,
    poll: Callable[[], None] = lambda: None,
    group: ProcessGroup = ALONE,
) -> float:
    """Return Σ -log P in nats over all N ids, each predicted once; several processes share out the streams.

    A recurrent model reads ``batch_size`` streams in parallel, each from the start of a line with a zero
    state; with one stream the perplexity is exact. Kneser-Ney has no state and ignores ``batch_size``.
    """
    if isinstance(model, NGramModel):
        streams = LineStreams(ids, batch_size=group.size, length=1, end_id=eos_id)
        total = 0.0
        for start, end in group.deal(zip(streams.starts, streams.ends, strict=True)):
            total -= float(model.log_probs(np.asarray(ids[start:end])).sum())
        return float(group.sum(np.array(total)))
    length = window_length(batch_size, model.config.vocab_size)
    return windows_loss(
        model, LineStreams(ids, batch_size=batch_size, length=length, end_id=eos_id), poll, group
    )


def textbook_loss(model: StreamModel, ids: np.ndarray) -> tuple[float, int]:
    """Return Σ -log P and the number of predictions by the textbook's protocol.

    It reads 10 streams in windows of 35 and drops the remainder.
    """
    windows = textbook_batches(np.asarray(ids, np.int32))
    return windows_loss(model, windows, lambda: None), windows.predictions


def blocks_loss(
    model: StreamModel, ids: np.ndarray, eos_id: int, *, length: int, group: ProcessGroup = ALONE
) -> float:
    """Return Σ -log P in nats over all N ids, read in independent consecutive blocks of ``length``.

    The first target of a block has a context of one token, the last of ``length`` tokens, as in training. It
    is the protocol of published Transformer losses; :func:`stream_loss` gives the targets more context.
    """
    tokens = min(_TOKENS_AT_ONCE, _SCORES_AT_ONCE // model.config.vocab_size)
    batch_size = max(1, tokens // length)
    blocks = TextWindows(ids, batch_size=batch_size, length=length, start_id=eos_id, shuffle=False)
    total = 0.0
    for index in group.deal(tracked(range(len(blocks)), "evaluating", "batches")):
        losses, _ = model.token_losses(*blocks.batch(0, index))
        total += float(losses.sum())
    return float(group.sum(np.array(total)))


def line_losses(
    model: AnyLanguageModel, lines: Sequence[np.ndarray], start_ids: int | Sequence[int]
) -> Iterator[np.ndarray]:
    """Yield -log P of each token of each line, float64.

    Args:
        model: The model.
        lines: Ids (T,) of each line; those of an n-gram model end in its end-of-line token.
        start_ids: The id before each line, or before all of them; an n-gram model has its own.
    """
    if isinstance(model, NGramModel):
        losses = -model.log_probs(np.concatenate(lines))  # each line ends in eos, where the next begins
        yield from np.split(losses, np.cumsum([len(line) for line in lines])[:-1])
        return
    B, longest = len(lines), max(1, *map(len, lines))
    before = np.broadcast_to(np.asarray(start_ids, np.int32), (B,))[:, None]
    targets = np.full((B, longest), IGNORE_INDEX, np.int32)
    for row, line in enumerate(lines):
        targets[row, : len(line)] = line
    inputs = np.concatenate((before, np.maximum(targets[:, :-1], 0)), axis=1)
    state, pieces = model.zero_state(B), []
    step = window_length(B, model.config.vocab_size)
    for start in range(0, longest, step):
        window = slice(start, start + step)
        losses, state = model.token_losses(inputs[:, window], targets[:, window], state)
        pieces.append(to_numpy(losses))
    losses = np.concatenate(pieces, axis=1)
    yield from (losses[row, : len(line)] for row, line in enumerate(lines))


def evaluation(
    split: str,
    total: float,
    predictions: int,
    *,
    characters: int | None,
    vocab_size: int,
    unk: int,
    hidden: int,
    tokenizer: str,
    batch_size: int,
    protocol: str,
) -> Evaluation:
    """Return the scores of a summed loss in nats; ``hidden`` of the ``unk`` tokens stand for another word."""
    return Evaluation(
        perplexity=metrics.perplexity(total, predictions),
        predictions=predictions,
        loss=total / predictions,
        bits_per_character=total / math.log(2) / characters if characters and not hidden else None,
        vocab_size=vocab_size,
        unk_fraction=unk / predictions,
        tokenizer=tokenizer,
        batch_size=batch_size,
        protocol=protocol,
        split=split,
    )


def stream_evaluation(encoded: EncodedCorpus, split: str, total: float, protocol: str) -> Evaluation:
    """Return the scores of Σ -log P in nats of all tokens of a split, read as one stream."""
    info = encoded.info[split]
    return evaluation(
        split,
        total,
        len(encoded.splits[split]),
        characters=info.characters,
        vocab_size=len(encoded.vocabulary),
        unk=info.unk,
        hidden=info.hidden,
        tokenizer=encoded.tokenizer.name,
        batch_size=1,
        protocol=protocol,
    )
