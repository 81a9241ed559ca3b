"""Sequence to sequence as a training task, and ``train``."""

import math
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from seqkit import metrics
from seqkit.autograd import Tensor
from seqkit.backend import make_current
from seqkit.corpora import Seq2SeqCorpus
from seqkit.data import EncodedSeq2SeqCorpus, Seq2SeqBatch, Seq2SeqBatches
from seqkit.tasks.initial_run import open_initial_run, report_start
from seqkit.tasks.seq2seq.data import describe, encode, open_corpus
from seqkit.tasks.seq2seq.evaluation import DecodedSplit, decode_split, literal_texts, word_table
from seqkit.tasks.seq2seq.model import Seq2SeqModel, make_model
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings, Seq2SeqSettings
from seqkit.tasks.seq2seq.trained import (
    SOURCE_VOCABULARY,
    TARGET_TOKENIZER,
    TARGET_VOCABULARY,
    TASK,
    TrainedSeq2Seq,
    load,
    tokenizers_of,
    vocabularies_of,
)
from seqkit.tasks.text import tokenizer_artifacts
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.training import Callback, RunDirectory, Task
from seqkit.training.settings import WITH_VALIDATION

BLEU_PAIRS = 2000
"""Pairs of the validation split, at most, of which each epoch reports BLEU."""


