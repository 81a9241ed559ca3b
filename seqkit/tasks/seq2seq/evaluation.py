"""Evaluation of an encoder and decoder: loss with the target fed in, decoded answers without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.data import EncodedSeq2Seq, Seq2SeqBatches
from seqkit.decoding import Generated, beam_search, greedy
from seqkit.tasks.seq2seq.model import Seq2SeqModel


@dataclass(frozen=True)
class Answers:
    """The decoded answers to a split, in its order, and the sums over its targets."""

    generated: list[Generated]
    right: np.ndarray
    """(N,) bool: the answer is the target, its end included."""
    loss: float
    """Σ -log P of the target tokens, ends included, in nats."""
    predictions: int
    """How many those are."""


def decode(
    model: Seq2SeqModel,
    source: np.ndarray,
    lengths: np.ndarray,
    *,
    start_id: int,
    end_id: int,
    unk_id: int | None,
    max_new_tokens: int,
    beam: int = 1,
    n_best: int = 1,
    length_penalty: float = 0.6,
    with_attention: bool = False,
) -> list[list[Any]]:
    """The best answers to each of B sources (B, S), best first; one each by greedy search where beam is 1.

    ``unk_id``, the unknown token, is never produced: it says nothing to the one who asked.
    """
    common: dict[str, Any] = {
        "batch": len(source),
        "max_new_tokens": max_new_tokens,
        "start_id": start_id,
        "banned": (start_id,) if unk_id is None else (start_id, unk_id),
        "stop": (end_id,),
        "context": (source, lengths),
        "with_attention": with_attention,
    }
    if beam == 1 and n_best == 1:
        return [[one] for one in greedy(model, **common)]
    return beam_search(model, beam=beam, n_best=n_best, length_penalty=length_penalty, **common)


def answer(
    model: Seq2SeqModel,
    pairs: EncodedSeq2Seq,
    *,
    reverse: bool,
    unk_id: int | None,
    batch_size: int,
    max_new_tokens: int,
    beam: int = 1,
    length_penalty: float = 0.6,
    poll: Callable[[], None] = lambda: None,
) -> Answers:
    """Translate every source of a split, batches of like lengths at a time.

    A target with an unknown word is never answered right, since nobody answers with one.
    """
    generated: list[Generated | None] = [None] * len(pairs)
    right = np.zeros(len(pairs), bool)
    loss = 0.0
    batches = Seq2SeqBatches(pairs, batch_size, reverse=reverse, shuffle=False)
    for batch in batches.epoch(0):
        losses = model.token_losses(batch.source, batch.source_lengths, batch.target_in, batch.target_out)
        loss += float(to_numpy(losses).sum())
        found = decode(
            model,
            batch.source,
            batch.source_lengths,
            start_id=pairs.start_id,
            end_id=pairs.end_id,
            unk_id=unk_id,
            max_new_tokens=max_new_tokens,
            beam=beam,
            length_penalty=length_penalty,
        )
        for row, best in zip(batch.rows.tolist(), found, strict=True):
            generated[row] = best[0]
            right[row] = best[0].stopped and best[0].ids == pairs.target_ids(row).tolist()
        poll()
    return Answers([one for one in generated if one is not None], right, loss, batches.predictions)
