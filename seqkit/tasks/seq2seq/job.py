"""Sequence to sequence as the trainer of every task wants it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.data import EncodedSeq2SeqCorpus, Seq2SeqBatches
from seqkit.tasks.seq2seq.evaluation import Answers, Model, answer
from seqkit.tasks.seq2seq.settings import Seq2SeqSettings


class Seq2SeqJob:
    """Batches of pairs; nothing is carried from batch to batch.

    ``say`` hears a handful of validation answers, each marked right or wrong.
    """

    def __init__(
        self,
        model: Model,
        encoded: EncodedSeq2SeqCorpus,
        settings: Seq2SeqSettings,
        say: Callable[[str], Any],
    ) -> None:
        self.model, self.encoded, self.settings, self.say = model, encoded, settings, say
        self.batches = Seq2SeqBatches(
            encoded.splits["train"],
            settings.batch_size,
            reverse=settings.reverse,
            bucket=bool(settings.bucket),
            seed=settings.seed,
        )
        self.generators: dict[str, Any] = {"dropout": Generator(settings.seed, "dropout")}
        self.perplexity = True
        self.divergence_loss = 20 * math.log(
            len(encoded.target_vocabulary)
        )  # 20 times that of blind guessing
        self._epoch = 0

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        """How many batches it has."""
        self._epoch = epoch
        return len(self.batches)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """The mean loss of a batch's targets, and how many they are."""
        batch = self.batches.batch(self._epoch, index)
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
        """Mean loss and exact match over the whole validation part; says a few answers."""
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
            self.say(self._shown(row, answers))
        return {"loss": answers.loss / answers.predictions, "exact_match": float(answers.right.mean())}

    def _shown(self, row: int, answers: Answers) -> str:
        encoded, pairs = self.encoded, self.encoded.splits["valid"]

        def text(ids: Any, vocabulary: Any, tokenizer: Any) -> str:
            return str(tokenizer.detokenize(vocabulary.decode(ids)))

        question = text(pairs.source_ids(row), encoded.source_vocabulary, encoded.source_tokenizer)
        target = text(pairs.target_ids(row), encoded.target_vocabulary, encoded.target_tokenizer)
        found = text(answers.generated[row].ids, encoded.target_vocabulary, encoded.target_tokenizer)
        return f"  {'☑' if answers.right[row] else '☒'} {question} → {found}" + (
            "" if answers.right[row] else f"   (not {target})"
        )

    def carried(self) -> dict[str, Array]:
        """Nothing."""
        return {}

    def load_carried(self, arrays: Mapping[str, Array]) -> None:
        """Nothing."""
