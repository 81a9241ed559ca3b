"""Windows of one token sequence for language models: contiguous streams (BPTT), or separate windows."""

from collections.abc import Iterator

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.data.batches import epoch_generator
from seqkit.errors import DataError, UsageError


class BPTTBatches:
    """Consecutive windows (inputs, targets) of B streams, for truncated backpropagation through time.

    The sequence of N ids is laid out as B rows of n = N // B; window i holds columns i*T to i*T+T of every
    row. Each input is the token before its target: the first one is ``start_id``, that of every other row the
    last token of the row before. So every id that is kept is a target exactly once.

    Args:
        ids: (N,) integers, in memory or memory-mapped; only the requested window is read.
        batch_size: B.
        bptt: T, the tokens in a window.
        start_id: The input before the first token (the id of ``<eos>``).
        keep_tail: Keep the last window if it is shorter than T.
        drop_remainder: Drop the last N mod B ids. If False, for evaluation, n is rounded up and the targets
            of the missing positions are IGNORE_INDEX: nothing is dropped, nothing is counted twice.

    Raises:
        ShapeError: For ids of another shape or dtype.
        UsageError: For sizes below 1.
        DataError: For no ids, fewer than B with ``drop_remainder``, or no full window without the tail.

    Example:
        >>> inputs, targets = next(iter(BPTTBatches(np.arange(4), batch_size=2, bptt=2, start_id=9)))
        >>> inputs.tolist(), targets.tolist()
        ([[9, 0], [1, 2]], [[0, 1], [2, 3]])
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
            raise UsageError(f"expected batch_size and bptt of 1 or more, got {batch_size} and {bptt}")
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
        """The number of targets in all windows, without padding."""
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
        """Fill ``out`` (B, T) with columns ``start - shift`` onwards of the rows, as far as there are ids."""
        n, N = self.stream_length, len(self.ids)
        T = out.shape[1]
        full = min(self.batch_size, N // n)
        rows = self.ids[: full * n].reshape(full, n)
        first = max(start - shift, 0)
        skip = first - (start - shift)  # 1 for column -1: the last token of the row before
        out[:full, skip:] = rows[:, first : first + T - skip]
        if skip:
            out[1 : full + 1, 0] = rows[: self.batch_size - 1, -1]
        if full < self.batch_size and full * n < N:
            rest = self.ids[full * n + first : full * n + first + T - skip]
            rest = rest[: max(0, N - full * n - first)]
            out[full, skip : skip + len(rest)] = rest

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of window ``index``, both (B, T) int32; T is shorter in a kept tail."""
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        start = index * self.bptt
        return self._window(start, min(self.bptt, self.stream_length - start))

    def _window(self, start: int, T: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of T columns from ``start``."""
        inputs = np.full((self.batch_size, T), self.start_id, np.int32)
        targets = np.full((self.batch_size, T), IGNORE_INDEX, np.int32)
        self._columns(inputs, start, 1)
        self._columns(targets, start, 0)
        return inputs, targets


class VariableBPTTBatches(BPTTBatches):
    """Windows as of :class:`BPTTBatches`, of other lengths in each epoch (Merity et al. 2018, section 4.1).

    A length is drawn around T, or with a probability of 1/20 around T/2, from a normal distribution with a
    standard deviation of 5, and is 5 at least. So the same tokens are not always the first or the last of a
    window, whose gradients see less of the text. All windows of an epoch are then stretched by the same
    factor near 1, with which as many as in every other epoch reach to the end of the text. A window is a
    function of seed, epoch and index.

    Args:
        ids: As the arguments after it, see :class:`BPTTBatches`.
        batch_size: B.
        bptt: T.
        start_id: See there.
        seed: Draws the lengths.
    """

    def __init__(self, ids: np.ndarray, *, batch_size: int, bptt: int, start_id: int, seed: int = 0) -> None:
        super().__init__(ids, batch_size=batch_size, bptt=bptt, start_id=start_id)
        self.seed = seed
        self._epoch, self._cuts = -1, np.empty(0, np.int64)

    def __len__(self) -> int:
        mean = self.bptt * (1 - _HALF / 2)
        return min(self.stream_length, max(1, round(self.stream_length / mean)))

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of window ``index`` of the first epoch, both (B, T') int32."""
        return self.batch_of(0, index)

    def batch_of(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of window ``index`` of an epoch, both (B, T') int32."""
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        start, end = self.cuts(epoch)[index : index + 2].tolist()
        return self._window(start, end - start)

    def cuts(self, epoch: int) -> np.ndarray:
        """Return the first columns of an epoch's windows and the end of the last, (windows + 1,)."""
        if epoch != self._epoch:
            count, draws = len(self), epoch_generator(self.seed, "window lengths", epoch)
            middle = np.where(draws.uniform(count) < _HALF, self.bptt / 2, self.bptt)
            lengths = np.maximum(_SHORTEST, middle + _DEVIATION * draws.normal(count, dtype=np.float64))
            ends = np.cumsum(lengths) * (self.stream_length / lengths.sum())
            # Whole columns, one for each window at least
            ends = np.maximum(np.rint(ends).astype(np.int64), np.arange(1, count + 1))
            ends = np.minimum(ends, self.stream_length - np.arange(count)[::-1])
            self._epoch, self._cuts = epoch, np.concatenate(([0], ends))
        return self._cuts


_HALF, _DEVIATION, _SHORTEST = 0.05, 5.0, 5.0


class LineStreams:
    """Windows (inputs, targets) of up to B streams that begin where lines do, for evaluation.

    The N ids are cut into B streams of about N / B tokens at ends of lines, and the first input of each is
    ``end_id``: a model reads every stream from a state that it knows. Cut in the middle of lines, some models
    are lost for thousands of tokens. Where no line ends near a cut, the cut stays where it is. Every id is a
    target exactly once; the ends of shorter streams are padded with IGNORE_INDEX. One stream is the exact
    protocol.

    Args:
        ids: (N,) integers, N at least 1.
        batch_size: B, the most streams; fewer where the text has fewer tokens or lines.
        length: T, the tokens in a window.
        end_id: The id of the end-of-line token.

    Raises:
        DataError: For no ids.

    Example:
        >>> streams = LineStreams(np.array([5, 0, 6, 7, 0]), batch_size=2, length=9, end_id=0)
        >>> [window.tolist() for window in next(iter(streams))]
        [[[0, 5, 0], [0, 6, 7]], [[5, 0, -1], [6, 7, 0]]]
    """

    def __init__(self, ids: np.ndarray, *, batch_size: int, length: int, end_id: int) -> None:
        self.ids, self.length, self.end_id = checked_ids("ids", ids), length, end_id
        N = len(ids)
        if N == 0:
            raise DataError("no tokens to make batches of", remedy="give a split with text in it")
        B = min(batch_size, N)
        line_starts = np.flatnonzero(np.asarray(ids) == end_id) + 1 if B > 1 else np.empty(0, np.int64)
        cuts = {0}
        for position in (N * stream // B for stream in range(1, B)):
            later = line_starts[np.searchsorted(line_starts, position) :]
            near = len(later) and later[0] < min(N, position + N / B)
            cuts.add(int(later[0]) if near else position)
        self.starts = sorted(cuts)
        self.ends = [*self.starts[1:], N]
        self.batch_size = len(self.starts)

    def __len__(self) -> int:
        longest = max(end - start for start, end in zip(self.starts, self.ends, strict=True))
        return -(-longest // self.length)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return map(self.batch, range(len(self)))

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of window ``index``, both (B, T) int32; T is shorter in the last one."""
        first = index * self.length
        longest = max(end - start for start, end in zip(self.starts, self.ends, strict=True))
        T = min(self.length, longest - first)
        inputs = np.full((self.batch_size, T), self.end_id, np.int32)
        targets = np.full((self.batch_size, T), IGNORE_INDEX, np.int32)
        for row, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            window = np.asarray(self.ids[min(start + first, end) : min(start + first + T, end)])
            targets[row, : len(window)] = window
            inputs[row, 1 : len(window)] = window[:-1]
            if first and len(window):
                inputs[row, 0] = self.ids[start + first - 1]
        return inputs, targets


def textbook_batches(ids: np.ndarray, *, batch_size: int = 10, bptt: int = 35) -> BPTTBatches:
    """Return the windows of the textbook's perplexity: 10 streams of 35, the tail dropped.

    The first token is only an input there, and tokens that do not fill the last windows are never predicted
    ("Deep Learning from Scratch 2", chapter 6); kept to compare with its numbers.
    """
    if len(ids) < 2:
        raise DataError(f"expected two or more tokens for the textbook's protocol, got {len(ids)}")
    return BPTTBatches(
        ids[1:], batch_size=batch_size, bptt=bptt, start_id=int(ids[0]), keep_tail=False, drop_remainder=True
    )


class TextWindows:
    """Batches of windows (inputs, targets), both (B, T) int32, for models without a state between windows.

    Each input is the token before its target. Of a text of N ids an epoch holds N // T - 1 whole windows (one
    at least), in another order and cut at other places in each epoch, so that no token is always seen at the
    same position; the fewer than 2T ids left out at the ends are others each time. A batch is a function of
    seed, epoch and index alone; the last one of an epoch may hold fewer windows.

    Without ``shuffle``, for evaluation, windows lie end to end from the first id: each id is a target once,
    and the last window's missing targets are IGNORE_INDEX.

    Args:
        ids: (N,) integers, in memory or memory-mapped.
        batch_size: B.
        length: T.
        start_id: The input before the first id.
        shuffle: False for evaluation.
        seed: Draws order and offset.

    Raises:
        DataError: For no ids.
        UsageError: For sizes below 1.
    """

    def __init__(
        self,
        ids: np.ndarray,
        *,
        batch_size: int,
        length: int,
        start_id: int,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if batch_size < 1 or length < 1:
            raise UsageError(f"expected batch_size and length of 1 or more, got {batch_size} and {length}")
        if len(ids) == 0:
            raise DataError("no tokens to make batches of", remedy="give a split with text in it")
        self.ids, self.batch_size, self.start_id = ids, batch_size, start_id
        self.length = min(length, len(ids))
        self.shuffle, self.seed = shuffle, seed
        N, T = len(ids), self.length
        self.windows = max(1, N // T - 1) if shuffle else -(-N // T)
        self._epoch: int | None = None
        self._order, self._offset = np.arange(self.windows), 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.windows // self.batch_size)

    def _start_epoch(self, epoch: int) -> None:
        generator = epoch_generator(self.seed, "text windows", epoch)
        left_out = len(self.ids) - self.windows * self.length
        self._offset = int(generator.integers(0, left_out + 1, (1,))[0])
        self._order = generator.permutation(self.windows)
        self._epoch = epoch

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of batch ``index`` of an epoch."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self.shuffle and epoch != self._epoch:
            self._start_epoch(epoch)
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        places = self._offset + rows[:, None] * self.length + np.arange(-1, self.length)
        tokens = np.asarray(self.ids[np.clip(places, 0, len(self.ids) - 1)], np.int32)
        inputs = np.where(places[:, :-1] < 0, np.int32(self.start_id), tokens[:, :-1])
        return inputs, np.where(places[:, 1:] < len(self.ids), tokens[:, 1:], np.int32(IGNORE_INDEX))
