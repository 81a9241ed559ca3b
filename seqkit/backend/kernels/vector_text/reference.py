"""Where the lines are; every one of them is left to the careful reader of ``seqkit.vectors``."""

from __future__ import annotations

import numpy as np


def parse_rows(text: np.ndarray, rows: np.ndarray, spans: np.ndarray) -> None:
    """Read R lines of "word number … number" at once.

    text: uint8, (L,), whole lines, the last byte a line feed.
    rows: float32, (R, D), filled with the numbers, each the float32 nearest to its float64 reading.
    spans: int64, (R, 3), filled with start of line, end of word, end of line. The end of the word is -1 for
    a line that has another form, or a number that needs more care than the fast loop takes; its row is
    then undefined and the caller reads it again.
    """
    ends = np.flatnonzero(text == 10)[: len(rows)]
    spans[0, 0] = 0
    spans[1:, 0] = ends[:-1] + 1
    spans[:, 1] = -1
    spans[:, 2] = ends
