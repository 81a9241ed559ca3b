"""Texts to ids in memory: provisional ids while they are read, final ones once the vocabulary is known."""

from collections.abc import Iterable, Sequence

import numpy as np

from seqkit.errors import DataError, Remedy
from seqkit.text import Tokenizer, Vocabulary
from seqkit.text.special_tokens import UNK

_UNCUT = "for text without blanks between words (Chinese, Japanese, Thai) take"
FEW_WORDS = Remedy(
    f'lower min_count or raise vocab_size; {_UNCUT} tokenizer="char"',
    command=f"lower --min-count or raise --vocab-size; {_UNCUT} --tokenizer char",
)
"""Against a vocabulary without enough words."""


class TextEncoder:
    """Encodes the texts of one role; provisional ids are in the order in which tokens were first seen.

    Args:
        role: "source text" or the like, for messages.
        tokenizer: Gives the tokens.
        reserved: Tokens that no text may hold.
        meaning: The meaning of the reserved tokens, for messages.
        seen: Token -> provisional id, to be shared between roles of one vocabulary.
    """

    def __init__(
        self,
        role: str,
        tokenizer: Tokenizer,
        *,
        reserved: tuple[str, ...],
        meaning: str,
        seen: dict[str, int] | None = None,
    ) -> None:
        self.role, self.tokenizer, self.reserved, self.meaning = role, tokenizer, reserved, meaning
        self.seen: dict[str, int] = {} if seen is None else seen
        self.numbers: dict[str, np.ndarray] = {}
        self.lengths: dict[str, np.ndarray] = {}

    def number(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the provisional ids of texts in a row, and the length of each.

        Raises:
            DataError: For a text that holds a line end or a reserved token, or no token at all.
        """
        eol = self.tokenizer.end_of_line
        tokens = self.tokenizer.tokenize_block("\n".join(texts) + "\n")
        seen = self.seen
        numbers = np.array([seen.setdefault(token, len(seen)) for token in tokens], np.int32)
        ends = np.flatnonzero(numbers == seen[eol])
        if len(ends) != len(texts):
            raise DataError(
                f"a {self.role} holds a line end or the token {eol!r}",
                where=repr(next((text for text in texts if eol in text or "\n" in text), "")[:60]),
                remedy="leave it out of the text",
            )
        lengths = np.diff(ends, prepend=-1) - 1
        if not lengths.all():
            raise DataError(f"a {self.role} without a token", where=repr(texts[int(lengths.argmin())]))
        for token in self.reserved:
            if token in seen and token != eol:
                raise DataError(
                    f"a {self.role} holds the token {token!r}, {self.meaning}",
                    remedy="leave it out of the text",
                )
        return np.delete(numbers, ends), lengths

    def keep(self, split: str, blocks: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """Keep the blocks that :meth:`number` returned for a split."""
        numbers, lengths = zip(*blocks, strict=True)
        self.numbers[split], self.lengths[split] = np.concatenate(numbers), np.concatenate(lengths)

    def counts(self) -> dict[str, int]:
        """Return token -> occurrences in the training split."""
        counts = np.bincount(self.numbers["train"], minlength=len(self.seen)).tolist()
        return {token: n for token, n in zip(self.seen, counts, strict=True) if n}

    def tokens(self) -> set[str]:
        """Return the different tokens of all splits."""
        names, used = list(self.seen), np.zeros(len(self.seen), bool)
        for numbers in self.numbers.values():
            used[numbers] = True
        return {names[number] for number in np.flatnonzero(used)}

    def unseen(self) -> bool:
        """Whether a held-out split has a token that the training split lacks."""
        known = np.bincount(self.numbers["train"], minlength=len(self.seen)) > 0
        return any(not known[numbers].all() for numbers in self.numbers.values())

    def vocabulary(
        self, counts: dict[str, int], size: int | None, min_count: int, *, require_unk: bool
    ) -> Vocabulary:
        """Return the vocabulary of token counts, without special tokens but unk.

        Raises:
            DataError: If no word is left.
        """
        vocabulary = Vocabulary.from_counts(
            counts, eos=None, unk=UNK, size=size, min_count=min_count, require_unk=require_unk
        )
        if len(vocabulary) == (vocabulary.unk_id is not None):
            raise DataError(
                f"a {self.role.removesuffix(' text')} vocabulary without a word: {len(counts)} distinct "
                f"tokens, min count {min_count}",
                remedy=FEW_WORDS,
            )
        return vocabulary

    def encode(self, split: str, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray, int]:
        """Return (ids, offsets, number of unknown tokens) of a split, whose texts are then forgotten.

        Only the split's own tokens need to be in the vocabulary.
        """
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
    """Return the ids of each text, (T,) int32.

    Raises:
        DataError: For a text without a token, by its number from 1, and for an unknown token without an unk.
    """
    rows = []
    for number, text in enumerate(texts, start=1):
        tokens = tokenizer.tokenize(text.strip())
        if not tokens:
            raise DataError(
                "expected a text with a token, got an empty one", where=f"text {number}: {text[:60]!r}"
            )
        rows.append(vocabulary.encode(tokens))
    return rows
