"""Sequence to sequence as a training task, and ``train``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import make_current
from seqkit.corpora import Seq2SeqCorpus
from seqkit.data import EncodedSeq2SeqCorpus, Seq2SeqBatches
from seqkit.tasks.seq2seq.data import describe, encode, open_corpus
from seqkit.tasks.seq2seq.evaluation import Answers, answer
from seqkit.tasks.seq2seq.model import Seq2SeqModel, make_model
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings, Seq2SeqSettings
from seqkit.tasks.seq2seq.trained import SOURCE_VOCABULARY, TARGET_VOCABULARY, TASK, TrainedSeq2Seq, load
from seqkit.tasks.training import Callbacks, run_training
from seqkit.training import Callback, Task


class Seq2SeqLearning(Task):
    """An encoder and decoder that learn from batches of pairs.

    Each validation reports a few answers through the callback's messages, marked right or wrong.
    """

    reports_perplexity = True
    settings: ResolvedSeq2SeqSettings
    model: Seq2SeqModel

    def __init__(
        self, settings: ResolvedSeq2SeqSettings, encoded: EncodedSeq2SeqCorpus, callback: Callback
    ) -> None:
        source, target = encoded.source_vocabulary, encoded.target_vocabulary
        model = make_model(settings, len(source), len(target)).to(make_current(settings.device))
        self.batches = Seq2SeqBatches(
            encoded.splits["train"],
            settings.batch_size,
            reverse=settings.reverse,
            bucket=settings.bucket,
            seed=settings.seed,
        )
        super().__init__(settings, model, len(self.batches))
        self.settings, self.encoded, self.callback = settings, encoded, callback
        self.divergence_loss = 20 * math.log(len(target))  # 20 times that of a uniform guess
        self.artifacts = {SOURCE_VOCABULARY: source.to_bytes(), TARGET_VOCABULARY: target.to_bytes()}
        self.counts = {"pairs": {split: info.pairs for split, info in encoded.info.items()}}
        self.config = {
            "tokenizer": encoded.source_tokenizer.config(),
            "target_tokenizer": encoded.target_tokenizer.config(),
        }
        self.summary = describe(encoded)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """Return the mean loss of a batch's target tokens and their number."""
        batch = self.batches.batch(self.epoch, index)
        loss = self.model.loss(
            batch.source,
            batch.source_lengths,
            batch.target_in,
            batch.target_out,
            generator=self.generators["dropout"],
            teacher_forcing=self.settings.teacher_forcing,
        )
        return loss, int(np.count_nonzero(batch.target_out >= 0))

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return mean loss and exact match over the whole validation split, and report a few answers."""
        pairs = self.encoded.splits.get("valid")
        if pairs is None:
            return None
        answers = answer(
            self.model,
            pairs,
            reverse=self.settings.reverse,
            unk_id=self.encoded.target_vocabulary.unk_id,
            batch_size=self.settings.eval_batch_size,
            max_new_tokens=self.settings.max_new_tokens,
            poll=poll,
        )
        for row in range(min(self.settings.examples, len(pairs))):
            self.callback.on_message(self._example(row, answers))
        return {"loss": answers.loss / answers.predictions, "exact_match": float(answers.right.mean())}

    def _example(self, row: int, answers: Answers) -> str:
        encoded, pairs = self.encoded, self.encoded.splits["valid"]

        def text(ids: Any, vocabulary: Any, tokenizer: Any) -> str:
            return str(tokenizer.detokenize(vocabulary.decode(ids)))

        question = text(pairs.source_ids(row), encoded.source_vocabulary, encoded.source_tokenizer)
        target = text(pairs.target_ids(row), encoded.target_vocabulary, encoded.target_tokenizer)
        found = text(answers.generated[row].ids, encoded.target_vocabulary, encoded.target_tokenizer)
        return f"  {'☑' if answers.right[row] else '☒'} {question} → {found}" + (
            "" if answers.right[row] else f"   (not {target})"
        )


def make_task(settings: Seq2SeqSettings, corpus: Seq2SeqCorpus, callback: Callback) -> Seq2SeqLearning:
    """Resolve the settings, encode the pairs and make the model."""
    resolved = settings.resolve(corpus)
    return Seq2SeqLearning(resolved, encode(resolved, corpus, callback), callback)


def train(
    settings: Seq2SeqSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Mapping[str, Any] | None = None,
    callbacks: Callbacks = None,
) -> TrainedSeq2Seq:
    """Train an encoder and decoder on pairs of texts into a run directory.

    Args:
        settings: the pairs, the model, the optimiser and the limits; the flags of ``seqkit train-seq2seq``.
        out: the run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: continue the run at ``out`` with its own settings; begin it where there is none yet.
        changes: settings that differ from the resumed run's, such as ``{"epochs": 20}``.
        callbacks: a :class:`seqkit.training.Callback` or several, informed of the progress.

    Returns:
        The model with the weights of the lowest validation loss: ``translate(texts)``, ``evaluate()``.

    Raises:
        UsageError, DataError, RunError, DivergenceError, TrainingInterrupted: as for
            :func:`seqkit.tasks.language_modeling.train`.

    """
    run = run_training(
        TASK, settings, out, ResolvedSeq2SeqSettings, open_corpus, make_task, resume, changes, callbacks
    )
    return load(run.path)
