"""Averaging the vectors that several processes train, each on its part of a text (Ji et al. 2016).

The mean of N models is that of training at 1/N of the learning rate, as long as a vector changes little
between two averagings: there the sum of the changes is what one process would do. A vector that is trained
so often that it comes to rest is at rest after the mean, and thrown beyond it by the sum. With a = α u / 20,
where u is how often a process trains the vector between two averagings, 1 - exp(-a) of its way is behind it;
one process, with N times as much text, would have gone 1 - exp(-N a). The sum of the changes is divided by::

    N (1 - exp(-a)) / (1 - exp(-N a))

which is 1 for rare words and N for frequent ones. (1 / 20 stands for the curvature of the loss: |h|² / 4
for scores near 0, and less for words that are told from others.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqkit.backend.device import Array, device_of, to_device, to_numpy
from seqkit.distributed.group import ProcessGroup

_AT_ONCE = 1 << 21
"""Numbers to add up at once: 8 MiB."""


class ModelAveraging:
    """Makes the vectors of all processes equal from time to time, to an average of their changes.

    Only rows that have changed in some process are sent.

    Args:
        arrays: The arrays in training, equal in all processes.
        updates: How often one process trains each row of each array, (V,), between two averagings.
        size: E; the columns of the arrays from there on are padding.
        group: The processes.
    """

    def __init__(
        self, arrays: Sequence[Array], updates: Sequence[np.ndarray], size: int, group: ProcessGroup
    ) -> None:
        self._arrays, self._updates, self._size, self._group = arrays, updates, size, group
        self._before = [to_numpy(array)[:, :size].copy() for array in arrays]
        self.times = self.rows_sent = self.rows = 0
        """Averagings so far, and all rows that were sent, and that were there, in them."""

    def average(self, alpha: float) -> None:
        """Give all processes the same vectors; ``alpha`` is the learning rate."""
        group = self._group
        self.times += 1
        for array, before, updates in zip(self._arrays, self._before, self._updates, strict=True):
            now = to_numpy(array)[:, : self._size]
            changed = (now != before).any(axis=1)
            rows = np.flatnonzero(group.sum(changed.astype(np.int32)))
            self.rows_sent, self.rows = self.rows_sent + len(rows), self.rows + len(now)
            at_once = max(1, _AT_ONCE // self._size)
            for begin in range(0, len(rows), at_once):
                block = rows[begin : begin + at_once]
                change = now[block] - before[block]
                group.start_sum(change).wait()
                change /= divisors(alpha * updates[block] / 20, group.size)[:, np.newaxis]
                before[block] += change
                where = device_of(array)
                array[to_device(block, where), : self._size] = to_device(before[block], where)


def divisors(a: np.ndarray, size: int) -> np.ndarray:
    """Return by what the sum of the changes is divided, float32, from 1 to the number of processes."""
    a = np.maximum(a, 1e-6)
    return (size * np.expm1(-a) / np.expm1(-size * a)).astype(np.float32)