class Seq2SeqLearning(Task):
    """An encoder and decoder that learn from batches of pairs.

    Each validation reports a few outputs as messages to the callback, marked as correct or wrong.
    """

    reports_perplexity = True
    settings: ResolvedSeq2SeqSettings
    model: Seq2SeqModel

    def __init__(
        self,
        settings: ResolvedSeq2SeqSettings,
        encoded: EncodedSeq2SeqCorpus,
        callback: Callback,
        references: list[str],
    ) -> None:
        source, target = encoded.source_vocabulary, encoded.target_vocabulary
        if "valid" not in encoded.splits:
            settings.refuse_given("patience eval_batch_size examples", WITH_VALIDATION)
        model = make_model(settings, len(source), len(target)).to(make_current(settings.device))
        self.batches = Seq2SeqBatches(
            encoded.splits["train"],
            settings.batch_size,
            batch_tokens=settings.batch_tokens,
            reverse=settings.reverse,
            bucket=settings.bucket,
            seed=settings.seed,
        )
        super().__init__(settings, model, len(self.batches))
        self.settings, self.encoded, self.callback, self.references = settings, encoded, callback, references
        self.divergence_loss = 20 * math.log(len(target))  # 20 times the loss of a uniform guess
        self.artifacts: dict[str, bytes] = {
            SOURCE_VOCABULARY: source.to_bytes(),
            TARGET_VOCABULARY: target.to_bytes(),
            **tokenizer_artifacts(encoded.source_tokenizer),
        }
        if encoded.target_tokenizer != encoded.source_tokenizer:
            self.artifacts |= tokenizer_artifacts(encoded.target_tokenizer, TARGET_TOKENIZER)
        self.counts = {"pairs": {split: info.pairs for split, info in encoded.info.items()}}
        self.config = {
            "tokenizer": encoded.source_tokenizer.config(),
            "target_tokenizer": encoded.target_tokenizer.config(),
        }
        self.summary = describe(encoded)

    def batch(self, index: int) -> Seq2SeqBatch:
        """Return a batch of the epoch."""
        return self.batches.batch(self.epoch, index)

    def loss(self, batch: Seq2SeqBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a batch's target tokens and their number."""
        loss = self.model.loss(
            batch.source,
            batch.source_lengths,
            batch.target_in,
            batch.target_out,
            generator=self.generators["dropout"],
            teacher_forcing=self.settings.teacher_forcing,
            label_smoothing=self.settings.label_smoothing,
        )
        return loss, int(batch.target_lengths.sum())

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss, exact match and BLEU of the validation split, and report a few outputs."""
        pairs = self.encoded.splits.get("valid")
        if pairs is None:
            return None
        outputs = decode_split(
            self.model,
            pairs,
            reverse=self.settings.reverse,
            unk_id=self.encoded.target_vocabulary.unk_id,
            batch_size=self.settings.eval_batch_size,
            max_new_tokens=self.settings.max_new_tokens,
            poll=poll,
            group=self.group,
        )
        for row in range(min(self.settings.examples, len(pairs))):
            self.callback.on_message(self._example(row, outputs))
        texts = [self._target(output.ids) for output in outputs.generated[: len(self.references)]]
        return {
            "loss": outputs.loss / outputs.predictions,
            "exact_match": float(outputs.correct.mean()),
            "bleu": self._bleu(texts),
        }

    def _target(self, ids: Sequence[int] | np.ndarray) -> str:
        return self.encoded.target_tokenizer.detokenize(self.encoded.target_vocabulary.decode(ids))

    def _bleu(self, texts: list[str]) -> float:
        tokenize = metrics.bleu_tokenizer(self.references)
        lowercase = self.encoded.target_tokenizer.lowercase
        return metrics.bleu(texts, self.references, lowercase=lowercase, tokenize=tokenize).score

    def fit(self, run: RunDirectory, callbacks: Callback, *, resume: bool) -> None:
        """Train; at the end report a model of words that translates worse than a word-by-word table."""
        super().fit(run, callbacks, resume=resume)
        if "char" in (self.encoded.source_tokenizer.name, self.encoded.target_tokenizer.name):
            return
        reached = [record["valid_bleu"] for record in run.log.records() if "valid_bleu" in record]
        if not reached:
            return
        literal = literal_texts(word_table(self.encoded), self.encoded, "valid")
        baseline = self._bleu(literal[: len(self.references)])
        if max(reached) < baseline:
            callbacks.on_message(
                f"warning: the model has not learned to read its source: BLEU {max(reached):.1f} on the "
                f"validation split, and {baseline:.1f} word by word (IBM model 1): train it longer, or on "
                "more pairs"
            )

    def _example(self, row: int, outputs: DecodedSplit) -> str:
        encoded, pairs = self.encoded, self.encoded.splits["valid"]
        source = encoded.source_tokenizer.detokenize(encoded.source_vocabulary.decode(pairs.source_ids(row)))
        target, output = self._target(pairs.target_ids(row)), self._target(outputs.generated[row].ids)
        return f"  {'☑' if outputs.correct[row] else '☒'} {source} → {output}" + (
            "" if outputs.correct[row] else f"   (not {target})"
        )


def references_of(corpus: Seq2SeqCorpus) -> list[str]:
    """Return the targets of the first validation pairs, by which BLEU is reported after each epoch."""
    valid = corpus.sources.get("valid")
    return [] if valid is None else [target for _, target in islice(valid(), BLEU_PAIRS)]


def make_task(settings: Seq2SeqSettings, corpus: Seq2SeqCorpus, callback: Callback) -> Seq2SeqLearning:
    """Resolve the settings, encode the pairs and create the model."""
    initial = open_initial_run(settings, TASK, ResolvedSeq2SeqSettings, "train-seq2seq")
    if initial is None:
        resolved = settings.resolve(corpus)
        return Seq2SeqLearning(resolved, encode(resolved, corpus, callback), callback, references_of(corpus))
    tokenizers = tokenizers_of(initial.run)
    for tokenizer in tokenizers:
        initial = initial.growing(settings.grow_vocabulary, tokenizer)
    resolved = initial.keep(initial.complete(settings).resolve(corpus))
    before = vocabularies_of(initial.run)
    encoded = encode(resolved, corpus, callback, before, tokenizers)
    task = Seq2SeqLearning(resolved, encoded, callback, references_of(corpus))
    after = task.encoded.source_vocabulary, task.encoded.target_vocabulary
    names = ("source words", "target words")
    vocabularies = dict(zip(names, zip(before, after, strict=True), strict=True))
    sizes = task.encoded.info["train"]
    unknown = (sizes.source_unk + sizes.target_unk) / (sizes.source_tokens + sizes.target_tokens)
    report_start(initial, vocabularies, callback.on_message, unknown)
    rows = [(old.tokens, new.tokens) for old, new in zip(before, after, strict=True)]
    task.initial_weights = lambda: initial.weights_for(
        task.model, lambda name: rows[not name.startswith("source_")], seed=resolved.seed
    )
    return task


def train(
    settings: Seq2SeqSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedSeq2Seq:
    """Train an encoder and decoder on pairs of texts into a run directory, and return the trained model.

    Args:
        settings: The pairs, the model, the optimiser and the limits; the flags of ``seqkit train-seq2seq``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The model with the weights of the lowest validation loss: ``translate(texts)``, ``evaluate()``.

    Raises:
        UsageError: The settings cannot be combined, or cannot change in a resumed run.
        DataError: The corpus is absent or unreadable, or has changed since the run was begun.
        RunError: ``out`` holds other files, or a run of another task.
        DivergenceError: The loss is not finite; the last good checkpoint is kept.
        TrainingInterrupted: Ctrl-C or SIGTERM was received; the state is saved.
    """
    run = run_training(
        TASK,
        settings,
        out,
        ResolvedSeq2SeqSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
