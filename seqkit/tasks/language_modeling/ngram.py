"""n-gram models by sentence, with the interface that KenLM's users know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seqkit.data.line_encoder import LineEncoder
from seqkit.errors import RunError, UsageError
from seqkit.files.what_is import what_is
from seqkit.models import NGramModel
from seqkit.models.ngrams.trie import ABSENT
from seqkit.tasks.language_modeling.arpa import EOS as END_OF_SENTENCE
from seqkit.tasks.language_modeling.arpa import read_arpa, write_arpa
from seqkit.tasks.language_modeling.scoring import NGRAM_LINES_AT_ONCE
from seqkit.tasks.language_modeling.trained import load
from seqkit.tasks.runs import require_text, require_texts
from seqkit.text import Tokenizer
from seqkit.text.special_tokens import UNK
from seqkit.text.word_tokenizers import WhitespaceTokenizer


class _Ids(dict[str, int]):
    """The id of each word; of others that of ``<unk>``."""

    def __missing__(self, word: str) -> int:
        if UNK not in self:
            raise UsageError(f"{word!r} is not in the vocabulary, which has no {UNK}")
        return self[UNK]


class WordScore(NamedTuple):
    """The score of a word, with the names of KenLM's ``FullScoreReturn``."""

    log_prob: float
    """log10 P."""
    ngram_length: int
    """Length of the n-gram that gave it."""
    oov: bool
    """Whether the word is out of vocabulary."""


class NGramState:
    """The context that an n-gram model keeps between words; empty until a model writes to it.

    It takes the place of ``kenlm.State``. States after the same n-grams are equal. To use one as the key of a
    dictionary, copy it first: the model writes into the other.
    """

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: tuple[int, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NGramState) and self.numbers == other.numbers

    def __hash__(self) -> int:
        return hash(self.numbers)

    def __copy__(self) -> NGramState:
        copied = NGramState()
        copied.numbers = self.numbers
        return copied


class _BlankSeparated(WhitespaceTokenizer):
    """The tokens of ARPA files, with their name of the end of a line."""

    end_of_line = END_OF_SENTENCE


