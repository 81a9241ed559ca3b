"""Which words are read and which are drawn: subsampling and the distribution of negatives."""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.word2vec.reference import Sampling
from seqkit.data.alias_table import alias_table
from seqkit.errors import UsageError

_TOP = 2**32 - 1


def keep_probabilities(counts: np.ndarray, sample: float) -> np.ndarray:
    """(V,) float64 chance of each word to be read: (√(f/t) + 1)·t/f, at most 1; f frequency, t sample.

    That is the word2vec program's form of equation 5 in Mikolov et al. 2013; sample 0 keeps every word.
    """
    if sample < 0:
        raise UsageError(f"sample must be at least 0, got {sample}")
    if sample == 0:
        return np.ones(len(counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sample * counts.sum() / counts
        return np.where(counts > 0, np.minimum(1.0, np.sqrt(ratio) + ratio), 1.0)


def make_sampling(counts: np.ndarray, *, sample: float, ns_exponent: float) -> Sampling:
    """The tables of a vocabulary with (V,) counts; words of count 0 (the end of a line) are never drawn."""
    with np.errstate(divide="ignore"):
        weights = np.where(counts > 0, counts.astype(np.float64) ** ns_exponent, 0.0)
    keep = np.floor(keep_probabilities(counts.astype(np.float64), sample) * _TOP)
    return Sampling(keep.astype(np.uint32), *alias_table(weights))
