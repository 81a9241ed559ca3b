"""The ids of the words of a text, which blanks separate, by a table of the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

ABSENT = -1
"""The id of a word that the table lacks."""


def table(words: Sequence[bytes]) -> Mapping[bytes, int]:
    """Make the table of words without blanks, each of which is there once; its id is its place."""
    return dict(zip(words, range(len(words)), strict=True))


def word_ids(table: Mapping[bytes, int], text: bytes, line_end: int) -> np.ndarray:
    """Return the id (N,) int32 of each word of a text of ASCII, and ``line_end`` for each line end.

    Words are separated as by ``str.split``: by blanks, and by the control characters that count as such.
    """
    found: list[int] = []
    for place, line in enumerate(text.decode("ascii").split("\n")):
        found += [line_end] * (place > 0)
        found += [table.get(word.encode("ascii"), ABSENT) for word in line.split()]
    return np.array(found, np.int32)