class NGram:
    r"""An n-gram model: a run of ``train-lm --model kneser-ney``, or an ARPA file of any tool.

    Sentences of a run are cut by its tokenizer, those of a file at blanks. Logarithms are to the base 10.
    Names and results are those of KenLM's Python module, whose scores agree to float32; states are
    :class:`NGramState`.

    Threads may share it.

    Args:
        path: The run directory, or the ARPA file (``.arpa``, maybe compressed).

    Raises:
        RunError: A run of another model.
        DamagedFileError: The file is damaged.

    Example:
        >>> from pathlib import Path
        >>> import seqkit
        >>> lines = ["\\data\\", "ngram 1=3", "\\1-grams:", "-99 <s>", "-0.25 </s>", "-0.5 cat", "\\end\\"]
        >>> _ = Path("toy.arpa").write_text("\n".join(lines))
        >>> seqkit.NGram("toy.arpa").score("cat cat")
        -1.25
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self._tokenizer: Tokenizer = _BlankSeparated()
        if path.is_dir():
            run = load(path)
            if not isinstance(run.model, NGramModel):
                raise RunError(
                    f"expected a run of Kneser-Ney, got one of {run.settings.model}",
                    where=str(path),
                    remedy=what_is(path).remedy,
                )
            self._model = run.model
            self._words, self._tokenizer = list(run.vocabulary.tokens), run.tokenizer
        else:
            self._model, self._words = read_arpa(path)
        self._ids = _Ids(zip(self._words, range(len(self._words)), strict=True))
        self._encode_lines = LineEncoder(
            self._tokenizer,
            self._words,
            self._encode_tokens,
            unknown=self._ids.get(UNK),
            end=self._model.config.eos_id,
        )

    def __repr__(self) -> str:
        return f"NGram(order {self.order}, {len(self._words):,} words)"

    @property
    def order(self) -> int:
        """Length of the longest n-gram."""
        return self._model.config.order

    def __contains__(self, word: object) -> bool:
        """Whether a word is in the vocabulary, as ``</s>`` is."""
        if not isinstance(word, str):
            return False
        word = self._tokenizer.prepare(word)
        return (word in self._ids and word != UNK) or word == END_OF_SENTENCE

    def score(self, sentence: str, bos: bool = True, eos: bool = True) -> float:
        """Return log10 P of a sentence.

        Args:
            sentence: The sentence.
            bos: Whether it stands at the start of a line; otherwise its first word has no context.
            eos: Whether the end of the line counts.

        Raises:
            UsageError: A word is unknown, and the model has no ``<unk>``.
        """
        ids = self._encode(require_text(sentence))
        if eos:
            ids.append(self._model.config.eos_id)
        return self._model.line_score(ids, bos=bos)

    def full_scores(
        self, sentence: str, bos: bool = True, eos: bool = True
    ) -> Iterator[tuple[float, int, bool]]:
        """Iterate over log10 P of each word, the length of its n-gram, and whether the word is unknown.

        Arguments as of :meth:`score`; the end of the line comes last.

        Raises:
            UsageError: A word is unknown, and the model has no ``<unk>``.
        """
        ids = self._encode(require_text(sentence))
        unknown = [i == self._ids.get(UNK) for i in ids] + [False] * eos
        ids += [self._model.config.eos_id] * eos
        scores, lengths = self._model.full_scores(np.array(ids, np.int32), bos=bos)
        yield from zip(scores.tolist(), lengths.tolist(), unknown, strict=True)

    def BeginSentenceWrite(self, state: NGramState) -> None:
        """Set a state to the start of a line."""
        state.numbers = (self._model.config.vocab_size, *[ABSENT] * (self.order - 2))[: self.order - 1]

    def NullContextWrite(self, state: NGramState) -> None:
        """Set a state to no context."""
        state.numbers = (ABSENT,) * (self.order - 1)

    def BaseScore(self, in_state: NGramState, word: str, out_state: NGramState) -> float:
        """Return log10 P of a word after a state, and write the state after the word.

        Args:
            in_state: The state before the word.
            word: The word; ``</s>`` is the end of the line.
            out_state: What is written; it may be ``in_state``.

        Raises:
            UsageError: The word is unknown, and the model has no ``<unk>``, or no model wrote ``in_state``.
        """
        return self.BaseFullScore(in_state, word, out_state).log_prob

    def BaseFullScore(self, in_state: NGramState, word: str, out_state: NGramState) -> WordScore:
        """Return what :meth:`full_scores` gives for a word; arguments and errors of :meth:`BaseScore`."""
        word = require_text(word)
        numbers, trie = in_state.numbers, self._model.trie
        if len(numbers) != self.order - 1 or any(n >= trie.size(k) for k, n in enumerate(numbers, start=1)):
            raise UsageError(
                "expected a state of this model, got another one",
                remedy="begin it with BeginSentenceWrite or NullContextWrite",
            )
        end = word == END_OF_SENTENCE
        number = self._model.config.eos_id if end else self._ids[self._tokenizer.prepare(word)]
        log10, length, after = self._model.word_score(number, numbers)
        out_state.numbers = tuple(after)
        return WordScore(log10, length, not end and number == self._ids.get(UNK))

    def scores(self, sentences: Iterable[str]) -> np.ndarray:
        """Return log10 P (N,) float64 of each sentence, from its start to its end; faster than one by one."""
        texts = require_texts(sentences)
        blocks = [
            self._scores(texts[i : i + NGRAM_LINES_AT_ONCE])
            for i in range(0, len(texts), NGRAM_LINES_AT_ONCE)
        ]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def perplexity(self, sentence: str) -> float:
        """Return the perplexity of a sentence, its end included."""
        scores = [log10 for log10, _, _ in self.full_scores(sentence)]
        return float(10 ** (-sum(scores) / len(scores)))

    def save_arpa(self, path: str | Path) -> None:
        """Write an ARPA file, which KenLM, SRILM and others read; gzip-compressed if it ends in ``.gz``.

        Raises:
            UsageError: A word has a blank, as that of characters does.
        """
        write_arpa(path, self._model, self._words)

    def _scores(self, lines: list[str]) -> np.ndarray:
        """Return log10 P (N,) float64 of each line."""
        ids, ends = self._encode_lines(lines)
        scores, _ = self._model.full_scores(ids)
        return np.add.reduceat(scores, np.concatenate(([0], ends[:-1])))

    def _encode_tokens(self, tokens: list[str]) -> np.ndarray:
        return np.array(list(_ids_of(tokens, self._ids)), np.int32)

    def _encode(self, sentence: str) -> list[int]:
        return list(_ids_of(self._tokenizer.tokenize(sentence), self._ids))


def _ids_of(words: list[str], ids: _Ids) -> Iterator[int]:
    unknown = ids.get(UNK)
    return map(ids.__getitem__, words) if unknown is None else map(ids.get, words, repeat(unknown))
