"""``Word2Vec``: train word vectors from sentences or a file, with gensim's names and defaults."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from seqkit.errors import DataError, UsageError
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.training import Word2VecSettings, Word2VecTrainer
from seqkit.vectors.training.trainer import initial_vectors

Sentences = Iterable[Sequence[str]]
_WRITE = 1 << 16


class _LineSentences:
    """One sentence a line, words between blanks; read anew at each pass."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def __iter__(self) -> Iterator[list[str]]:
        number = 0
        try:
            with open(self.path, encoding="utf-8", errors="strict") as file:
                for number, line in enumerate(file, 1):  # noqa: B007  # named in the error
                    yield line.split()
        except UnicodeDecodeError as error:
            raise DataError(f"not UTF-8 ({error})", where=f"{self.path}, after line {number}") from error
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror or error})", where=str(self.path)) from error


class Word2Vec:
    """Word vectors by CBOW or skip-gram with negative sampling (Mikolov et al. 2013).

    sentences: an iterable of lists of words that can be passed over more than once; or corpus_file: the path
    of a text with one sentence a line, words between blanks. Without either, call :meth:`build_vocab` and
    :meth:`train`. The parameters are gensim's, with its defaults; ``true_gradient`` is ours (see
    ``Word2VecSettings``). Hierarchical softmax, trim rules and callback objects are left out: ``callbacks``
    are functions called after each epoch with (model, epoch, mean loss).

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
        self.max_final_vocab = max_final_vocab if max_final_vocab is not None else max_vocab_size
        self.callbacks = tuple(callbacks)
        self.wv = KeyedVectors(vector_size)
        self.epoch_losses: list[float] = []
        """Mean loss of an example, float64, one entry an epoch over all calls of train."""
        self.corpus_count = self.corpus_total_words = 0
        self._output = np.zeros((0, vector_size), np.float32)
        if sentences is not None or corpus_file is not None:
            self.build_vocab(sentences, corpus_file)
            self.train(sentences, corpus_file, epochs=epochs)

    def __repr__(self) -> str:
        return f"Word2Vec({len(self.wv)} words, vector_size={self.settings.vector_size})"

    @staticmethod
    def _source(sentences: Sentences | None, corpus_file: str | os.PathLike[str] | None) -> Sentences:
        if (sentences is None) == (corpus_file is None):
            raise UsageError("give either sentences or corpus_file")
        if corpus_file is not None:
            return _LineSentences(corpus_file)
        assert sentences is not None
        if isinstance(sentences, str):
            raise UsageError("sentences must be lists of words, got a string", remedy="use corpus_file=PATH")
        if iter(sentences) is sentences:
            raise UsageError(
                "sentences can be passed over only once", remedy="give a list, or an object with __iter__"
            )
        return sentences

    def build_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
    ) -> None:
        """Count the words, most frequent first; with ``update`` add new ones to those already known.

        New words start as untrained ones do; known ones keep their vectors and add to their counts.
        """
        counts: Counter[str] = Counter()
        lines = 0
        for sentence in self._source(corpus_iterable, corpus_file):
            if isinstance(sentence, str):
                raise UsageError("a sentence must be a list of words, got a string", remedy="split it")
            counts.update(sentence)
            lines += 1
        frequent = [(w, n) for w, n in counts.items() if n >= self.min_count or (update and w in self.wv)]
        frequent.sort(key=lambda item: (-item[1], item[0]))
        frequent = frequent[: self.max_final_vocab]
        if not update:
            self.wv = KeyedVectors(self.settings.vector_size)
            self._output = np.zeros((0, self.settings.vector_size), np.float32)
        self.corpus_count, self.corpus_total_words = lines, sum(counts.values())
        fresh = [(w, n) for w, n in frequent if w not in self.wv]
        if len(self.wv) + len(fresh) < 2:
            raise DataError(
                f"{len(fresh)} word(s) occur {self.min_count} times or more of {len(counts)} distinct ones",
                remedy="lower min_count, or give more text",
            )
        known = len(self.wv)
        for word, number in frequent:
            if word in self.wv:
                self.wv.set_vecattr(word, "count", self.wv.get_vecattr(word, "count") + number)
        V = known + len(fresh)
        start = initial_vectors(V, self.settings.vector_size, self.settings.seed)[known:]
        numbers = np.array([n for _, n in fresh], np.int64)
        self.wv.add_vectors([w for w, _ in fresh], start, extras={"count": numbers})
        self._output = np.vstack(
            [self._output, np.zeros((len(fresh), self.settings.vector_size), np.float32)]
        )

    def train(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
    ) -> tuple[int, int]:
        """Train on a text; returns (words read in the vocabulary, words read at all) over all epochs.

        The text is kept as ids in a temporary file while training, so it may be larger than memory.
        """
        import dataclasses

        if not len(self.wv):
            raise UsageError("no vocabulary yet", remedy="call build_vocab first")
        settings = dataclasses.replace(
            self.settings,
            epochs=self.settings.epochs if epochs is None else epochs,
            alpha=self.settings.alpha if start_alpha is None else start_alpha,
            min_alpha=self.settings.min_alpha if end_alpha is None else end_alpha,
        )
        V = len(self.wv)
        with tempfile.TemporaryFile(prefix="seqkit-") as file:
            raw = self._write_ids(self._source(corpus_iterable, corpus_file), file)
            ids = np.memmap(file, np.int32, "r") if file.tell() else np.zeros(0, np.int32)
            counts = np.append(self.wv.expandos["count"], 0)
            none = np.zeros((1, settings.vector_size), np.float32)  # the row of the end of a line
            trainer = Word2VecTrainer(
                ids,
                counts,
                settings,
                eos_id=V,
                initial=(np.vstack([self.wv.vectors, none]), np.vstack([self._output, none])),
            )
            trainer.corpus_words = int(np.count_nonzero(np.asarray(ids) != V))

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

    def _write_ids(self, sentences: Sentences, file: Any) -> int:
        """The ids of the known words, V after each sentence, as int32; returns how many words there were."""
        index, end, buffer, words = self.wv.key_to_index, len(self.wv), [], 0
        for sentence in sentences:
            words += len(sentence)
            buffer += [index[word] for word in sentence if word in index]
            buffer.append(end)
            if len(buffer) >= _WRITE:
                np.array(buffer, np.int32).tofile(file)
                buffer.clear()
        np.array(buffer, np.int32).tofile(file)
        file.flush()
        return words

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
