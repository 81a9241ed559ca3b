"""Context windows for word vectors, in shuffled mini-batches, and their negative samples."""

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


_TOP = 2**32 - 1


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the table that draws from V words in constant time by Walker's alias method (Vose 1991).

    Draw a word uniformly; keep it if 32 random bits are below its threshold, else take its alias.

    Args:
        weights: (V,) the words' weights, not negative.

    Returns:
        threshold (V,) uint32 and alias (V,) int32.

    Raises:
        UsageError: If no weight is positive.
    """
    V, total = len(weights), float(weights.sum())
    if not total > 0:
        raise UsageError("expected a word with a positive weight, got none")
    scaled = weights * (V / total)
    threshold, alias = np.full(V, _TOP, np.uint32), np.arange(V, dtype=np.int32)
    small, large = list(np.flatnonzero(scaled < 1)), list(np.flatnonzero(scaled >= 1))
    while small and large:
        low, high = small.pop(), large.pop()
        threshold[low], alias[low] = int(scaled[low] * _TOP), high
        scaled[high] -= 1 - scaled[low]
        (small if scaled[high] < 1 else large).append(high)
    for place in small:  # only rounding leaves any; a word without weight must not be drawn
        if weights[place] == 0:
            threshold[place], alias[place] = 0, int(np.argmax(weights))
    return threshold, alias


class NegativeSampler:
    """Draws words by their frequency to a power (Mikolov, Sutskever et al. 2013, section 2.2).

    Like a batch, a draw is a function of seed, epoch and index alone.

    Args:
        counts: (V,) the occurrences of each word; words of count 0 are never drawn.
        exponent: The power.
        seed: Draws the words.
    """

    def __init__(self, counts: np.ndarray, *, exponent: float = 0.75, seed: int = 0) -> None:
        if counts.ndim != 1 or (counts < 0).any():
            raise UsageError(f"expected counts (V,) that are not negative, got shape {counts.shape}")
        self.exponent, self.seed, self.vocab_size = exponent, seed, len(counts)
        weights = np.zeros(len(counts))
        np.power(counts, exponent, out=weights, where=counts > 0, dtype=np.float64)
        self._threshold, self._alias = alias_table(weights)

    def draw(self, shape: tuple[int, ...], *, epoch: int, index: int) -> np.ndarray:
        """Draw independent words of the given shape, int32."""
        words = (
            epoch_generator(self.seed, "negatives", epoch, index)
            .words(2 * int(np.prod(shape)))
            .reshape(2, *shape)
        )
        places = (words[0].astype(np.uint64) * np.uint64(self.vocab_size)) >> np.uint64(32)
        places = places.astype(np.int32)
        return np.where(words[1] < self._threshold[places], places, self._alias[places])
