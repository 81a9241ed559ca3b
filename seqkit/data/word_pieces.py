"""Words as the pieces of a pretrained encoder's tokenizer, for taggers that start from one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from seqkit.data.tagging import LONGEST_WORD, UnspacedWords, WordTable
from seqkit.errors import UsageError
from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary


@dataclass(frozen=True)
class PieceEncoder:
    """Words to pieces, each word by itself.

    Args:
        tokenizer: The encoder's tokenizer.
        vocabulary: Its tokens.
        longest: Pieces that the encoder reads at most, without special tokens.
        begin: Ids of the special tokens before a sentence.
        end: Those behind it.
        unspaced: What is known of the training text's words of scripts without blanks between words.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    longest: int
    begin: tuple[int, ...] = ()
    end: tuple[int, ...] = ()
    unspaced: UnspacedWords = field(default_factory=UnspacedWords)

    @classmethod
    def of(cls, tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int) -> Self:
        """Return the encoder of words for a model that reads ``max_length`` tokens at most."""
        begin, end = _around(tokenizer, vocabulary)
        longest = max_length - len(begin) - len(end)
        if longest < 1:
            raise UsageError(f"max_length {max_length} leaves no room for a word beside the special tokens")
        return cls(tokenizer, vocabulary, longest, begin, end)

    def describe(self) -> str:
        """Return the size of its vocabulary in words."""
        return f"{len(self.vocabulary):,} subwords"

    def knows(self, word: str) -> bool:
        """Return False: the words of the training text are not kept."""
        return False

    def table(self, words: Iterable[str], feature_columns: Sequence[Sequence[str]] = ()) -> WordTable:
        """Return the pieces of different words in place of letters; a word without any is unknown.

        Feature columns are not read.

        Of a word of more than 50 pieces, the first ones.
        """
        unknown = self.vocabulary.unk_id or 0
        most = min(LONGEST_WORD, self.longest)
        pieces = [found[:most] or [unknown] for found in self._pieces(list(words))]
        return WordTable(
            np.array([found[0] for found in pieces], np.int32),
            np.zeros(len(pieces), np.int32),
            np.array([piece for found in pieces for piece in found], np.int32),
            np.concatenate(([0], np.cumsum([len(found) for found in pieces]))).astype(np.int64),
            np.empty((len(pieces), 0), np.int32),
        )

    def is_trained(self, table: WordTable) -> np.ndarray | None:
        """Return None: the words of the training text are not kept."""
        return None

    def sizes(self, table: WordTable) -> np.ndarray:
        """Return how many pieces each word of a table has, (N,)."""
        return np.diff(table.offsets)

    def room(self, max_length: int) -> int:
        """Return how many pieces of a sentence are read at once."""
        return self.longest

    def _pieces(self, words: list[str]) -> list[list[int]]:
        if isinstance(self.tokenizer, SubwordTokenizer):
            # GPT-2's and RoBERTa's pieces have the blank before a word; BERT's do not.
            return self.tokenizer.encode([f" {word}" for word in words], special_tokens=False)
        return [self.vocabulary.encode(self.tokenizer.tokenize(word)).tolist() for word in words]


def _around(tokenizer: Tokenizer, vocabulary: Vocabulary) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the special ids that a published encoder's tokenizer puts before and behind a text."""
    if not isinstance(tokenizer, SubwordTokenizer) or tokenizer.max_length is None:
        return (), ()
    [special] = tokenizer.encode([""])
    for text in ("a", *vocabulary):  # the first that has other pieces, to tell before and behind apart
        [bare] = tokenizer.encode([text], special_tokens=False)
        if bare and not set(bare) & set(special):
            [whole] = tokenizer.encode([text])
            begin = whole.index(bare[0])
            return tuple(whole[:begin]), tuple(whole[begin + len(bare) :])
    raise UsageError("expected a tokenizer that knows some text, got one without tokens of text")
