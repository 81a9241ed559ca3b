"""Evaluation of sequence-to-sequence models: loss under teacher forcing, and decoded outputs."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from seqkit.backend import to_numpy
from seqkit.backend.batch_threads import map_batches
from seqkit.backend.random import Generator
from seqkit.data import EncodedSeq2Seq, EncodedSeq2SeqCorpus, Seq2SeqBatch, Seq2SeqBatches
from seqkit.decoding import Generated, beam_search, greedy, sample
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.errors import UsageError
from seqkit.models import WordTranslation
from seqkit.progress import tracked
from seqkit.tasks.seq2seq.model import Seq2SeqModel

Batch = TypeVar("Batch")
Result = TypeVar("Result")

EVAL_TOKENS = 2048
"""Tokens of a batch at most in evaluation: its scores of all types are 80 MB for 10,000 types."""


@dataclass(frozen=True)
class Seq2SeqScores:
    """Scores of a model on a split.

    Attributes:
        split: The split.
        exact_match: Fraction of outputs equal to the target, the end token included.
        token_accuracy: Fraction of target tokens at the same position in the output.
        loss: Mean -log P of the target tokens under teacher forcing, end tokens included, in nats.
        perplexity: exp(loss).
        predictions: Number of target tokens.
        pairs: Number of pairs.
        beam: Width of the beam; 1 is greedy search, or sampling.
        bleu: Corpus BLEU against the original targets, unknown words included, with the tokenizer that their
            script needs (:func:`seqkit.metrics.bleu_tokenizer`).
        bleu_signature: Its settings.
        chrf: chrF2 of the same texts.
        chrf_signature: Its settings.
        baselines: BLEU of the copied source and of a word-by-word table, by name; empty unless asked for.
    """

    split: str
    exact_match: float
    token_accuracy: float
    loss: float
    perplexity: float
    predictions: int
    pairs: int
    beam: int
    bleu: float
    bleu_signature: str
    chrf: float
    chrf_signature: str
    baselines: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return dict(vars(self))


COPIED, WORD_BY_WORD = "source copied", "word by word"


def word_table(encoded: EncodedSeq2SeqCorpus) -> WordTranslation:
    """Return the word-by-word table of the training pairs."""
    train = encoded.splits["train"]
    sizes = len(encoded.source_vocabulary), len(encoded.target_vocabulary)
    return WordTranslation((train.source, train.source_offsets), (train.target, train.target_offsets), *sizes)


def literal_texts(table: WordTranslation, encoded: EncodedSeq2SeqCorpus, split: str) -> list[str]:
    """Return the word-by-word translations of a split, in the order of the source; unknown words left out."""
    pairs, vocabulary, tokenizer = (
        encoded.splits[split],
        encoded.target_vocabulary,
        encoded.target_tokenizer,
    )
    texts = []
    for row in range(len(pairs)):
        ids = [i for i in table.translate(pairs.source_ids(row)) if i != vocabulary.unk_id]
        texts.append(tokenizer.detokenize(vocabulary.decode(ids)))
    return texts


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


@dataclass(frozen=True)
class Search:
    """How outputs are found: greedily, by beam search, or with a temperature by sampling.

    Args:
        beam: Width of the beam; 1 is greedy.
        n_best: Number of outputs for each source, at most ``beam``.
        length_penalty: As of :func:`seqkit.decoding.beam_search`.
        temperature: Sample with this temperature; None to search.
        top_k: As of :func:`seqkit.decoding.sample`.
        top_p: Likewise.
        seed: Seed of the samples.

    Raises:
        UsageError: An argument has no effect beside the others.
    """

    beam: int = 1
    n_best: int = 1
    length_penalty: float = 0.6
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError for an argument without effect."""
        if self.temperature is None:
            idle, purpose = ("top_k", "top_p", "seed"), "sampling, with temperature"
        else:
            idle, purpose = ("beam", "n_best", "length_penalty"), "searches without temperature"
        for name in idle:
            if getattr(self, name) != getattr(Search, name):
                raise UsageError(f"{name} has no effect here: it is for {purpose}")


