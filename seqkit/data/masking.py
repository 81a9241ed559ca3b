"""Masked language modelling: windows of a text in which some tokens are masked, to be predicted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.random import Generator
from seqkit.data.batches import PAD, epoch_generator
from seqkit.errors import DataError, UsageError
from seqkit.text import Vocabulary
from seqkit.text.special_tokens import CLS, MASK

RATE = 0.15
"""The fraction of the tokens that is predicted (Devlin et al. 2019, section 3.1)."""
_MASKED, _RANDOM = 0.8, 0.1
"""The fractions of these that become <mask> and a random token; the others stay (ibid.)."""


def with_mask_tokens(vocabulary: Vocabulary) -> Vocabulary:
    """Return a text's vocabulary with ``<cls>`` and ``<mask>`` behind its tokens, whose ids stay.

    Raises:
        UsageError: If it has them already.
    """
    counts = None if vocabulary.counts is None else [*vocabulary.counts.tolist(), 0, 0]
    return Vocabulary((*vocabulary.tokens, CLS, MASK), unk=vocabulary.unk, eos=vocabulary.eos, counts=counts)


def without_mask_tokens(vocabulary: Vocabulary) -> Vocabulary:
    """Return the vocabulary that :func:`with_mask_tokens` was given."""
    counts = None if vocabulary.counts is None else vocabulary.counts[:-2]
    return Vocabulary(vocabulary.tokens[:-2], unk=vocabulary.unk, eos=vocabulary.eos, counts=counts)


@dataclass(frozen=True)
class Masking:
    """How tokens are masked.

    Args:
        vocab_size: Ids below it are tokens of the text.
        mask_id: The id of ``<mask>``.
        kept: Ids that are never masked.
        rate: The fraction of the tokens that is predicted.
    """

    vocab_size: int
    mask_id: int
    kept: tuple[int, ...] = ()
    rate: float = RATE

    DRAWS: ClassVar[int] = 3
    """The number of draws that :meth:`apply` takes of its generator."""

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise UsageError(f"expected a mask rate between 0 and 1, got {self.rate}")

    def apply(self, ids: np.ndarray, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
        """Mask tokens at random.

        Each token is chosen with probability ``rate``, independently; of the chosen ones 80 % become
        ``<mask>``, 10 % a token drawn from all, 10 % stay as they are.

        Args:
            ids: (B, T), negative where padded.
            generator: Draws.

        Returns:
            The masked ids and the targets, both (B, T) int32; targets that were not chosen are IGNORE_INDEX.
        """
        maskable = (ids >= 0) & (ids < self.vocab_size) & ~np.isin(ids, self.kept)
        chosen = maskable & (generator.uniform(ids.shape) < self.rate)
        u = generator.uniform(ids.shape)
        drawn = generator.integers(0, self.vocab_size, ids.shape)
        masked = np.where(chosen & (u < _MASKED), self.mask_id, ids)
        masked = np.where(chosen & (u >= _MASKED) & (u < _MASKED + _RANDOM), drawn, masked)
        return masked.astype(np.int32), np.where(chosen, ids, IGNORE_INDEX).astype(np.int32)


@dataclass(frozen=True)
class MaskedBatch:
    """B windows.

    ids: (B, T) masked, ``<cls>`` first. targets: (B, T), IGNORE_INDEX at tokens that are not predicted.
    lengths: (B,), T but for the text's last window; what stands behind them is PAD.
    """

    ids: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray


class MaskedBatches:
    """Windows of a text of N ids, each ``<cls>`` and T - 1 tokens in a row; every token is in one of them.

    A batch is a function of seed, epoch and index alone. Each epoch masks other tokens (Liu et al. 2019,
    section 4.1) and reads the windows in another order. Without ``shuffle``, for evaluation, they stand as in
    the text, and the same tokens are masked every time, given ``seed`` and ``batch_size``.

    Args:
        ids: (N,) integers, in memory or memory-mapped.
        masking: How tokens are masked.
        cls_id: The id of ``<cls>``.
        batch_size: B.
        length: T.
        shuffle: False for evaluation.
        seed: Draws order and masks.

    Raises:
        DataError: For no ids.
        UsageError: For a batch size below 1 or a length below 2.
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
                f"expected a batch_size of 1 and a length of 2 or more, got {batch_size} and {length}"
            )
        if len(ids) == 0:
            raise DataError("no tokens to make batches of", remedy="give a split with text in it")
        self.ids, self.masking, self.cls_id = ids, masking, cls_id
        self.batch_size, self.length, self.shuffle, self.seed = batch_size, length, shuffle, seed
        self.windows = -(-len(ids) // (length - 1))
        self._epoch: int | None = None
        self._order = np.arange(self.windows)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.windows // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[MaskedBatch]:
        """Iterate over the batches of an epoch."""
        return (self.batch(epoch, index) for index in range(len(self)))

    def batch(self, epoch: int, index: int) -> MaskedBatch:
        """Return batch ``index`` of an epoch."""
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
        masked, targets = self.masking.apply(ids, generator)
        return MaskedBatch(np.where(ids < 0, PAD, masked), targets, (1 + real.sum(axis=1)).astype(np.int32))
