"""Words and their neighbours, in shuffled mini-batches, for word vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator
from seqkit.data.alias_table import alias_table
from seqkit.errors import DataError, UsageError


class ContextWindows:
    """Mini-batches (contexts (B, 2·window), centres (B,)) of one sequence of ids, int32.

    Every id with ``window`` neighbours on both sides is a centre once an epoch, in an order of its own for
    each epoch. Lines have no meaning here: windows go across their ends and ids of ``<eos>`` are words, as
    in "Deep Learning from Scratch 2" (chapters 3 and 4). A batch is a function of seed, epoch and index
    alone, so a resumed run reads what the first one would have read. Neighbours are looked up when a batch
    is asked for; beside the ids, an epoch costs its order of 8 bytes a word.

    ids: (N,) integers, in memory or memory-mapped.
    shrink: draw each window's reach from 1 to ``window``, as the word2vec program does; neighbours beyond it
        are IGNORE_INDEX.
    shuffle: False keeps the order of the text.
    keep_tail: keep the last batch when it is shorter than B.

    Raises DataError when the text has no centre, or too few for a batch without the tail.
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
            raise UsageError(f"window {window}, batch_size {batch_size}", remedy="both are 1 or more")
        self.ids, self.window, self.batch_size = np.asarray(ids), window, batch_size
        self.shrink, self.shuffle, self.keep_tail, self.seed = shrink, shuffle, keep_tail, seed
        self.centres = len(ids) - 2 * window
        """Centres in an epoch."""
        if len(self) < 1:
            raise DataError(
                f"{len(ids)} tokens hold {max(0, self.centres)} full windows of {window} on each side",
                remedy="use a smaller window or batch size, or a longer text",
            )
        self._offsets = np.concatenate((np.arange(-window, 0), np.arange(1, window + 1)))
        self._epoch: int | None = None
        self._order = np.empty(0, np.int64)

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self.centres < 1:
            return 0
        return -(-self.centres // self.batch_size) if self.keep_tail else self.centres // self.batch_size

    def epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of an epoch in turn."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``index`` of an epoch: contexts, the left neighbours before the right ones, and centres."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        start = index * self.batch_size
        end = min(start + self.batch_size, self.centres)
        if self.shuffle:
            if epoch != self._epoch:
                self._order = _at(self.seed, "windows", epoch).permutation(self.centres)
                self._epoch = epoch
            places = self._order[start:end] + self.window
        else:
            places = np.arange(start, end) + self.window
        contexts = self.ids[places[:, None] + self._offsets].astype(np.int32, copy=False)
        if self.shrink:
            draws = _at(self.seed, "reaches", epoch, index)
            reach = draws.integers(1, self.window + 1, len(places))
            contexts[np.abs(self._offsets) > reach[:, None]] = IGNORE_INDEX
        return contexts, self.ids[places].astype(np.int32, copy=False)


class NegativeSampler:
    """Draws words by their frequency to a power (Mikolov, Sutskever et al. 2013, section 2.2).

    counts: (V,) how often each word occurs; words of count 0 are never drawn. Like a batch, a draw is a
    function of seed, epoch and index alone.
    """

    def __init__(self, counts: np.ndarray, *, exponent: float = 0.75, seed: int = 0) -> None:
        if counts.ndim != 1 or (counts < 0).any():
            raise UsageError(f"counts {counts.shape} must be (V,) and not negative")
        self.exponent, self.seed, self.vocab_size = exponent, seed, len(counts)
        weights = np.zeros(len(counts))
        np.power(counts, exponent, out=weights, where=counts > 0, dtype=np.float64)
        self._threshold, self._alias = alias_table(weights)

    def draw(self, shape: tuple[int, ...], *, epoch: int, index: int) -> np.ndarray:
        """Independent words of the given shape, int32."""
        words = _at(self.seed, "negatives", epoch, index).words(2 * int(np.prod(shape))).reshape(2, *shape)
        places = (words[0].astype(np.uint64) * np.uint64(self.vocab_size)) >> np.uint64(32)
        places = places.astype(np.int32)
        return np.where(words[1] < self._threshold[places], places, self._alias[places])


def _at(seed: int, stream: str, epoch: int, index: int = 0) -> Generator:
    """The generator whose first draw belongs to a batch, and to no other batch."""
    if not (0 <= epoch < 1 << 32 and 0 <= index < 1 << 32):
        raise UsageError(f"epoch {epoch} and batch {index} must be at least 0 and below 2**32")
    generator = Generator(seed, stream)
    generator.counter = (epoch << 32) + index
    return generator
