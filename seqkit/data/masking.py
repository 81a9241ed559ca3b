"""Masked language modelling: windows of a text in which some tokens are hidden, and are to be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.random import Generator
from seqkit.data.epochs import epoch_generator
from seqkit.data.padding import PAD
from seqkit.errors import DataError, UsageError
from seqkit.text import Vocabulary
from seqkit.text.special_tokens import CLS, MASK

RATE = 0.15
"""Share of the tokens that are to be found (Devlin et al. 2019, section 3.1)."""
_HIDDEN, _RANDOM = 0.8, 0.1
"""Of these: become <mask>, become a random token; the others stay (ibid.)."""


def with_specials(vocabulary: Vocabulary) -> Vocabulary:
    """A text's vocabulary with ``<cls>`` and ``<mask>`` behind: ids stay. UsageError where it has them."""
    counts = None if vocabulary.counts is None else [*vocabulary.counts.tolist(), 0, 0]
    return Vocabulary((*vocabulary.tokens, CLS, MASK), unk=vocabulary.unk, eos=vocabulary.eos, counts=counts)


@dataclass(frozen=True)
class Masking:
    """How tokens are hidden. vocab_size: ids below it are tokens of the text; ``kept`` ones never hide.

    mask_id: the id of ``<mask>``. rate: the share that is to be found.
    """

    vocab_size: int
    mask_id: int
    kept: tuple[int, ...] = ()
    rate: float = RATE

    DRAWS: ClassVar[int] = 3
    """How many draws :meth:`apply` takes of its generator."""

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise UsageError(f"a mask rate must be between 0 and 1, got {self.rate}")

    def apply(self, ids: np.ndarray, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
        """ids (B, T), negative where padded, to what is shown and what is to be found, both (B, T) int32.

        Each token is chosen with probability ``rate``, independently; of the chosen ones 80 % show as
        ``<mask>``, 10 % as a token drawn from all, 10 % as they are. What was not chosen is IGNORE_INDEX.
        """
        can = (ids >= 0) & (ids < self.vocab_size) & ~np.isin(ids, self.kept)
        chosen = can & (generator.uniform(ids.shape) < self.rate)
        how = generator.uniform(ids.shape)
        drawn = generator.integers(0, self.vocab_size, ids.shape)
        shown = np.where(chosen & (how < _HIDDEN), self.mask_id, ids)
        shown = np.where(chosen & (how >= _HIDDEN) & (how < _HIDDEN + _RANDOM), drawn, shown)
        return shown.astype(np.int32), np.where(chosen, ids, IGNORE_INDEX).astype(np.int32)


@dataclass(frozen=True)
class MaskedBatch:
    """B windows: ids (B, T) as shown, ``<cls>`` first; targets (B, T), IGNORE_INDEX elsewhere.

    lengths: (B,), T but for the text's last window; what stands behind them is PAD.
    """

    ids: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray


class MaskedBatches:
    """Windows of a text of N ids, each ``<cls>`` and T - 1 tokens in a row; every token is in one of them.

    A batch is a function of seed, epoch and index alone. Each epoch hides other tokens (Liu et al. 2019,
    section 4.1) and reads the windows in another order. Without ``shuffle`` they stand as in the text, and
    the same tokens are hidden every time: for evaluation, where ``seed`` and ``batch_size`` name them.

    ids: (N,) integers, in memory or memory-mapped. length: T. Raises DataError for no ids.
    """

    def __init__(
        self,
        ids: np.ndarray,
        masking: Masking,
        *,
        cls_id: int,
        batch_size: int,
        length: int,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if batch_size < 1 or length < 2:
            raise UsageError(
                f"batch_size {batch_size}, length {length}", remedy="give 1 or more, and 2 or more"
            )
        if len(ids) == 0:
            raise DataError("no tokens to make batches of", remedy="give a split with text in it")
        self.ids, self.masking, self.cls_id = ids, masking, cls_id
        self.batch_size, self.length, self.shuffle, self.seed = batch_size, length, shuffle, seed
        self.windows = -(-len(ids) // (length - 1))
        self._epoch: int | None = None
        self._order = np.arange(self.windows)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.windows // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[MaskedBatch]:
        """The batches of an epoch in turn."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> MaskedBatch:
        """Batch ``index`` of an epoch."""
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        epoch = epoch if self.shuffle else 0
        if self.shuffle and epoch != self._epoch:
            self._order = epoch_generator(self.seed, "windows", epoch).permutation(self.windows)
            self._epoch = epoch
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        step = self.length - 1
        places = rows[:, None] * step + np.arange(step)
        real = places < len(self.ids)
        ids = np.full((len(rows), self.length), -1, np.int64)
        ids[:, 0] = self.cls_id
        ids[:, 1:][real] = self.ids[places[real]]
        generator = epoch_generator(self.seed, "masks", epoch)
        generator.counter += Masking.DRAWS * index
        shown, targets = self.masking.apply(ids, generator)
        return MaskedBatch(np.where(ids < 0, PAD, shown), targets, (1 + real.sum(axis=1)).astype(np.int32))
