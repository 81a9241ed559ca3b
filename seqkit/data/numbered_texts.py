"""Texts to ids in two steps: provisional numbers while they are read, ids when the vocabulary is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from seqkit.errors import DataError
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import UNK


class NumberedTexts:
    """Texts of one role as provisional ids, in the order in which tokens were first seen.

    what: "source text" or the like, for people. reserved: tokens that no text may hold, and ``meaning``, what
    they stand for. seen: token -> provisional id, to be shared between roles of one vocabulary.
    """

    def __init__(
        self,
        what: str,
        tokenizer: Tokenizer,
        *,
        reserved: tuple[str, ...],
        meaning: str,
        seen: dict[str, int] | None = None,
    ) -> None:
        self.what, self.tokenizer, self.reserved, self.meaning = what, tokenizer, reserved, meaning
        self.seen: dict[str, int] = {} if seen is None else seen
        self.numbers: dict[str, np.ndarray] = {}
        self.lengths: dict[str, np.ndarray] = {}

    def number(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The provisional ids of some texts in a row, and the length of each."""
        eol = self.tokenizer.end_of_line
        tokens = self.tokenizer.tokenize_block("\n".join(texts) + "\n")
        seen = self.seen
        numbers = np.array([seen.setdefault(token, len(seen)) for token in tokens], np.int32)
        ends = np.flatnonzero(numbers == seen[eol])
        if len(ends) != len(texts):
            raise DataError(
                f"a {self.what} holds a line end or the token {eol!r}",
                where=repr(next((text for text in texts if eol in text or "\n" in text), "")[:60]),
                remedy="leave it out of the text",
            )
        lengths = np.diff(ends, prepend=-1) - 1
        if not lengths.all():
            raise DataError(f"a {self.what} without a token", where=repr(texts[int(lengths.argmin())]))
        for token in self.reserved:
            if token in seen and token != eol:
                raise DataError(
                    f"a {self.what} holds the token {token!r}, {self.meaning}",
                    remedy="leave it out of the text",
                )
        return np.delete(numbers, ends), lengths

    def keep(self, split: str, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """Take what :meth:`number` gave for a split, block by block."""
        numbers, lengths = zip(*parts, strict=True)
        self.numbers[split], self.lengths[split] = np.concatenate(numbers), np.concatenate(lengths)

    def counts(self) -> dict[str, int]:
        """Token -> occurrences in the training part."""
        found = np.bincount(self.numbers["train"], minlength=len(self.seen)).tolist()
        return {token: n for token, n in zip(self.seen, found, strict=True) if n}

    def unseen(self) -> bool:
        """Whether a held-out part has a token that the training part lacks."""
        known = np.bincount(self.numbers["train"], minlength=len(self.seen)) > 0
        return any(not known[numbers].all() for numbers in self.numbers.values())

    def words(
        self, counts: dict[str, int], size: int | None, min_count: int, *, require_unk: bool
    ) -> Vocabulary:
        """The vocabulary of some counts, without specials but unk. DataError when no word is left."""
        made = Vocabulary.from_counts(
            counts, eos=None, unk=UNK, size=size, min_count=min_count, require_unk=require_unk
        )
        if len(made) == (made.unk_id is not None):
            raise DataError(
                f"a {self.what.removesuffix(' text')} vocabulary without a word: {len(counts)} distinct "
                f"tokens, min count {min_count}",
                remedy="lower --min-count or raise --vocab-size",
            )
        return made

    def encode(self, split: str, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray, int]:
        """(ids, offsets, how many are unk) of a split; only its own tokens need to be in the vocabulary."""
        numbers = self.numbers.pop(split)
        tokens = list(self.seen)
        table = np.zeros(len(tokens), np.int32)
        used = np.flatnonzero(np.bincount(numbers, minlength=len(tokens)))
        table[used] = vocabulary.encode(tokens[number] for number in used)
        ids = table[numbers]
        offsets = np.concatenate(([0], np.cumsum(self.lengths[split])))
        unk = 0 if vocabulary.unk_id is None else int(np.count_nonzero(ids == vocabulary.unk_id))
        return ids, offsets.astype(np.int64), unk


def encode_texts(texts: Iterable[str], tokenizer: Tokenizer, vocabulary: Vocabulary) -> list[np.ndarray]:
    """The ids of each text, (S,) int32. Raises DataError for one without a token, by its number from 1, and
    as ``Vocabulary.encode`` does.
    """
    rows = []
    for number, text in enumerate(texts, start=1):
        tokens = tokenizer.tokenize(text.strip())
        if not tokens:
            raise DataError("nothing to read: the text is empty", where=f"text {number}: {text[:60]!r}")
        rows.append(vocabulary.encode(tokens))
    return rows
