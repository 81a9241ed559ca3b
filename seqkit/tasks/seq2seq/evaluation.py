"""Evaluation of sequence-to-sequence models: loss under teacher forcing, and decoded outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend import to_numpy
from seqkit.data import EncodedSeq2Seq, Seq2SeqBatches
from seqkit.decoding import Generated, beam_search, greedy
from seqkit.tasks.seq2seq.model import Seq2SeqModel

EVAL_TOKENS = 2048
"""Tokens of a batch at most in evaluation: its scores of all types are 80 MB for 10,000 types."""


@dataclass(frozen=True)
class DecodedSplit:
    """The decoded outputs of a split, in its order, and the loss on its targets.

    Attributes:
        generated: The best output for each of N sources.
        correct: (N,) bool, whether the output equals the target, the end token included.
        loss: Σ -log P of the target tokens, end tokens included, in nats.
        predictions: Number of target tokens.
    """

    generated: list[Generated]
    correct: np.ndarray
    loss: float
    predictions: int


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
) -> Sequence[Sequence[Generated]]:
    """Decode B sources, by greedy search if ``beam`` and ``n_best`` are 1, else by beam search.

    Args:
        model: The model.
        source: (B, S) ids.
        lengths: (B,) lengths of the sources.
        start_id: Id that begins every output.
        end_id: Id that ends an output.
        unk_id: Id of the unknown token, which is never generated; None if there is none.
        max_new_tokens: Length of an output at most.
        beam: Width of the beam.
        n_best: Number of outputs for each source.
        length_penalty: As of :func:`seqkit.decoding.beam_search`.
        with_attention: Also return attention weights.

    Returns:
        The outputs for each source, best first.
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
        return [[output] for output in greedy(model, **common)]
    return beam_search(model, beam=beam, n_best=n_best, length_penalty=length_penalty, **common)


def decode_split(
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
) -> DecodedSplit:
    """Decode every source of a split, in batches of similar length.

    The unknown token is never generated, so an output never equals a target with unknown words.
    """
    generated: list[Generated | None] = [None] * len(pairs)
    correct = np.zeros(len(pairs), bool)
    loss = 0.0
    batches = Seq2SeqBatches(pairs, batch_size, batch_tokens=EVAL_TOKENS, reverse=reverse, shuffle=False)
    for batch in batches.epoch(0):
        losses = model.token_losses(batch.source, batch.source_lengths, batch.target_in, batch.target_out)
        loss += float(to_numpy(losses).sum())
        outputs = decode(
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
        for row, best in zip(batch.rows.tolist(), outputs, strict=True):
            generated[row] = best[0]
            correct[row] = best[0].stopped and best[0].ids == pairs.target_ids(row).tolist()
        poll()
    return DecodedSplit(
        [output for output in generated if output is not None], correct, loss, batches.predictions
    )
