"""Masked language modelling as a training task, and ``train``."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import make_current
from seqkit.corpora import Corpus
from seqkit.data import EncodedCorpus, MaskedBatch
from seqkit.models import MaskedLanguageModel
from seqkit.tasks.initial_run import InitialText, initial_text
from seqkit.tasks.masked_language_modeling.data import (
    encode,
    evaluation_batches,
    open_corpus,
    training_batches,
)
from seqkit.tasks.masked_language_modeling.evaluation import masked_scores
from seqkit.tasks.masked_language_modeling.model import make_model
from seqkit.tasks.masked_language_modeling.settings import (
    MaskedLanguageModelSettings,
    ResolvedMaskedLanguageModelSettings,
)
from seqkit.tasks.masked_language_modeling.trained import TASK, TrainedMaskedLanguageModel, load
from seqkit.tasks.text import TextTask
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.text import Vocabulary
from seqkit.training import Callback, Task
from seqkit.training.settings import WITH_VALIDATION


class MaskedLanguageModeling(TextTask):
    """An encoder that learns to predict masked tokens from both sides."""

    reports_perplexity = True
    model: MaskedLanguageModel

    def __init__(
        self,
        settings: ResolvedMaskedLanguageModelSettings,
        encoded: EncodedCorpus,
        vocabulary: Vocabulary,
        initial: InitialText | None = None,
    ) -> None:
        super().__init__(settings, encoded, vocabulary)
        model = make_model(settings, len(vocabulary)).to(make_current(settings.device))
        self.batches = training_batches(settings, encoded.splits["train"], vocabulary)
        valid_ids = encoded.splits.get("valid")
        self.valid_batches = None
        if valid_ids is None:
            settings.refuse_given("patience valid_tokens", WITH_VALIDATION)
        else:
            valid_ids = valid_ids[: settings.valid_tokens]
            self.valid_batches = evaluation_batches(valid_ids, vocabulary, settings.context_length)
        Task.__init__(self, settings, model, len(self.batches))
        self.divergence_loss = 20 * math.log(len(vocabulary))  # 20 times the loss of a uniform guess
        if initial is not None:
            self.initial_weights = initial.weights(model, vocabulary, settings.seed)

    def batch(self, index: int) -> MaskedBatch:
        """Return a batch of the epoch."""
        return self.batches.batch(self.epoch, index)

    def loss(self, batch: MaskedBatch) -> tuple[Tensor, int]:
        """Return the mean loss of a batch's masked tokens and their number."""
        loss = self.model.loss(batch.ids, batch.targets, batch.lengths, generator=self.generators["dropout"])
        return loss, int(np.count_nonzero(batch.targets >= 0))

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return loss and accuracy on the masked tokens of the validation split."""
        if self.valid_batches is None:
            return None
        total, correct, count = masked_scores(self.model, self.valid_batches, poll, self.group)
        return {"loss": total / max(1, count), "accuracy": correct / max(1, count)}


def make_task(
    settings: MaskedLanguageModelSettings, corpus: Corpus, callback: Callback
) -> MaskedLanguageModeling:
    """Resolve the settings, encode the corpus and create the model."""
    initial = initial_text(settings, TASK, ResolvedMaskedLanguageModelSettings, "train-lm --objective masked")
    if initial is None:
        resolved = settings.resolve(corpus)
    else:
        resolved = initial.keep(initial.complete(settings).resolve(corpus))
    return MaskedLanguageModeling(resolved, *encode(resolved, corpus, callback, initial), initial)


def train(
    settings: MaskedLanguageModelSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedMaskedLanguageModel:
    """Train a masked language model (BERT's objective) into a run directory, and return it.

    Args:
        settings: Corpus, model, optimiser and limits; the flags of ``seqkit train-lm --objective masked``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The model with the weights of the lowest validation loss. Its encoder can be fine-tuned:
        ``TextClassificationSettings(init=out)``.

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
        ResolvedMaskedLanguageModelSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
