"""``Word2Vec``: train word vectors from sentences or a file, with gensim's names and defaults."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.errors import DataError, UsageError
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.word2vec.sampling import initial_vectors
from seqkit.vectors.word2vec.sentences import (
    LineSentences,
    Scan,
    Sentences,
    read_ids,
    scan,
    scan_bounded,
    sentences_of,
    write_ids,
)
from seqkit.vectors.word2vec.trainer import Word2VecTrainer

_PathLike = str | os.PathLike[str]


class Word2Vec:
    """Word vectors by CBOW or skip-gram with negative sampling (Mikolov et al. 2013).

    sentences: an iterable of lists of words that can be passed over more than once; or corpus_file: the path
    of a text with one sentence a line, words between blanks. Without either, call :meth:`build_vocab` and
    :meth:`train`. The parameters are gensim's, with its defaults; ``true_gradient`` (see
    ``Word2VecSettings``) and ``device`` are ours. Hierarchical softmax, trim rules and callback objects are
    left out: ``callbacks`` are functions called after each epoch with (model, epoch, mean loss).

    Of the vocabulary: words seen fewer than ``min_count`` times are left out; ``max_final_vocab`` keeps the
    most frequent so many, ties in the order of the words; ``max_vocab_size`` bounds the memory of counting
    (see :func:`~seqkit.vectors.word2vec.sentences.scan_bounded`). :meth:`prune_vocab` does the same later.

    ``wv`` holds the vectors, an independent :class:`KeyedVectors`. With one worker the result depends on
    seed and text alone. Raises UsageError for parameters, DataError for a text without enough words.
    """

    def __init__(
        self,
        sentences: Sentences | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
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
        epochs: int = 5,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        true_gradient: bool = False,
        callbacks: Sequence[Callable[[Word2Vec, int, float], Any]] = (),
        device: str = "cpu",
    ) -> None:
        if hs:
            raise UsageError("hierarchical softmax is not offered", remedy="use negative sampling (hs=0)")
        self.settings = Word2VecSettings(
            vector_size=vector_size,
            alpha=alpha,
            window=window,
            sample=sample,
            seed=seed,
            workers=workers,
            min_alpha=min_alpha,
            sg=bool(sg),
            negative=negative,
            ns_exponent=ns_exponent,
            cbow_mean=bool(cbow_mean),
            epochs=epochs,
            shrink_windows=shrink_windows,
            true_gradient=true_gradient,
        )
        self.min_count = min_count
        self.max_vocab_size, self.max_final_vocab = max_vocab_size, max_final_vocab
        self.callbacks = tuple(callbacks)
        self.device = device
        self.wv = KeyedVectors(vector_size)
        self.epoch_losses: list[float] = []
        """Mean loss of an example, float64, one entry an epoch over all calls of train."""
        self.corpus_count = self.corpus_total_words = 0
        self._output = np.zeros((0, vector_size), np.float32)
        self._scanned: tuple[Any, Scan] | None = None
        """The file that build_vocab read last and what it found, so that train need not read it again."""
        if sentences is not None or corpus_file is not None:
            source = sentences_of(sentences, corpus_file)
            text = self._scan(source)
            self._set_vocab(text.counts, text.sentences, text.words, update=False)
            self._train(source, text, self.settings)

    def __repr__(self) -> str:
        return f"Word2Vec({len(self.wv)} words, vector_size={self.settings.vector_size})"

    @property
    def vector_size(self) -> int:
        """The width of the vectors."""
        return self.settings.vector_size

    @property
    def epochs(self) -> int:
        """The passes over the text that :meth:`train` makes unless told otherwise."""
        return self.settings.epochs

    # vocabulary

    def build_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: _PathLike | None = None,
        update: bool = False,
    ) -> None:
        """Count the words, most frequent first; with ``update`` add new ones to those already known.

        New words start as untrained ones do; known ones keep their vectors and add to their counts.
        """
        source = sentences_of(corpus_iterable, corpus_file)
        state = source.state() if isinstance(source, LineSentences) else None
        text = self._scan(source, self.wv.key_to_index if update else ())
        self._set_vocab(text.counts, text.sentences, text.words, update=update)
        self._scanned = (state, text) if state is not None and text.order is not None else None

    def build_vocab_from_freq(
        self, word_freq: Mapping[str, int], corpus_count: int | None = None, update: bool = False
    ) -> None:
        """The vocabulary of words counted elsewhere: word -> count. As :meth:`build_vocab` else.

        corpus_count: how many sentences they were counted in, where it matters to you.
        """
        for word, count in word_freq.items():
            if not isinstance(count, (int, np.integer)) or not 0 <= count < 1 << 62:
                raise UsageError(f"the count {count!r} of {word!r} is no whole number from 0 up")
        self._scanned = None
        counts = {word: int(count) for word, count in word_freq.items()}
        self._set_vocab(counts, corpus_count or 0, sum(counts.values()), update=update)

    def save_vocabulary(self, path: _PathLike) -> None:
        """Write a "word count" line for each word, most frequent first: word2vec's own -save-vocab.

        Raises UsageError for a word with a blank in it, DataError when the file cannot be written.
        """
        from seqkit.vectors.formats.counts import write_counts

        write_counts(zip(self.wv.index_to_key, self._counts.tolist(), strict=True), path)

    def load_vocabulary(self, path: _PathLike, update: bool = False) -> None:
        """:meth:`build_vocab_from_freq` of a file of :meth:`save_vocabulary`, word2vec's or gensim's.

        Raises DataError with the line for what is no word and its count.
        """
        from seqkit.vectors.formats.counts import read_counts

        self.build_vocab_from_freq(read_counts(path), update=update)

    def prune_vocab(
        self,
        min_count: int | None = None,
        max_final_vocab: int | None = None,
        keep: Iterable[str] | None = None,
    ) -> int:
        """Forget the words that occur less than ``min_count`` times, are not among the most frequent
        ``max_final_vocab`` or not in ``keep``; returns how many went. The others keep what they learned.

        ``wv`` is a new table; one taken before stays whole. The order becomes that of frequency.
        """
        keys, counts = self.wv.index_to_key, self._counts
        wanted = None if keep is None else set(keep)
        order = sorted(range(len(keys)), key=lambda i: (-counts[i], keys[i]))
        order = [i for i in order if counts[i] >= (min_count or 0) and (wanted is None or keys[i] in wanted)]
        order = order[:max_final_vocab]
        if len(order) < 2:
            raise UsageError(
                f"{len(order)} of {len(keys)} words would be left, and training needs two", remedy="keep more"
            )
        pruned = KeyedVectors(self.vector_size)
        extras = {name: array[order] for name, array in self.wv.expandos.items()}
        pruned.add_vectors([keys[i] for i in order], self.wv.vectors[order], extras=extras)
        self.wv, self._output = pruned, self._output[order]
        return len(keys) - len(order)

    @property
    def _counts(self) -> np.ndarray:
        counts = self.wv.expandos.get("count")
        if counts is None:
            raise UsageError("no vocabulary yet", remedy="call build_vocab first")
        return counts

    def _scan(self, source: Sentences, kept: Iterable[str] = ()) -> Scan:
        return (
            scan(source) if self.max_vocab_size is None else scan_bounded(source, self.max_vocab_size, kept)
        )

    def _set_vocab(self, counts: Mapping[str, int], sentences: int, words: int, *, update: bool) -> None:
        old = self.wv if update else KeyedVectors(self.vector_size)
        known = len(old)
        fresh = [(w, n) for w, n in counts.items() if n >= self.min_count and w not in old.key_to_index]
        fresh.sort(key=lambda item: (-item[1], item[0]))
        if self.max_final_vocab is not None:
            fresh = fresh[: max(0, self.max_final_vocab - known)]
        if known + len(fresh) < 2:
            raise DataError(
                f"{len(fresh)} word(s) occur {self.min_count} times or more of {len(counts)} distinct ones",
                remedy="lower min_count, or give more text",
            )
        if not update:
            self.wv = old
            self._output = np.zeros((0, self.vector_size), np.float32)
        elif known:
            old.expandos["count"] = self._counts + [counts.get(word, 0) for word in old.index_to_key]
        self.corpus_count, self.corpus_total_words = sentences, words
        start = initial_vectors(known + len(fresh), self.vector_size, self.settings.seed)[known:]
        numbers = np.array([n for _, n in fresh], np.int64)
        self.wv.add_vectors([w for w, _ in fresh], start, extras={"count": numbers})
        self._output = np.vstack([self._output, np.zeros((len(fresh), self.vector_size), np.float32)])

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
    ) -> tuple[int, int]:
        """Train on a text; returns (words read in the vocabulary, words read at all) over all epochs.

        The text is kept as ids in a temporary file while training, so it may be larger than memory.
        total_examples, total_words: gensim wants them for its learning rate; here they are counted.
        """
        if not len(self.wv):
            raise UsageError("no vocabulary yet", remedy="call build_vocab first")
        settings = dataclasses.replace(
            self.settings,
            epochs=self.settings.epochs if epochs is None else epochs,
            alpha=self.settings.alpha if start_alpha is None else start_alpha,
            min_alpha=self.settings.min_alpha if end_alpha is None else end_alpha,
        )
        source = sentences_of(corpus_iterable, corpus_file)
        state, text = self._scanned or (None, None)
        self._scanned = None
        if not isinstance(source, LineSentences) or source.state() != state:
            text = None
        return self._train(source, text, settings)

    def _train(self, source: Sentences, text: Scan | None, settings: Word2VecSettings) -> tuple[int, int]:
        V = len(self.wv)
        with tempfile.TemporaryFile(prefix="seqkit-") as file:
            if text is not None and text.order is not None:
                text.write_ids(self.wv.key_to_index, V, file)
                raw = text.words
            else:
                raw = write_ids(source, self.wv.key_to_index, V, file)
            del text
            ids = read_ids(file)
            none = np.zeros((1, settings.vector_size), np.float32)  # the row of the end of a line
            trainer = Word2VecTrainer(
                ids,
                np.append(self._counts, 0),
                settings,
                eos_id=V,
                initial=(np.vstack([self.wv.vectors, none]), np.vstack([self._output, none])),
                device=self.device,
            )
            trainer.corpus_words = int(np.count_nonzero(ids != V))

            def after_epoch(state: Any, loss: float) -> None:
                self.epoch_losses.append(loss)
                self._take(trainer)
                for callback in self.callbacks:
                    callback(self, state.epoch, loss)

            trainer.run(on_epoch=after_epoch)
            del ids
        return trainer.state.words, raw * settings.epochs

    def _take(self, trainer: Word2VecTrainer) -> None:
        self.wv.vectors = trainer.input_vectors[:-1].copy()
        self.wv.norms = None
        self._output = trainer.output_vectors[:-1].copy()

    # files

    def save(self, path: _PathLike) -> None:
        """Write the whole model, to go on with training later; atomically.

        The file is a native vector file (safetensors, no pickle) that also holds the output vectors and the
        settings: whatever reads vectors reads it too. Words must be strings; callbacks are not kept.
        """
        from seqkit.vectors.word2vec.model_file import save_model

        save_model(self, path)

    @classmethod
    def load(cls, path: _PathLike) -> Word2Vec:
        """The model of a file of :meth:`save`. Raises DataError where the file is damaged or holds none."""
        from seqkit.vectors.word2vec.model_file import load_model

        return load_model(cls, path)

    # queries

    def get_latest_training_loss(self) -> float:
        """The mean loss of an example in the last epoch. gensim's is a float32 sum that stops growing."""
        if not self.epoch_losses:
            raise UsageError("nothing was trained yet")
        return self.epoch_losses[-1]

    def predict_output_word(
        self, context_words_list: Sequence[str], topn: int = 10
    ) -> list[tuple[str, float]] | None:
        """The words most probable among these, by a softmax over the output vectors, or None."""
        known = [self.wv.get_index(word) for word in context_words_list if word in self.wv]
        if not known:
            return None
        h = self.wv.vectors[known].sum(axis=0)
        h = h / len(known) if self.settings.cbow_mean else h
        scores = self._output @ h
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        best = np.argsort(-weights, kind="stable")[:topn]
        return [(self.wv.index_to_key[i], float(weights[i])) for i in best]
