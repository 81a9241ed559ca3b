"""Context windows for word vectors: words and their neighbours, in shuffled mini-batches."""

from collections.abc import Iterator

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.data.batches import epoch_generator
from seqkit.errors import DataError, UsageError


class ContextWindows:
    """Mini-batches (contexts (B, 2·window), centres (B,)) of one sequence of ids, int32.

    Every id with ``window`` neighbours on both sides is a centre once an epoch, in another order in each
    epoch. Lines have no meaning here: windows go across their ends and ids of ``<eos>`` are words, as
    in "Deep Learning from Scratch 2" (chapters 3 and 4). A batch is a function of seed, epoch and index
    alone, so a resumed run reads what the first one would have read. Neighbours are looked up batch by
    batch; beside the ids, an epoch costs its order of 8 bytes a word.

    Args:
        ids: (N,) integers, in memory or memory-mapped.
        window: The neighbours on each side.
        batch_size: B.
        shrink: Draw each window's size from 1 to ``window``, as the word2vec program does; neighbours outside
            are IGNORE_INDEX.
        shuffle: False keeps the order of the text.
        keep_tail: Keep the last batch if it is shorter than B.
        seed: Draws order and sizes.

    Raises:
        ShapeError: For ids of another shape or dtype.
        UsageError: For sizes below 1.
        DataError: If the text has no centre, or too few for a batch without the tail.
    """

    def __init__(
        self,
        ids: np.ndarray,
        *,
        window: int,
        batch_size: int,
        shrink: bool = False,
        shuffle: bool = True,
        keep_tail: bool = True,
        seed: int = 0,
    ) -> None:
        ids = checked_ids("ids", ids)
        if window < 1 or batch_size < 1:
            raise UsageError(f"expected window and batch_size of 1 or more, got {window} and {batch_size}")
        self.ids, self.window, self.batch_size = np.asarray(ids), window, batch_size
        self.shrink, self.shuffle, self.keep_tail, self.seed = shrink, shuffle, keep_tail, seed
        self.centres = len(ids) - 2 * window
        """The number of centres in an epoch."""
        if len(self) < 1:
            raise DataError(
                f"{len(ids)} tokens hold {max(0, self.centres)} full windows of {window} on each side",
                remedy="use a smaller window or batch size, or a longer text",
            )
        self._offsets = np.concatenate((np.arange(-window, 0), np.arange(1, window + 1)))
        self._epoch: int | None = None
        self._order = np.empty(0, np.int64)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        if self.centres < 1:
            return 0
        return -(-self.centres // self.batch_size) if self.keep_tail else self.centres // self.batch_size

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Iterate over the batches of an epoch."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return contexts, left neighbours first, and centres of batch ``index`` of an epoch."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        start = index * self.batch_size
        end = min(start + self.batch_size, self.centres)
        if self.shuffle:
            if epoch != self._epoch:
                self._order = epoch_generator(self.seed, "windows", epoch).permutation(self.centres)
                self._epoch = epoch
            places = self._order[start:end] + self.window
        else:
            places = np.arange(start, end) + self.window
        contexts = self.ids[places[:, None] + self._offsets].astype(np.int32, copy=False)
        if self.shrink:
            draws = epoch_generator(self.seed, "reaches", epoch, index)
            reach = draws.integers(1, self.window + 1, len(places))
            contexts[np.abs(self._offsets) > reach[:, None]] = IGNORE_INDEX
        return contexts, self.ids[places].astype(np.int32, copy=False)
