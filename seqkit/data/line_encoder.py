"""Many lines to ids at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from seqkit.backend.kernels import kernels
from seqkit.backend.kernels.word_ids.reference import ABSENT
from seqkit.text.word_tokenizers import Tokenizer, WhitespaceTokenizer


class LineEncoder:
    """Encodes lines as one stream, each with the id of its end.

    Text of ASCII that is cut at blanks is cut and looked up by compiled code (docs/results.md has the speed).

    Args:
        tokenizer: Cuts the lines.
        words: The word of each id.
        encode: Returns the ids (N,) of tokens, and raises its own error for one that has none.
        unknown: The id of other words; None if there is none.
        end: The id of the end of a line.

    Example:
        >>> ids = {"a": 0, "b": 1}
        >>> encoder = LineEncoder(
        ...     WhitespaceTokenizer(), ["a", "b"], lambda tokens: np.array([ids[x] for x in tokens]), end=2
        ... )
        >>> [x.tolist() for x in encoder(["b a", "", "b"])]
        [[1, 0, 2, 2, 1, 2], [3, 4, 6]]
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        words: Sequence[str],
        encode: Callable[[list[str]], np.ndarray],
        *,
        unknown: int | None = None,
        end: int,
    ) -> None:
        self.tokenizer, self.words, self.encode = tokenizer, words, encode
        self.unknown, self.end = unknown, end

    def __call__(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids (N,) int32 of lines in a row, and how many there are up to the end of each line."""
        block = "\n".join([*lines, ""])
        ids = self._cut_at_blanks(block)
        if ids is None:
            ids = self.encode(self.tokenizer.tokenize_block(block))
        ends = np.flatnonzero(ids == self.end) + 1
        if len(ends) != len(lines):  # a line end, or its token, within a line
            rows = [np.append(self.encode(self.tokenizer.tokenize(line)), self.end) for line in lines]
            ids, ends = np.concatenate(rows), np.cumsum([len(row) for row in rows])
        return ids.astype(np.int32, copy=False), ends

    def _cut_at_blanks(self, block: str) -> np.ndarray | None:
        """Return the ids of a block; None if it has other characters, other rules or words without an id."""
        if not isinstance(self.tokenizer, WhitespaceTokenizer) or not block.isascii():
            return None
        text = self.tokenizer.prepare(block).encode("ascii")
        ids: np.ndarray = _family().word_ids(self._table, text, self.end)
        absent = ids == ABSENT
        if not absent.any():
            return ids
        return None if self.unknown is None else np.where(absent, np.int32(self.unknown), ids)

    @cached_property
    def _table(self) -> Any:
        return _family().table([word.encode("utf-8", "surrogatepass") for word in self.words])


def _family() -> ModuleType:
    return kernels("word_ids", np, np.dtype(np.float32))
