"""The unigram baseline."""

from __future__ import annotations

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.errors import UsageError
from seqkit.models.ngrams.config import LARGEST_SIZE


class Unigram:
    """p(w) = (c(w) + 1/V) / (N + 1): relative frequencies, with one count spread over the vocabulary.

    That is the maximum-likelihood estimate c(w)/N interpolated with the uniform 1/V at weight 1/(N+1), just
    enough for a word never seen in training to have a finite log-probability.
    """

    def __init__(self, counts: np.ndarray) -> None:
        self.counts = counts
        self._log_p = np.log((counts + 1 / len(counts)) / (counts.sum() + 1))

    @classmethod
    def fit(cls, ids: np.ndarray, vocab_size: int) -> Unigram:
        """Count a stream of ids (N,). Raises ShapeError or UsageError for ids that are none, or no ids."""
        if not 1 <= vocab_size <= LARGEST_SIZE:
            raise UsageError(f"Unigram: expected vocab_size between 1 and {LARGEST_SIZE}, got {vocab_size}")
        if np.size(ids) == 0:
            raise UsageError("Unigram: no tokens to count")
        return cls(np.bincount(checked_ids("ids", ids, (None,), vocab_size), minlength=vocab_size))

    def log_probs(self, ids: np.ndarray) -> np.ndarray:
        """Natural-log probability of each id (N,) of a stream: (N,) float64."""
        return self._log_p[checked_ids("ids", ids, (None,), len(self.counts))]
