"""Averaging the vectors that several processes train, each on its part of a text (Ji et al. 2016).

The mean of N models is that of training at 1/N of the learning rate, as long as a vector changes little
between two averagings: there the sum of the changes is what one process would do. A vector that is trained
so often that it comes to rest is at rest after the mean, and thrown beyond it by the sum. With a = α u / 250,
where u is how often a process trains the vector between two averagings, 1 - exp(-a) of its way is behind it;
one process, with N times as much text, would have gone 1 - exp(-N a). The sum of the changes is divided by::

    N (1 - exp(-a)) / (1 - exp(-N a))

which is 1 for rare words and N for frequent ones. 1 / 250 stands for the curvature of the loss, and was
chosen on english-novels with two processes and ``--sync-words 500000``, rarer rows in up to every eighth
round: analogies came out right in 26.2 % with 1 / 20, 26.7 % with 1 / 60, 27.1 % with 1 / 250 and 26.6 % with
1 / 1000, against 27.6 % of one process (5 epochs, seed 0).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqkit.backend.device import Array, device_of, to_device, to_numpy
from seqkit.distributed.group import ProcessGroup

_CURVATURE = 1 / 250
PERIODS = (1, 2, 4, 8, 16)
"""A row is averaged in each of these rounds; after the last number of rounds, all rows are."""

_AT_ONCE = 1 << 21
"""Numbers to add up at once: 8 MiB."""


class ModelAveraging:
    """Makes the vectors of all processes equal from time to time, to an average of their changes.

    Rows that are trained often are averaged in every round, rarer ones in every second, fourth, up to the
    sixteenth, as long as the sum of their changes is still what one process would do: most words are rare,
    and most of the bytes would be theirs. Then all are averaged, and only the changed ones sent.

    Args:
        arrays: The arrays in training, equal in all processes.
        updates: How often one process trains each row of each array, (V,), in a round.
        alpha: The learning rate at the start of the training.
        size: E; the columns of the arrays from there on are padding.
        group: The processes.
    """

    def __init__(
        self,
        arrays: Sequence[Array],
        updates: Sequence[np.ndarray],
        alpha: float,
        size: int,
        group: ProcessGroup,
    ) -> None:
        self._arrays, self._updates, self._size, self._group = arrays, updates, size, group
        self._before = [to_numpy(array)[:, :size].copy() for array in arrays]
        self._periods = [periods(alpha * each * _CURVATURE, group.size) for each in updates]
        self._round = 0
        self.times = self.rows_sent = self.rows = 0
        """Rounds so far, and all rows that were sent, and that were there, in them."""

    @property
    def all_are_equal(self) -> bool:
        """Whether all rows are the same in all processes after the last round."""
        return self._round == 0

    def average(self, alpha: float, *, last: bool = False) -> None:
        """Average the rows whose turn it is.

        Args:
            alpha: The learning rate.
            last: Whether all rows are averaged, whatever their turn.
        """
        self._round, self.times = self._round + 1, self.times + 1
        whole = last or self._round == PERIODS[-1]
        for array, before, updates, period in zip(
            self._arrays, self._before, self._updates, self._periods, strict=True
        ):
            due = np.flatnonzero((self._round % period == 0) | whole)
            rounds = (self._round - 1) % period[due] + 1
            self.rows += len(period)
            now = to_numpy(array)[:, : self._size]
            at_once = max(1, _AT_ONCE // self._size)
            for begin in range(0, len(due), at_once):
                block = slice(begin, begin + at_once)
                a = alpha * updates[due[block]] * rounds[block] * _CURVATURE
                self._average(array, now, before, due[block], a, whole)
        if whole:
            self._round = 0

    def _average(
        self, array: Array, now: np.ndarray, before: np.ndarray, rows: np.ndarray, a: np.ndarray, whole: bool
    ) -> None:
        group, where = self._group, device_of(array)
        change = now[rows]
        change -= before[rows]
        if whole:
            changed = group.sum(change.any(axis=1).astype(np.int32)) > 0
            rows, a, change = rows[changed], a[changed], change[changed]
        self.rows_sent += len(rows)
        group.start_sum(change).wait()
        change /= divisors(a, group.size)[:, np.newaxis]
        change += before[rows]
        before[rows] = change
        array[to_device(rows, where), : self._size] = to_device(change, where)


def periods(a: np.ndarray, size: int) -> np.ndarray:
    """Return in every how many rounds each row is averaged, one of ``PERIODS`` for each of (V,) ``a``.

    Between two averagings all processes together take its vector a tenth of its way, at most.
    """
    longest = 0.1 / np.maximum(size * a, 1e-9)
    return np.asarray(PERIODS)[np.searchsorted(PERIODS[1:], longest, side="right")]


def divisors(a: np.ndarray, size: int) -> np.ndarray:
    """Return by what the sum of the changes is divided, float32, from 1 to the number of processes."""
    a = np.maximum(a, 1e-6)
    return (size * np.expm1(-a) / np.expm1(-size * a)).astype(np.float32)
