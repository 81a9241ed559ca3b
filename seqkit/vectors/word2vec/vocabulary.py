"""The vocabulary of a word2vec model: counted, taken from counts, grown and pruned."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from seqkit.errors import DataError, UsageError
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.word2vec.sampling import initial_vectors
from seqkit.vectors.word2vec.sentences import (
    LineSentences,
    Scan,
    Sentences,
    scan,
    scan_bounded,
    sentences_of,
)

_PathLike = str | os.PathLike[str]
_log = logging.getLogger("seqkit")
TrimRule = Callable[[str, int, int], int | None]
"""(word, count, min_count) -> 0 or None: as by min_count; 1: leave the word out; 2: keep it. As in gensim."""
_BY_COUNT, _DISCARD, _KEEP = 0, 1, 2


class VocabularyBuilder:
    """The part of :class:`~seqkit.vectors.word2vec.Word2Vec` that decides which words have vectors."""

    wv: KeyedVectors
    """The vectors; their :attr:`~KeyedVectors.vectors_lockf`, where set, holds words still in training."""
    epochs_trained: int
    """The epochs over all calls of :meth:`train`, saved with the model: no epoch draws the random numbers of
    another again."""
    min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    sorted_vocab: int
    raw_vocab: dict[str, int]
    """The counts of all words of a text, if ``keep_raw_vocab`` was given to :meth:`build_vocab`."""
    seed: int
    corpus_count: int
    corpus_total_words: int
    _output: np.ndarray
    _vectors_drawn: int
    """The words that ever had an initial vector: a new word's is drawn after theirs."""
    _scanned: tuple[object, Scan] | None
    """The file that build_vocab read last and what it found, so that train need not read it again."""

    @property
    def vector_size(self) -> int:
        """The width of the vectors."""
        return self.wv.vector_size

    def build_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: _PathLike | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
    ) -> None:
        """Count the words, most frequent first; with ``update`` add new ones to those already known.

        New words start as untrained ones do; known ones keep their vectors and add to their counts.

        Args:
            corpus_iterable: An iterable of lists of words; or ``corpus_file``.
            corpus_file: The path of a text, a sentence on each line.
            update: Whether to add to the words already known.
            progress_per: Sentences between two lines of progress in the log "seqkit", at level INFO.
            keep_raw_vocab: Keep the counts of all words as the attribute ``raw_vocab``.
            trim_rule: A function (word, count, min_count); see :class:`Word2Vec`.
        """
        if progress_per < 1:
            raise UsageError(f"expected progress_per to be 1 or more, got {progress_per}")
        source = sentences_of(corpus_iterable, corpus_file)
        state = source.state() if isinstance(source, LineSentences) else None
        known = self.wv.key_to_index if update else ()
        text = self._scan(_logged(source, progress_per), known, trim_rule)
        if keep_raw_vocab:
            self.raw_vocab = dict(text.counts)
        self._set_vocab(text.counts, text.sentences, text.words, update=update, trim_rule=trim_rule)
        self._scanned = (state, text) if state is not None and text.order is not None else None

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Take the vocabulary from counts made elsewhere, word -> count; else as :meth:`build_vocab`.

        Args:
            word_freq: Word -> count.
            keep_raw_vocab: Keep the counts as the attribute ``raw_vocab``.
            corpus_count: The number of sentences that they were counted in, for the attribute of that name.
            trim_rule: A function (word, count, min_count); see :class:`Word2Vec`.
            update: Whether to add to the words already known.
        """
        for word, count in word_freq.items():
            if not isinstance(count, (int, np.integer)) or not 0 <= count < 1 << 62:
                raise UsageError(f"expected a whole number from 0 up as the count of {word!r}, got {count!r}")
        self._scanned = None
        counts = {word: int(count) for word, count in word_freq.items()}
        if keep_raw_vocab:
            self.raw_vocab = dict(counts)
        total = sum(counts.values())
        self._set_vocab(counts, corpus_count or 0, total, update=update, trim_rule=trim_rule)

    def save_vocabulary(self, path: _PathLike) -> None:
        """Write a "word count" line for each word, most frequent first: word2vec's own -save-vocab.

        Raises:
            UsageError: For a word with a blank in it.
            DataError: The file cannot be written.
        """
        from seqkit.vectors.formats.word2vec import write_counts

        write_counts(zip(self.wv.index_to_key, self._counts.tolist(), strict=True), path)

    def load_vocabulary(self, path: _PathLike, update: bool = False) -> None:
        """Call :meth:`build_vocab_from_freq` with a file of :meth:`save_vocabulary`, word2vec or gensim.

        Raises:
            DataError: A line is not a word and its count; names the line.
        """
        from seqkit.vectors.formats.word2vec import read_counts

        self.build_vocab_from_freq(read_counts(path), update=update)

    def prune_vocab(
        self,
        min_count: int | None = None,
        max_final_vocab: int | None = None,
        keep: Iterable[str] | None = None,
    ) -> int:
        """Forget words; the others keep what they learned, in the order of frequency.

        ``wv`` becomes a new table; one taken before stays whole.

        Args:
            min_count: Forget the words that occur less often.
            max_final_vocab: Keep only this many words, the most frequent.
            keep: Keep only these.

        Returns:
            The number of words forgotten.
        """
        keys, counts = self.wv.index_to_key, self._counts
        wanted = None if keep is None else set(keep)
        order = sorted(range(len(keys)), key=lambda i: (-counts[i], keys[i]))
        order = [i for i in order if counts[i] >= (min_count or 0) and (wanted is None or keys[i] in wanted)]
        order = order[:max_final_vocab]
        if len(order) < 2:
            raise UsageError(f"expected two or more words to keep, got {len(order)}", remedy="keep more")
        pruned = KeyedVectors(self.vector_size)
        extras = {name: array[order] for name, array in self.wv.expandos.items()}
        pruned.add_vectors([keys[i] for i in order], self.wv.vectors[order], extras=extras)
        if (locks := self.wv.lock_factors()) is not None:
            pruned.vectors_lockf = locks[order]
        self.wv, self._output = pruned, self._output[order]
        return len(keys) - len(order)

    @property
    def _counts(self) -> np.ndarray:
        counts = self.wv.expandos.get("count")
        if counts is None:
            raise UsageError("no vocabulary yet", remedy="call build_vocab first")
        return counts

    def _scan(self, source: Sentences, kept: Iterable[str] = (), trim_rule: TrimRule | None = None) -> Scan:
        if self.max_vocab_size is None:
            return scan(source)
        kept = set(kept)

        def stays(word: str, count: int, threshold: int) -> bool:
            return word in kept or _decide(word, count, threshold, trim_rule) != _DISCARD

        return scan_bounded(source, self.max_vocab_size, stays)

    def _set_vocab(
        self,
        counts: Mapping[str, int],
        sentences: int,
        words: int,
        *,
        update: bool,
        trim_rule: TrimRule | None = None,
    ) -> None:
        old = self.wv if update else KeyedVectors(self.vector_size)
        known, locks = len(old), old.lock_factors()
        fresh = [(w, n) for w, n in counts.items() if w not in old.key_to_index]
        if trim_rule is None:
            forced: set[str] = set()
            fresh = [(w, n) for w, n in fresh if n >= self.min_count]
        else:
            decisions = {w: _decide(w, n, self.min_count, trim_rule) for w, n in fresh}
            forced = {w for w, decision in decisions.items() if decision == _KEEP}
            fresh = [(w, n) for w, n in fresh if decisions[w] != _DISCARD]
        ranked = sorted(fresh, key=lambda item: (item[0] not in forced, -item[1], item[0]))
        if self.max_final_vocab is not None:
            ranked = ranked[: max(0, self.max_final_vocab - known)]
        if self.sorted_vocab:
            fresh = sorted(ranked, key=lambda item: (-item[1], item[0])) if forced else ranked
        else:
            chosen = {w for w, _ in ranked}
            fresh = [(w, n) for w, n in fresh if w in chosen]
        if known + len(fresh) < 2:
            raise DataError(
                f"expected two or more words that occur {self.min_count} times or more, got {len(fresh)} of "
                f"{len(counts)} distinct ones",
                remedy="lower min_count, or give more text",
            )
        if not update:
            self.wv, self._vectors_drawn, self.epochs_trained = old, 0, 0
            self._output = np.zeros((0, self.vector_size), np.float32)
        elif known:
            old.expandos["count"] = self._counts + [counts.get(word, 0) for word in old.index_to_key]
        self.corpus_count, self.corpus_total_words = sentences, words
        drawn = self._vectors_drawn + len(fresh)
        start = initial_vectors(drawn, self.vector_size, self.seed)[self._vectors_drawn :]
        self._vectors_drawn = drawn
        numbers = np.array([n for _, n in fresh], np.int64)
        self.wv.add_vectors([w for w, _ in fresh], start, extras={"count": numbers})
        if locks is not None:
            self.wv.vectors_lockf = np.append(locks, np.ones(len(fresh), np.float32))
        self._output = np.vstack([self._output, np.zeros((len(fresh), self.vector_size), np.float32)])


def _decide(word: str, count: int, min_count: int, trim_rule: TrimRule | None) -> int:
    """Return _KEEP if the rule says so, _DISCARD if the word is left out, and else _BY_COUNT."""
    decision = None if trim_rule is None else trim_rule(word, count, min_count)
    if decision not in (None, _BY_COUNT, _DISCARD, _KEEP):
        raise UsageError(
            f"expected trim_rule to return 0 (by min_count), 1 (discard) or 2 (keep), got {decision!r} for "
            f"the word {word!r}"
        )
    if decision in (_DISCARD, _KEEP):
        return int(decision)
    return _BY_COUNT if count >= min_count else _DISCARD


def _logged(sentences: Sentences, every: int) -> Sentences:
    """Return the sentences, or a wrapper that logs each ``every``-th if the log has that level."""
    return _Logged(sentences, every) if _log.isEnabledFor(logging.INFO) else sentences


class _Logged:
    """Sentences that log how many of them were read."""

    def __init__(self, sentences: Sentences, every: int) -> None:
        self.sentences, self.every = sentences, every

    def __iter__(self) -> Iterator[Sequence[str]]:
        for count, sentence in enumerate(self.sentences, 1):
            yield sentence
            if count % self.every == 0:
                _log.info("counting words: %s sentences", f"{count:,}")
