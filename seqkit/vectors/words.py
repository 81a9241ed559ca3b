"""The words of a vector file as one blob: found and listed without making an object of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Words:
    """N words in UTF-8, each followed by a line feed.

    blob: the bytes of all words.
    offsets: int64, (N + 1,), ascending from 0 to the blob's length: where each word begins, and the end.

    A lookup searches the blob (1 ms among 400,000 words), where making the strings and their dict takes
    100 ms: a process that asks for one word never makes them.
    """

    def __init__(self, blob: bytes, offsets: np.ndarray) -> None:
        self.blob, self.offsets = blob, offsets

    @classmethod
    def of(cls, words: Sequence[bytes]) -> Words:
        """From the encoded words."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        offsets = np.zeros(len(words) + 1, np.int64)
        np.cumsum(lengths + 1, out=offsets[1:])
        return cls(b"\n".join([*words, b""]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        return self.blob[self.offsets[index] : self.offsets[index + 1] - 1].decode()

    def find(self, word: str) -> int:
        """The index of a word, or -1."""
        try:
            line = word.encode() + b"\n"
        except UnicodeEncodeError:  # a lone surrogate: in no UTF-8 file
            return -1
        start = 0 if self.blob.startswith(line) else self.blob.find(b"\n" + line) + 1
        while start > 0 or self.blob.startswith(line):
            index = int(np.searchsorted(self.offsets, start))
            # a word may hold a line feed, so that the line may stand within one
            if self.offsets[index] == start and self.offsets[index + 1] == start + len(line):
                return index
            start = self.blob.find(b"\n" + line, start) + 1
            if start == 0:
                break
        return -1

    def to_list(self) -> list[str]:
        """All words. Raises UnicodeDecodeError for bytes that are not UTF-8."""
        words = self.blob.decode().split("\n")
        if len(words) == len(self) + 1:
            return words[:-1]
        return [self[i] for i in range(len(self))]
