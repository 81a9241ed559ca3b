"""Padding, the random generator of an epoch, and the order of examples by length, for all batches."""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import DataError, UsageError

_POOL = 100
"""Batches among which examples of similar length meet: padding is small, and the order still random."""
Batch = TypeVar("Batch")

PAD = 0
"""The id behind a row; lengths and IGNORE_INDEX distinguish it from the token of that id."""


def padded(
    flat: np.ndarray, offsets: np.ndarray, rows: np.ndarray, *, reverse: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of a flat array as one batch.

    Args:
        flat: The ids of all rows; row i is ``flat[offsets[i] : offsets[i + 1]]``.
        offsets: (N + 1,).
        rows: (B,) the rows of the batch.
        reverse: Turn each row around; its padding still comes behind.

    Returns:
        The rows (B, T) int32 with PAD behind each, and which places hold tokens (B, T).
    """
    starts, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
    columns = np.arange(lengths.max())
    held = columns < lengths[:, None]
    places = starts[:, None] + (lengths[:, None] - 1 - columns if reverse else columns)
    ids = np.full(held.shape, PAD, np.int32)
    ids[held] = flat[places[held]]
    return ids, held


def pad_batch(rows: Sequence[np.ndarray], *, reverse: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of ids as one batch: (B, T) int32 with PAD behind each row, and the lengths, (B,) int32.

    Raises:
        DataError: For no rows, or a row without ids.

    Example:
        >>> pad_batch([np.array([5, 6, 7]), np.array([8])])[0].tolist()
        [[5, 6, 7], [8, 0, 0]]
    """
    lengths = np.array([len(row) for row in rows], np.int64)
    if not len(rows) or not lengths.all():
        raise DataError("expected one row or more, each with ids, got no rows or an empty one")
    flat = np.concatenate(rows)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    ids, _ = padded(flat, offsets, np.arange(len(rows)), reverse=reverse)
    return ids, lengths.astype(np.int32)


def epoch_generator(seed: int, stream: str, epoch: int, batch: int = 0) -> Generator:
    """Return the generator whose next draws belong to a batch of an epoch, and to no other epoch.

    The draws depend only on seed, epoch and batch, not on earlier draws. There are 2**32 draws
    for an epoch, and one for a batch.

    Raises:
        UsageError: For an epoch or batch that is negative or not below 2**32.
    """
    if not (0 <= epoch < 1 << 32 and 0 <= batch < 1 << 32):
        raise UsageError(f"expected an epoch and a batch of 0 to 2**32 - 1, got {epoch} and {batch}")
    generator = Generator(seed, stream)
    generator.counter = (epoch << 32) + batch
    return generator


class BucketedBatches(Generic[Batch]):
    """Mini-batches of N examples, each once an epoch, the last batch shorter. Subclasses build the batches.

    A batch is a function of seed, epoch and index alone, so a resumed run reads what the first one would
    have read. Beside the examples, an epoch costs its order of 8 bytes each.

    Args:
        unit: The name of the examples, in the plural; also that of the random stream for the order.
        lengths: One or more (N,) arrays of the examples' lengths; the first counts most.
        batch_size: B.
        batch_tokens: The most tokens of a batch, padding included, by the longest of its lengths; a longer
            example is a batch by itself, and B is an upper limit. All examples are one pool then, so that
            every epoch has as many batches.
        bucket: Put examples of similar lengths into a batch, from pools of 100 shuffled batches, whose order
            is shuffled again. Without ``shuffle`` all examples are one pool.
        shuffle: False for evaluation.
        seed: Draws the order.

    Raises:
        UsageError: For a batch size below 1, or ``batch_tokens`` without ``bucket``.
        DataError: For no examples.
    """

    def __init__(
        self,
        unit: str,
        lengths: tuple[np.ndarray, ...],
        batch_size: int,
        *,
        batch_tokens: int | None = None,
        bucket: bool = True,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("batch_tokens", batch_tokens)):
            if value is not None and value < 1:
                raise UsageError(f"expected a {name} of 1 or more, got {value}")
        if batch_tokens is not None and not bucket:
            raise UsageError("batch_tokens has no effect here: it is for batches of similar lengths")
        if len(lengths[0]) == 0:
            raise DataError(f"no {unit} to make batches of", remedy=f"give a split with {unit} in it")
        self.unit, self.lengths, self.batch_size, self.seed = unit, lengths, batch_size, seed
        self.bucket, self.shuffle = bucket, shuffle
        self._epoch: int | None = None
        self._order = np.empty(0, np.int64)
        self._spans = np.empty((0, 2), np.int64)
        N = len(lengths[0])
        starts = np.arange(0, N, batch_size)
        if batch_tokens is not None:
            starts = _starts_by_tokens(lengths, batch_size, batch_tokens)
        self._in_order = np.stack([starts, np.append(starts[1:], N)], axis=1)
        self._pool = N if batch_tokens is not None or not shuffle else _POOL * batch_size

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return len(self._in_order)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Iterate over the batches of an epoch."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> Batch:
        """Return batch ``index`` of an epoch."""
        raise NotImplementedError

    def rows(self, epoch: int, index: int) -> np.ndarray:
        """Return which examples that batch holds, (B,) int64."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self._epoch is None or (self.shuffle and epoch != self._epoch):
            self._order, self._spans = self._arrange(epoch)
            self._epoch = epoch
        start, end = self._spans[index].tolist()
        return self._order[start:end]

    def _arrange(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of the examples, and where in it each batch begins and ends."""
        N = len(self.lengths[0])
        generator = epoch_generator(self.seed, self.unit, epoch)
        order = generator.permutation(N) if self.shuffle else np.arange(N)
        spans = self._in_order
        if self.bucket:
            for first in range(0, N, self._pool):
                pooled = order[first : first + self._pool]
                order[first : first + self._pool] = pooled[_by_length(self.lengths, pooled)]
            if self.shuffle:
                spans = spans[generator.permutation(len(spans))]
        return order, spans


def _by_length(lengths: tuple[np.ndarray, ...], rows: np.ndarray) -> np.ndarray:
    """Return the order of rows by their lengths, the first of which counts most; equal rows keep theirs."""
    return np.lexsort([of_rows[rows] for of_rows in reversed(lengths)])


def _starts_by_tokens(lengths: tuple[np.ndarray, ...], batch_size: int, tokens: int) -> np.ndarray:
    """Return where in the order by length each batch begins that has up to ``tokens`` with its padding."""
    rows = np.arange(len(lengths[0]))
    longest = np.max([of_rows[_by_length(lengths, rows)] for of_rows in lengths], axis=0).tolist()
    starts, first, most = [0], 0, 0
    for row, length in enumerate(longest):
        most = max(most, length)
        if row > first and ((row + 1 - first) * most > tokens or row - first == batch_size):
            starts.append(row)
            first, most = row, length
    return np.array(starts)
