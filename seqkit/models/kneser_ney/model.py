"""Interpolated modified Kneser-Ney (Chen & Goodman 1999)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.errors import ShapeError, UsageError
from seqkit.models.kneser_ney.config import LARGEST_SIZE, KneserNeyConfig
from seqkit.models.kneser_ney.ngrams import (
    ABSENT,
    advanced,
    checked_arrays,
    count_ngrams,
    discounts,
    find,
    padded_lines,
)


class KneserNey:
    """An n-gram language model over the ids 0 .. V-1, where every sentence ends with ``eos_id``.

    Threads may share it.

    For a context h of k-1 words that was seen, with h' the context without its first word,

        p_k(w | h) = max(c(hw) - D(c(hw)), 0) / c(h)  +  b(h) p_{k-1}(w | h')

    where c are the adjusted counts of :func:`~seqkit.models.kneser_ney.ngrams.count_ngrams`, c(h) is their
    sum over w, D the discounts of that order, and b(h) = sum_w D(c(hw)) / c(h) gives away just what they
    took. A context never seen leaves p_k = p_{k-1}. Below the unigrams is the uniform 1/V, so every id
    has a positive probability in every context and they sum to 1.

    The context of a line's first word is one start symbol, which is never predicted. Made by :meth:`fit` or
    :meth:`from_state_dict`. Keeps 12 bytes an n-gram and 16 a context.
    """

    def __init__(self, config: KneserNeyConfig, keys: list[np.ndarray], counts: list[np.ndarray]) -> None:
        V = config.vocab_size
        self.config = config
        self.keys, self._counts = keys, counts
        self.discounts = np.stack([discounts(count) for count in counts])
        """(order, 4) float64: row k-1 is what order k takes from a count of 0, 1, 2, and 3 or more."""
        taken = self._taken(1, counts[0])
        total = float(counts[0].sum(dtype=np.int64))
        self.unigram_probs = (counts[0] - taken) / total + taken.sum() / total / V
        # By order k >= 2 and the number of the context in order k-1: c(h) and b(h), 1 where h is unseen.
        self._total: list[np.ndarray] = [np.empty(0)]
        self._backoff: list[np.ndarray] = [np.empty(0)]
        contexts = V + 1
        for k in range(2, config.order + 1):
            of = keys[k - 1] // (V + 1)
            total_k = np.bincount(of, counts[k - 1], minlength=contexts)
            unseen = total_k == 0
            total_k[unseen] = 1.0
            backoff = np.bincount(of, self._taken(k, counts[k - 1]), minlength=contexts) / total_k
            backoff[unseen] = 1.0
            self._total.append(total_k)
            self._backoff.append(backoff)
            contexts = len(keys[k - 1])

    @classmethod
    def fit(cls, ids: np.ndarray, config: KneserNeyConfig) -> KneserNey:
        """Count the stream ``ids`` (N,); lines begin at its first id and after each ``eos_id``.

        Raises ShapeError unless ids are 1-D integers, UsageError for ids outside 0..V-1 or none at all.
        """
        if np.size(ids) == 0:
            raise UsageError("Kneser-Ney: no tokens to count")
        ids = checked_ids("ids", ids, (None,), config.vocab_size).astype(np.int64)
        return cls(config, *count_ngrams(ids, config))

    def log_probs(self, ids: np.ndarray) -> np.ndarray:
        """Natural-log probability of each token of a stream given those before it in its line.

        ``ids`` (N,) integers, the first at the start of a line; returns (N,) float64. Raises as :meth:`fit`.
        """
        V = self.config.vocab_size
        ids = checked_ids("ids", ids, (None,), V).astype(np.int64)
        stream = padded_lines(ids, self.config)
        ends = np.flatnonzero(stream < V)
        words = stream[ends]
        p = self.unigram_probs[words]
        numbers = stream
        for k in range(2, self.config.order + 1):
            contexts = numbers[ends - 1]
            found = find(self.keys[k - 1], contexts, words, V)
            known = np.flatnonzero(contexts != ABSENT)
            p[known] *= self._backoff[k - 1][contexts[known]]
            hits = np.flatnonzero(found != ABSENT)
            p[hits] += self._kept(k, found[hits], contexts[hits])
            numbers = np.full(len(stream), ABSENT, np.int64)
            numbers[ends] = found
        return np.log(p)

    def zero_state(self, batch: int) -> list[np.ndarray]:
        """The tokens of each row's line so far: none."""
        return [np.empty(0, np.int64) for _ in range(batch)]

    def token_losses(
        self, ids: np.ndarray, targets: np.ndarray, state: list[np.ndarray] | None = None
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """-log P (B, T) float64 of each target after ids (B, T), 0 where it is -1, and the state.

        A row begins with ``eos_id``, or goes on from its state: the tokens of its line so far.
        """
        ids, targets = np.asarray(ids, np.int64), np.asarray(targets, np.int64)
        state = self.zero_state(len(ids)) if state is None else state
        eos = self.config.eos_id
        known = np.where(targets < 0, eos, targets)
        rows = [
            np.append(before, (*row, end)) for before, row, end in zip(state, ids, known[:, -1], strict=True)
        ]
        # One stream: an eos_id between the rows, so that each begins a line.
        scores = self.log_probs(np.concatenate([np.append(row, eos) for row in rows]))
        ends = np.cumsum([len(row) + 1 for row in rows]) - 1
        losses = np.stack([-scores[end - ids.shape[1] : end] for end in ends])
        after = []
        for row in rows:
            line = row[:-1]
            starts = np.flatnonzero(line == eos)
            after.append(line[starts[-1] :] if len(starts) else line)
        return np.where(targets < 0, 0.0, losses), after

    def start(self, batch: int, context: None = None) -> np.ndarray:
        """The state before any token; feed ``eos_id`` first to stand at the start of a line."""
        if context is not None:
            raise UsageError("Kneser-Ney: a language model takes no context")
        return np.full((batch, self.config.order - 1), ABSENT, np.int64)

    def step(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the previous tokens ``ids`` (B,); return log-probabilities (B, V) float64 and the new state.

        The state (B, order - 1) holds the numbers of the last 1, 2, ... tokens as n-grams. It is not
        written into. ``eos_id`` as the previous token means the start of a line.
        """
        V = self.config.vocab_size
        ids = checked_ids("ids", ids, (None,), V).astype(np.int64)
        if state.shape != (len(ids), self.config.order - 1):
            raise ShapeError(
                f"Kneser-Ney: expected a state {(len(ids), self.config.order - 1)} of {len(ids)} rows, "
                f"got {state.shape}"
            )
        state = advanced(self.keys, ids, state, self.config)
        p = np.tile(self.unigram_probs, (len(ids), 1))
        for k in range(2, self.config.order + 1):
            keys, contexts = self.keys[k - 1], state[:, k - 2]
            known = np.flatnonzero(contexts != ABSENT)
            p[known] *= self._backoff[k - 1][contexts[known], None]
            # The continuations of one context are neighbours; ABSENT, -1, finds an empty range at 0.
            first = np.searchsorted(keys, contexts * (V + 1))
            length = np.searchsorted(keys, (contexts + 1) * (V + 1)) - first
            rows = np.repeat(np.arange(len(ids)), length)
            found = np.arange(len(rows)) + np.repeat(first - (np.cumsum(length) - length), length)
            p[rows, keys[found] % (V + 1)] += self._kept(k, found, contexts[rows])
        return np.log(p), state

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""
        return self.config.vocab_size

    def prefill(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the tokens ``ids`` (B, T), T at least 1, as T calls of :meth:`step` would."""
        ids = checked_ids("ids", ids, (None, None), self.config.vocab_size).astype(np.int64)
        for column in ids.T[:-1]:
            state = advanced(self.keys, column, state, self.config)
        return self.step(ids[:, -1], state)

    def reorder(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The state whose row i is row ``rows[i]`` of ``state``; drops and repeats rows at will."""
        return state[rows]

    def state_dict(self) -> dict[str, np.ndarray]:
        """``order1.counts`` (V,) int32; for k >= 2 ``orderK.keys`` (M_K,) int64, ``orderK.counts`` int32."""
        arrays = {"order1.counts": self._counts[0]}
        for k in range(2, self.config.order + 1):
            arrays[f"order{k}.keys"] = self.keys[k - 1]
            arrays[f"order{k}.counts"] = self._counts[k - 1]
        return arrays

    @classmethod
    def from_state_dict(cls, config: KneserNeyConfig, arrays: Mapping[str, object]) -> KneserNey:
        """The model that gave ``arrays``. Raises DamagedFileError or ShapeError naming the tensor."""
        return cls(config, *checked_arrays(config, arrays))

    def _taken(self, k: int, counts: np.ndarray) -> np.ndarray:
        return self.discounts[k - 1][np.minimum(counts, 3)]

    def _kept(self, k: int, found: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        """(c(hw) - D(c(hw))) / c(h) for n-grams ``found`` (N,) of order k in ``contexts`` (N,)."""
        counts = self._counts[k - 1][found]
        return (counts - self._taken(k, counts)) / self._total[k - 1][contexts]

    def kept(self, k: int) -> np.ndarray:
        """Return (c(hw) - D(c(hw))) / c(h) of all n-grams (M_k,) of order k >= 2."""
        return self._kept(
            k, np.arange(len(self.keys[k - 1])), self.keys[k - 1] // (self.config.vocab_size + 1)
        )

    @property
    def backoffs(self) -> list[np.ndarray]:
        """b(h) of the contexts of each order k < ``order``: (M_k,) float64, (V + 1,) for order 1."""
        return self._backoff[1:]


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
