"""Windows of a text that are each read by themselves: what a model without a carried state learns from."""

from __future__ import annotations

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.data.epochs import epoch_generator
from seqkit.errors import DataError, UsageError


class TextWindows:
    """Batches of windows (inputs, targets), both (B, T) int32; each input is the token before its target.

    Of a text of N ids an epoch holds N // T - 1 whole windows (one at least), in another order and cut at
    other places in each, so that no token is always seen at the same position; the fewer than 2T ids left
    out at the ends are others each time. A batch is a function of seed, epoch and index alone; the last one
    of an epoch may hold fewer windows.

    Without ``shuffle``, for evaluation, windows lie end to end from the first id: each id is a target once,
    and the last window's missing targets are IGNORE_INDEX.

    ids: (N,) integers, in memory or memory-mapped. length: T; start_id: the input before the first id.
    Raises DataError for no ids, UsageError for sizes below 1.
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
            raise UsageError(f"batch_size {batch_size}, length {length}", remedy="both are 1 or more")
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
        """Batches in an epoch."""
        return -(-self.windows // self.batch_size)

    def _start_epoch(self, epoch: int) -> None:
        generator = epoch_generator(self.seed, "text windows", epoch)
        left_out = len(self.ids) - self.windows * self.length
        self._offset = int(generator.integers(0, left_out + 1, (1,))[0])
        self._order = generator.permutation(self.windows)
        self._epoch = epoch

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``index`` of an epoch: inputs and targets."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self.shuffle and epoch != self._epoch:
            self._start_epoch(epoch)
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        places = self._offset + rows[:, None] * self.length + np.arange(-1, self.length)
        tokens = np.asarray(self.ids[np.clip(places, 0, len(self.ids) - 1)], np.int32)
        inputs = np.where(places[:, :-1] < 0, np.int32(self.start_id), tokens[:, :-1])
        return inputs, np.where(places[:, 1:] < len(self.ids), tokens[:, 1:], np.int32(IGNORE_INDEX))
