"""Windows for truncated backpropagation through time over B contiguous streams of one token sequence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.errors import DataError, UsageError


class BPTTBatches:
    """Consecutive windows (inputs, targets) of B streams; each input is the token before its target.

    The sequence of N ids is laid out as B rows of n = N // B; window i holds columns i*T to i*T+T of every
    row. The first input of the sequence is ``start_id`` and that of every other row is the token before
    it, so every id that is kept is a target exactly once.

    ids: (N,) integers, in memory or memory-mapped; only the window asked for is ever read.
    batch_size: B. bptt: T, tokens in a window.
    start_id: the input before the first token (the id of ``<eos>``).
    keep_tail: keep the last window when it is shorter than T.
    drop_remainder: drop the last N mod B ids. When False, for evaluation, n is rounded up and the
        targets of the missing positions are IGNORE_INDEX: nothing is dropped, nothing is counted twice.

    Raises DataError when N < B (with ``drop_remainder``) or N = 0, ShapeError for ids of another kind.
    """

    def __init__(
        self,
        ids: np.ndarray,
        *,
        batch_size: int,
        bptt: int,
        start_id: int,
        keep_tail: bool = True,
        drop_remainder: bool = True,
    ) -> None:
        ids = checked_ids("ids", ids)
        if batch_size < 1 or bptt < 1:
            raise UsageError(f"batch_size {batch_size}, bptt {bptt}", remedy="both are 1 or more")
        if len(ids) == 0:
            raise DataError("no tokens to make batches of", remedy="give a split with text in it")
        if drop_remainder and len(ids) < batch_size:
            raise DataError(
                f"{len(ids)} tokens do not fill a batch of {batch_size} streams",
                remedy=f"use a batch size of {len(ids)} or less, or a longer text",
            )
        self.ids = ids if ids.flags.c_contiguous else np.ascontiguousarray(ids)  # rows are views of it
        self.batch_size, self.bptt, self.start_id = batch_size, bptt, start_id
        self.keep_tail, self.drop_remainder = keep_tail, drop_remainder
        N, B = len(ids), batch_size
        self.stream_length = N // B if drop_remainder else -(-N // B)
        if not keep_tail and self.stream_length < bptt:
            raise DataError(
                f"{N} tokens in {B} streams do not fill one window of {bptt}",
                remedy="use a smaller batch size or bptt, or keep the tail",
            )

    @property
    def predictions(self) -> int:
        """How many targets all windows hold together, padding not counted."""
        if not self.drop_remainder and self.keep_tail:
            return len(self.ids)
        kept = self.stream_length if self.keep_tail else len(self) * self.bptt
        if self.drop_remainder:
            return kept * self.batch_size
        full, rest = divmod(len(self.ids), self.stream_length)
        return full * kept + min(rest, kept)

    def __len__(self) -> int:
        n, T = self.stream_length, self.bptt
        return -(-n // T) if self.keep_tail else n // T

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return map(self.batch, range(len(self)))

    def _columns(self, out: np.ndarray, start: int, shift: int) -> None:
        """Fill ``out`` (B, T) with columns ``start - shift`` onwards of the rows, where the ids have them."""
        n, N = self.stream_length, len(self.ids)
        T = out.shape[1]
        full = min(self.batch_size, N // n)
        rows = self.ids[: full * n].reshape(full, n)
        first = max(start - shift, 0)
        skip = first - (start - shift)  # 1 where column -1 is asked for: the last token of the row before
        out[:full, skip:] = rows[:, first : first + T - skip]
        if skip:
            out[1 : full + 1, 0] = rows[: self.batch_size - 1, -1]
        if full < self.batch_size and full * n < N:
            part = self.ids[full * n + first : full * n + first + T - skip]
            part = part[: max(0, N - full * n - first)]
            out[full, skip : skip + len(part)] = part

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Window ``index``: inputs and targets, both (B, T) int32; T is shorter in a kept tail."""
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        start = index * self.bptt
        T = min(self.bptt, self.stream_length - start)
        inputs = np.full((self.batch_size, T), self.start_id, np.int32)
        targets = np.full((self.batch_size, T), IGNORE_INDEX, np.int32)
        self._columns(inputs, start, 1)
        self._columns(targets, start, 0)
        return inputs, targets


def textbook_batches(ids: np.ndarray, *, batch_size: int = 10, bptt: int = 35) -> BPTTBatches:
    """The windows of the textbook's perplexity: 10 streams of 35, the tail dropped.

    The first token is only an input there, and whatever does not fill the last windows is never predicted
    ("Deep Learning from Scratch 2", chapter 6); kept to compare with its numbers.
    """
    if len(ids) < 2:
        raise DataError(f"{len(ids)} token(s); the textbook's protocol needs two or more")
    return BPTTBatches(
        ids[1:], batch_size=batch_size, bptt=bptt, start_id=int(ids[0]), keep_tail=False, drop_remainder=True
    )