def decode(
    model: Seq2SeqModel,
    source: np.ndarray,
    lengths: np.ndarray,
    search: Search,
    *,
    start_id: int,
    end_id: int,
    unk_id: int | None,
    max_new_tokens: int,
    with_attention: bool = False,
    generator: Generator | None = None,
) -> Sequence[Sequence[Generated]]:
    """Decode B sources.

    Args:
        model: The model.
        source: (B, S) ids.
        lengths: (B,) lengths of the sources.
        search: How outputs are found.
        start_id: Id that begins every output.
        end_id: Id that ends an output.
        unk_id: Id of the unknown token, which is never generated; None if there is none.
        max_new_tokens: Length of an output at most.
        with_attention: Also return attention weights.
        generator: Source of the samples; by default the search's seed.

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
    if search.temperature is not None:
        chosen: dict[str, Any] = {
            "temperature": search.temperature,
            "top_k": search.top_k,
            "top_p": search.top_p,
        }
        source_of_numbers = Generator(search.seed, "sampling") if generator is None else generator
        return [[output] for output in sample(model, generator=source_of_numbers, **chosen, **common)]
    if search.beam == 1 and search.n_best == 1:
        return [[output] for output in greedy(model, **common)]
    settings: dict[str, Any] = {
        "beam": search.beam,
        "n_best": search.n_best,
        "length_penalty": search.length_penalty,
    }
    return beam_search(model, **settings, **common)


def map_searches(
    compute: Callable[[Batch], Result], batches: Iterable[Batch], search: Search, model: Seq2SeqModel
) -> AbstractContextManager[Iterator[Result]]:
    """Give the results of batches as :func:`map_batches` does, one by one if they draw samples in turn."""
    if search.temperature is not None:
        return nullcontext(map(compute, batches))
    return map_batches(compute, batches, model.device.kind)


def decode_split(
    model: Seq2SeqModel,
    pairs: EncodedSeq2Seq,
    *,
    reverse: bool,
    unk_id: int | None,
    batch_size: int,
    max_new_tokens: int,
    search: Search | None = None,
    with_attention: bool = False,
    poll: Callable[[], None] = lambda: None,
    group: ProcessGroup = ALONE,
) -> DecodedSplit:
    """Decode every source of a split, in batches of similar length, which several processes share out.

    The unknown token is never generated, so an output never equals a target with unknown words. Several
    processes neither sample nor keep attention weights.
    """
    generated: list[Generated | None] = [None] * len(pairs)
    correct = np.zeros(len(pairs), bool)
    loss = 0.0
    search = search or Search()
    generator = Generator(search.seed, "sampling")
    batches = Seq2SeqBatches(pairs, batch_size, batch_tokens=EVAL_TOKENS, reverse=reverse, shuffle=False)

    def compute(batch: Seq2SeqBatch) -> tuple[Seq2SeqBatch, float, Sequence[Sequence[Generated]]]:
        losses = model.token_losses(batch.source, batch.source_lengths, batch.target_in, batch.target_out)
        outputs = decode(
            model,
            batch.source,
            batch.source_lengths,
            search,
            start_id=pairs.start_id,
            end_id=pairs.end_id,
            unk_id=unk_id,
            max_new_tokens=max_new_tokens,
            with_attention=with_attention,
            generator=generator,
        )
        return batch, float(to_numpy(losses).sum()), outputs

    own_batches = group.deal(tracked(batches.epoch(0), "evaluating", "batches", total=len(batches)))
    with model.evaluating(), map_searches(compute, own_batches, search, model) as results:
        for batch, sum_of_losses, outputs in results:
            loss += sum_of_losses
            for row, best in zip(batch.rows.tolist(), outputs, strict=True):
                generated[row] = best[0]
                correct[row] = best[0].stopped and best[0].ids == pairs.target_ids(row).tolist()
            poll()
    if group.size > 1:
        loss = float(group.sum(np.array(loss)))
        correct = group.sum(correct.astype(np.int64)).astype(bool)
        own = [(row, g.ids, g.log_prob, g.stopped) for row, g in enumerate(generated) if g is not None]
        for row, ids, log_prob, stopped in itertools.chain(*group.gather_json(own)):
            generated[row] = Generated(ids, log_prob, stopped)
    return DecodedSplit(
        [output for output in generated if output is not None], correct, loss, batches.predictions
    )
