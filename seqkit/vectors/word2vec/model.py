"""``Word2Vec``: train word vectors from sentences or a file, with gensim's names and defaults."""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.errors import UsageError
from seqkit.progress import Job, show_progress
from seqkit.progress import progress as progress_of
from seqkit.vectors.keyed_vectors import SEP_LIMIT, KeyedVectors, refuse_pickling
from seqkit.vectors.word2vec.callbacks import Word2VecCallbacks
from seqkit.vectors.word2vec.sentences import (
    LineSentences,
    Scan,
    Sentences,
    read_ids,
    sentences_of,
    write_ids,
)
from seqkit.vectors.word2vec.trainer import TrainingState, Word2VecTrainer
from seqkit.vectors.word2vec.vocabulary import TrimRule, VocabularyBuilder

_log = logging.getLogger("seqkit")
_PathLike = str | os.PathLike[str]
_SETTINGS = tuple(field.name for field in dataclasses.fields(Word2VecSettings))


class Word2Vec(VocabularyBuilder):
    """Word vectors by CBOW or skip-gram with negative sampling (Mikolov et al. 2013).

    Threads may not share it; its vectors ``wv`` they may, once the training has ended.

    The arguments are gensim's, in its order and with its defaults; ``true_gradient``, ``callbacks`` as
    functions, ``device`` and ``progress`` are additions. Each argument is an attribute, and one that is
    assigned holds from the next call of :meth:`train` or :meth:`build_vocab` on. Those of gensim's that would
    have no effect here are refused with the reason unless they have their default. With one worker the result
    depends on seed and text alone.

    Args:
        sentences: An iterable of lists of words that can be passed over more than once. Without it and
            ``corpus_file``, call :meth:`build_vocab` and :meth:`train`.
        corpus_file: The path of a text with a sentence on each line and blanks between words.
        min_count: Words that occur less often are left out.
        max_vocab_size: Bounds the memory of counting: rare words go while there are more distinct ones.
        max_final_vocab: The most words to keep, the most frequent; ties in the order of the words.
        trim_rule: A function (word, count, min_count) that returns 0 (as by min_count), 1 (leave the word
            out) or 2 (keep it); used by this call only.
        sorted_vocab: 1: the most frequent words first; 0: in the order in which they occur first.
        compute_loss: Either way the losses are computed, see :meth:`get_latest_training_loss`.
        callbacks: Functions called after each epoch with the model, the number of the epoch in this call of
            :meth:`train` from 1, and the mean loss; or objects like gensim's ``CallbackAny2Vec``, with
            methods on_train_begin, on_epoch_begin, on_epoch_end and on_train_end (model).
        comment: Any text; it is saved with the model.
        device: Where the vectors are trained.
        progress: Whether trainings show a progress bar, in a terminal or a notebook; not gensim's.
        hs, hashfxn, null_word, batch_words: Refused unless they have their default.
        vector_size, alpha, window, sample, seed, workers, min_alpha: See :class:`Word2VecSettings`.
        sg, negative, ns_exponent, cbow_mean, epochs, shrink_windows, true_gradient: The same.

    Raises:
        UsageError: For settings that no training can have.
        DataError: For a text without enough words, or a file that cannot be read.

    Example:
        >>> from seqkit.vectors import Word2Vec
        >>> text = [["red", "green", "blue"], ["cat", "dog", "cow"]] * 50
        >>> model = Word2Vec(text, vector_size=8, min_count=1, workers=1)
        >>> model.wv["cat"].shape
        (8,)
    """

    epoch_losses: list[float]
    """The mean loss of an example in each epoch, over all calls of :meth:`train`."""

    def __init__(
        self,
        sentences: Sentences | None = None,
        corpus_file: _PathLike | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 1e-4,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[str], int] = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Iterable[object] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        true_gradient: bool = False,
        device: str = "cpu",
        progress: bool = False,
    ) -> None:
        Word2VecSettings(vector_size)
        self.wv = KeyedVectors(vector_size)
        self.alpha, self.min_alpha, self.epochs, self.seed = alpha, min_alpha, epochs, seed
        self.window, self.shrink_windows, self.sample = window, shrink_windows, sample
        self.negative, self.ns_exponent, self.workers, self.device = negative, ns_exponent, workers, device
        self.sg, self.hs, self.cbow_mean, self.true_gradient = sg, hs, cbow_mean, true_gradient
        self.min_count, self.max_vocab_size, self.max_final_vocab = min_count, max_vocab_size, max_final_vocab
        self.hashfxn, self.null_word, self.batch_words = hashfxn, null_word, batch_words
        self.sorted_vocab, self.compute_loss, self.comment = sorted_vocab, compute_loss, comment
        self.progress = progress
        self.callbacks = Word2VecCallbacks(callbacks).callbacks
        self.epoch_losses, self.epochs_trained = [], 0
        self.corpus_count = self.corpus_total_words = 0
        self.raw_vocab = {}
        self._output = np.zeros((0, vector_size), np.float32)
        self._vectors_drawn = 0
        self._scanned = None
        _ = self.settings  # checks them
        if sentences is not None or corpus_file is not None:
            source = sentences_of(sentences, corpus_file)
            with show_progress(self.progress):
                text = self._scan(source, trim_rule=trim_rule)
                self._set_vocab(text.counts, text.sentences, text.words, update=False, trim_rule=trim_rule)
                self._train(source, text, self.settings)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse what no method would read: an unknown setting, a part that is not offered."""
        _refuse_idle(name, value)
        known = {*_SETTINGS, *_ATTRIBUTES} - {"vector_size"}
        if name not in known and not name.startswith("_"):
            raise UsageError(f"expected one of {', '.join(sorted(known))} to be set, got {name}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Word2Vec({len(self.wv)} words, vector_size={self.vector_size})"

    @property
    def settings(self) -> Word2VecSettings:
        """The settings of the next training, checked. Raises UsageError."""
        if self.true_gradient and (self.sg or not self.cbow_mean):
            raise UsageError(
                "true_gradient has no effect here: it is for the mean of cbow, sg=0, cbow_mean=1"
            )
        for name, least in (("min_count", 0), ("max_vocab_size", 1), ("max_final_vocab", 1)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and value >= least
            if not whole and (value is not None or name == "min_count"):
                raise UsageError(f"expected {name} to be a whole number of at least {least}, got {value!r}")
        values = {name: getattr(self, name) for name in _SETTINGS}
        return Word2VecSettings(**values)

    # training

    def train(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: _PathLike | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Iterable[object] = (),
        progress: bool | None = None,
    ) -> tuple[int, int]:
        """Train on a text, continuing what was trained before.

        The text is kept as ids in a temporary file while training, so it may be larger than memory. Sentences
        of more than 10,000 words are cut.

        Args:
            corpus_iterable: An iterable of lists of words; or ``corpus_file``.
            corpus_file: The path of a text, a sentence on each line.
            total_examples: The sentences of the text, which gensim needs; here they are counted and compared.
            total_words: The words of the text, likewise.
            epochs: The passes over the text, instead of the attribute.
            start_alpha: The learning rate at the start of this call, instead of ``alpha``.
            end_alpha: The learning rate at its end, instead of ``min_alpha``.
            report_delay: Seconds between two lines of progress, which the logger "seqkit" gets at level INFO.
            compute_loss: The losses are computed either way.
            callbacks: Instead of the attribute.
            progress: Whether to show a progress bar, instead of the attribute; not gensim's.
            word_count: Refused unless it has its default.
            queue_factor: Likewise.

        Returns:
            The words read that are in the vocabulary, and the words read at all, over all epochs.

        Raises:
            UsageError: There is no vocabulary, a setting cannot be used, or a total is wrong for the text.
        """
        if not len(self.wv):
            raise UsageError("no vocabulary yet", remedy="call build_vocab first")
        _refuse_idle("word_count", word_count)
        _refuse_idle("queue_factor", queue_factor)
        settings = dataclasses.replace(
            self.settings,
            epochs=self.epochs if epochs is None else epochs,
            alpha=self.alpha if start_alpha is None else start_alpha,
            min_alpha=self.min_alpha if end_alpha is None else end_alpha,
        )
        source = sentences_of(corpus_iterable, corpus_file)
        state, text = self._scanned or (None, None)
        self._scanned = None
        if not isinstance(source, LineSentences) or source.state() != state:
            text = None
        totals = {"examples": total_examples, "words": total_words}
        with show_progress(self.progress if progress is None else progress):
            return self._train(source, text, settings, totals, callbacks, report_delay)

    def _train(
        self,
        source: Sentences,
        text: Scan | None,
        settings: Word2VecSettings,
        totals: Mapping[str, int | None] | None = None,
        callbacks: Iterable[object] = (),
        report_delay: float = 1.0,
    ) -> tuple[int, int]:
        called = Word2VecCallbacks(callbacks or self.callbacks)
        V, locks = len(self.wv), self.wv.lock_factors()
        if self._output.shape != self.wv.vectors.shape:
            raise UsageError(
                f"expected wv of the shape {self._output.shape} as before, got {self.wv.vectors.shape}",
                remedy="change words by build_vocab or prune_vocab",
            )
        with tempfile.TemporaryFile(prefix="seqkit-") as file:
            if text is not None and text.order is not None:
                text.write_ids(self.wv.key_to_index, V, file)
                examples, words = text.sentences, text.words
            else:
                examples, words = write_ids(source, self.wv.key_to_index, V, file)
            del text
            for name, given in (totals or {}).items():
                if given is not None and given != (counted := {"examples": examples, "words": words}[name]):
                    raise UsageError(
                        f"expected total_{name}={counted}, got {given}", remedy="leave it out: it is counted"
                    )
            ids = read_ids(file)
            none = np.zeros((1, settings.vector_size), np.float32)  # the row of the end of a line
            trainer = Word2VecTrainer(
                ids,
                np.append(self._counts, 0),
                settings,
                eos_id=V,
                initial=(np.vstack([self.wv.vectors, none]), np.vstack([self._output, none])),
                epochs_before=self.epochs_trained,
                lock_factors=None if locks is None else np.append(locks, np.float32(1)),
                device=self.device,
            )
            trainer.corpus_words = int(np.count_nonzero(ids != V))
            if words and not trainer.corpus_words:
                _log.warning("none of the %s words of the text is in the vocabulary", f"{words:,}")
            if trainer.cuts:
                _log.warning("long sentences are cut after each 10,000 words, in %d places", trainer.cuts)

            def after_epoch(state: TrainingState, loss: float) -> None:
                self.epoch_losses.append(loss)
                self.epochs_trained = trainer.epochs_trained
                self._take(trainer)
                _log.info("epoch %d of %d: mean loss %.4f", state.epoch, settings.epochs, loss)
                called.epoch_ended(self, state.epoch, loss)
                if state.epoch < settings.epochs:
                    called.call("on_epoch_begin", self)

            called.call("on_train_begin", self)
            if settings.epochs:
                called.call("on_epoch_begin", self)
            total = max(1, settings.epochs * trainer.corpus_words)
            with progress_of("training", total, "words") as job:
                trainer.run(on_epoch=after_epoch, on_progress=_ProgressLog(trainer, report_delay, job))
            called.call("on_train_end", self)
            del ids
        return trainer.state.words, words * settings.epochs

    def _take(self, trainer: Word2VecTrainer) -> None:
        self.wv.vectors = trainer.input_vectors[:-1].copy()
        self.wv.norms = None
        self._output = trainer.output_vectors[:-1].copy()

    # files

    def save(
        self,
        path: _PathLike,
        separately: object = None,
        sep_limit: int = SEP_LIMIT,
        ignore: object = frozenset(),
        pickle_protocol: int = 4,
    ) -> None:
        """Write the whole model, to continue its training later; atomically.

        The file is a native vector file (safetensors, no pickle) that also holds the output vectors and the
        settings; it can be read as a vector file. Words must be strings; callbacks are not kept. gensim's
        settings of pickling are refused unless they have their default.
        """
        from seqkit.vectors.word2vec.model_file import save_model

        refuse_pickling(separately, sep_limit, ignore, pickle_protocol)
        save_model(self, path)

    @classmethod
    def load(cls, path: _PathLike, mmap: str | None = None) -> Word2Vec:
        """Open a file of :meth:`save`; ``mmap`` must be None, since a model is read to be trained.

        Raises:
            DataError: The file is damaged or holds no model.
        """
        from seqkit.vectors.word2vec.model_file import load_model

        if mmap is not None:
            raise UsageError(
                "mmap has no effect here: it is for KeyedVectors.load; a model is read to be trained",
                remedy="leave it out",
            )
        return load_model(cls, path)

    # queries

    def init_sims(self, replace: bool = False) -> None:
        """Call :meth:`KeyedVectors.init_sims`, which gensim 4 keeps for older code."""
        self.wv.init_sims(replace=replace)

    def get_latest_training_loss(self) -> float:
        """Return the mean loss of an example in the last epoch.

        gensim's is a float32 sum over all epochs that stops growing.
        """
        if not self.epoch_losses:
            raise UsageError("nothing was trained yet", remedy="call train first")
        return self.epoch_losses[-1]

    def predict_output_word(
        self, context_words_list: Sequence[str], topn: int = 10
    ) -> list[tuple[str, float]] | None:
        """Return the words most probable among these, by a softmax over the output vectors.

        Returns:
            [(word, probability)], the most probable first; None when no word of the context is known.
        """
        known = [self.wv.get_index(word) for word in context_words_list if word in self.wv]
        if not known:
            return None
        h = self.wv.vectors[known].sum(axis=0)
        h = h / len(known) if self.cbow_mean else h
        scores = self._output @ h
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        best = np.argsort(-weights, kind="stable")[:topn]
        return [(self.wv.index_to_key[i], float(weights[i])) for i in best]


class _ProgressLog:
    """Logs the words read, their rate and the learning rate, every ``delay`` seconds, and moves a job."""

    def __init__(self, trainer: Word2VecTrainer, delay: float, job: Job) -> None:
        self.trainer, self.delay, self.job = trainer, delay, job
        self.total = max(1, trainer.settings.epochs * trainer.corpus_words)
        self.started = self.logged = time.monotonic()

    def __call__(self, state: TrainingState) -> None:
        loss = state.epoch_loss / max(1, state.epoch_examples)
        self.job.move(state.words, f"epoch {state.epoch + 1}, loss {loss:.3f}")  # called by all workers
        now = time.monotonic()
        if now - self.logged < self.delay:
            return
        self.logged, rate = now, state.words / max(now - self.started, 1e-9)
        text = "epoch %d, %.1f %% of all words, %s words/s, learning rate %.5f"
        _log.info(text, state.epoch + 1, 100 * state.words / self.total, f"{rate:,.0f}", self.trainer.alpha)


_ATTRIBUTES = (
    "wv", "hs", "min_count", "max_vocab_size", "max_final_vocab", "callbacks", "device", "epoch_losses",
    "epochs_trained", "corpus_count", "corpus_total_words", "hashfxn", "null_word", "sorted_vocab",
    "batch_words", "compute_loss", "comment", "raw_vocab", "progress",
)  # fmt: skip
"""Attributes that may be assigned beside the settings."""

_IDLE: dict[str, tuple[object, str, str]] = {
    "hs": (0, "hierarchical softmax is not offered", "use negative sampling (hs=0)"),
    "hashfxn": (hash, "initial vectors depend on the seed alone", "leave hashfxn out"),
    "null_word": (
        0,
        "only paragraph vectors, not offered, have one",
        "leave null_word out",
    ),
    "batch_words": (10_000, "the text is divided among workers by itself", "leave batch_words out"),
    "word_count": (0, "the learning rate starts with the call", "use start_alpha and end_alpha"),
    "queue_factor": (2, "the workers have no queue", "leave queue_factor out"),
}
"""Arguments of gensim's that nothing reads here: the only value they may have, why, and what to do."""


def _refuse_idle(name: str, value: object) -> None:
    if name in _IDLE:
        default, reason, remedy = _IDLE[name]
        if value != default:
            raise UsageError(f"{name}={value!r} has no effect: {reason}", remedy=remedy)
