"""Embedding training as a task, by three methods, and ``train``."""

import math
from pathlib import Path

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array, make_current
from seqkit.corpora import Corpus
from seqkit.data import ContextWindows, EncodedCorpus, NegativeSampler
from seqkit.models import Word2VecModel
from seqkit.tasks.embeddings.data import describe, encode, occurrences, open_corpus
from seqkit.tasks.embeddings.model import initial_vectors_of, make_model, make_trainer
from seqkit.tasks.embeddings.settings import WORD2VEC, EmbeddingSettings, ResolvedEmbeddingSettings
from seqkit.tasks.embeddings.trained import INPUT, OUTPUT, TASK, TrainedEmbeddings, load
from seqkit.tasks.embeddings.word2vec import Word2VecTraining
from seqkit.tasks.runs import VOCABULARY, open_run, run_settings
from seqkit.tasks.text import tokenizer_artifacts
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.training import Callback, Record, RunDirectory, SinglePassTask, Task
from seqkit.vectors.counting import count_vectors


class _EmbeddingTask(Task):
    """Base class of the three methods; the vocabulary is an artifact of the run."""

    settings: ResolvedEmbeddingSettings

    def __init__(self, settings: ResolvedEmbeddingSettings, encoded: EncodedCorpus) -> None:
        self.settings, self.encoded = settings, encoded
        self.eos_id = encoded.vocabulary.id(encoded.tokenizer.end_of_line)
        self.artifacts = {VOCABULARY: encoded.vocabulary.to_bytes(), **tokenizer_artifacts(encoded.tokenizer)}
        self.counts = {"tokens": {split: info.tokens for split, info in encoded.info.items()}}
        self.config = {"tokenizer": encoded.tokenizer.config()}
        self.summary = describe(encoded)


class CountedEmbeddings(SinglePassTask, _EmbeddingTask):
    """Vectors from co-occurrence counts: positive pointwise mutual information and its SVD."""

    def fit_model(self, folder: Path) -> tuple[dict[str, Array], Record, dict[str, float] | None]:
        """Return the vectors, the record of the fit, and no scores. One process does all of it."""
        if not self.group.is_first:
            return {}, {}, None
        settings, ids = self.settings, self.encoded.splits["train"]
        vectors = count_vectors(
            ids,
            len(self.encoded.vocabulary),
            vector_size=settings.vector_size,
            window=settings.window,
            eos_id=self.eos_id,
            seed=settings.seed,
        )
        return {INPUT: vectors}, {"step": 1, "epoch": 1, "tokens": len(ids)}, None


class Word2VecEmbeddings(_EmbeddingTask):
    """The word2vec program's method: fast asynchronous SGD by one worker or several."""

    def __init__(self, settings: ResolvedEmbeddingSettings, encoded: EncodedCorpus) -> None:
        super().__init__(settings, encoded)
        self.trainer = make_trainer(settings, encoded, self.eos_id)

    def load_initial_weights(self) -> None:
        """Start from the vectors of a run, if the settings name one."""
        if self.settings.init is not None:
            before = load(self.settings.init)
            self.trainer = make_trainer(self.settings, self.encoded, self.eos_id, before)

    def fit(self, run: RunDirectory, callbacks: Callback, *, resume: bool) -> None:
        """Train into the run directory ``run``; with ``resume`` from its last checkpoint."""
        self.trainer.group = self.group
        training = Word2VecTraining(
            self.trainer,
            run,
            log_interval=self.settings.log_interval,
            checkpoint_interval=self.settings.checkpoint_interval,
            callbacks=callbacks,
        )
        training.fit(resume=resume)


class GradientEmbeddings(_EmbeddingTask):
    """The differentiable model with an optimiser, on any device, on shuffled windows of the text.

    There is no validation: a held-out loss does not measure word vectors; analogies and similarities do.
    """

    model: Word2VecModel

    def __init__(self, settings: ResolvedEmbeddingSettings, encoded: EncodedCorpus) -> None:
        super().__init__(settings, encoded)
        ids, vocab_size = encoded.splits["train"], len(encoded.vocabulary)
        model = make_model(settings, vocab_size)
        model.to(make_current(settings.device))
        self.windows = ContextWindows(
            ids,
            window=settings.window,
            batch_size=settings.batch_size,
            shrink=settings.shrink_windows,
            seed=settings.seed,
        )
        counts = occurrences(ids, vocab_size)
        self.sampler = NegativeSampler(counts, exponent=settings.ns_exponent, seed=settings.seed)
        batches, rows = len(self.windows), "lazy" if settings.lazy_rows else "dense"
        Task.__init__(self, settings.for_gradient_descent(batches), model, batches, rows=rows)
        self.generators = {}
        self.negative = settings.negative if settings.loss == "negative-sampling" else 0
        uniform = (1 + self.negative) * math.log(2) if self.negative else math.log(vocab_size)
        neighbours = 1 if settings.model == "cbow" else 2 * settings.window
        self.divergence_loss = 20 * uniform * neighbours  # 20 times the loss of a uniform guess
        if settings.init is not None:
            self.initial_weights = self._vectors_of_the_run

    def _vectors_of_the_run(self) -> dict[str, Array]:
        """Return the vectors of the run that the training starts from, with untrained ones for new words."""
        assert self.settings.init is not None
        vectors, output = initial_vectors_of(
            load(self.settings.init), self.encoded.vocabulary, self.settings.seed
        )
        return {INPUT: vectors, OUTPUT: output}

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the contexts, the centres and the negative samples of a batch of windows."""
        contexts, centres = self.windows.batch(self.epoch, index)
        negatives = None
        if self.negative:
            shape = centres.shape if self.model.config.model == "cbow" else contexts.shape
            negatives = self.sampler.draw((*shape, self.negative), epoch=self.epoch, index=index)
        return contexts, centres, negatives

    def loss(self, batch: tuple[np.ndarray, np.ndarray, np.ndarray | None]) -> tuple[Tensor, int]:
        """Return the mean loss of a batch of windows and their number."""
        contexts, centres, negatives = batch
        return self.model.loss(contexts, centres, negatives), len(centres)


def make_task(settings: EmbeddingSettings, corpus: Corpus, callback: Callback) -> _EmbeddingTask:
    """Resolve the settings, encode the corpus and create the task of the method."""
    if settings.init is not None:
        run = open_run(settings.init, TASK)
        settings = settings.with_run(run_settings(run, ResolvedEmbeddingSettings), settings.init)
    resolved = settings.resolve(corpus)
    encoded = encode(resolved, corpus, callback)
    if resolved.model == "counts":
        return CountedEmbeddings(resolved, encoded)
    return (Word2VecEmbeddings if resolved.optimizer == WORD2VEC else GradientEmbeddings)(resolved, encoded)


def train(
    settings: EmbeddingSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedEmbeddings:
    """Train word vectors into a run directory and return them.

    Args:
        settings: The corpus, the method and the limits; the flags of ``seqkit train-embeddings``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change: epochs, workers, device or intervals.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The trained vectors, with ``wv`` as :class:`seqkit.KeyedVectors`.

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
        ResolvedEmbeddingSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
