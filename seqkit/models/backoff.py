"""n-gram models with back-off weights, as ARPA files hold them (Katz 1987)."""

from __future__ import annotations

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.errors import UsageError
from seqkit.models.kneser_ney.config import KneserNeyConfig
from seqkit.models.kneser_ney.model import KneserNey
from seqkit.models.kneser_ney.ngrams import ABSENT, advanced, find, padded_lines

LN10 = float(np.log(10))


class BackoffModel:
    """An n-gram language model that stores log10 P(w | h) of the n-grams hw that it has, and weights of h.

    P(w | h) of an n-gram that it lacks is the weight of h (1 where it lacks h as well) times P(w | h'), with
    h' the context without its first word. Tokens are 0 … V-1; V is the symbol before each line, and the
    n-grams of an order are numbered as in :mod:`seqkit.models.kneser_ney.ngrams`.

    Threads may share it.

    Args:
        config: Vocabulary size, order, and the id that ends each line.
        keys: Of each order k the sorted keys (M_k,) int64; empty for order 1, whose numbers are the ids.
        log10_probs: Of each order (M_k,), and (V + 1,) of order 1. NaN where the n-gram is only a context.
        log10_backoffs: Of each order but the highest (M_k,), and (V + 1,) of order 1.
    """

    def __init__(
        self,
        config: KneserNeyConfig,
        keys: list[np.ndarray],
        log10_probs: list[np.ndarray],
        log10_backoffs: list[np.ndarray],
    ) -> None:
        self.config = config
        self.keys, self.log10_probs, self.log10_backoffs = keys, log10_probs, log10_backoffs

    @classmethod
    def from_kneser_ney(cls, model: KneserNey) -> BackoffModel:
        """Return the same model with its probabilities written out; they agree to rounding."""
        config, V = model.config, model.config.vocab_size
        keys, backoffs = model.keys, [np.log10(weights) for weights in model.backoffs]
        below = np.append(model.unigram_probs, np.nan)  # P of the n-grams of the order below
        probs = [np.log10(below)]
        suffixes = np.append(np.arange(V), ABSENT)  # numbers, in the order below, without the first word
        for k in range(2, config.order + 1):
            contexts, words = keys[k - 1] // (V + 1), keys[k - 1] % (V + 1)
            shorter = words if k == 2 else find(keys[k - 2], suffixes[contexts], words, V)
            below = model.kept(k) + model.backoffs[k - 2][contexts] * below[shorter]
            probs.append(np.log10(below))
            suffixes = shorter
        return cls(config, keys, probs, backoffs)

    @property
    def vocab_size(self) -> int:
        """V, the number of ids."""
        return self.config.vocab_size

    def full_scores(self, ids: np.ndarray, *, bos: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return log10 P (N,) float64 of each token of a stream, and the length of the n-gram that gave it.

        Args:
            ids: (N,) integers; a line ends at each ``eos_id``.
            bos: Whether the stream begins at the start of a line; otherwise its first token has no context.
        """
        V = self.config.vocab_size
        ids = checked_ids("ids", ids, (None,), V).astype(np.int64)
        if not len(ids):
            return np.zeros(0), np.zeros(0, np.int64)
        stream = padded_lines(ids, self.config)
        ends = np.flatnonzero(stream < V)
        words = stream[ends]
        log10 = self.log10_probs[0][words].astype(np.float64)
        length = np.ones(len(words), np.int64)
        numbers = stream.copy()
        if not bos:
            numbers[0] = ABSENT
        for k in range(2, self.config.order + 1):
            contexts = numbers[ends - 1]
            found = find(self.keys[k - 1], contexts, words, V)
            known = np.flatnonzero(contexts != ABSENT)
            log10[known] += self.log10_backoffs[k - 2][contexts[known]]
            stated = self.log10_probs[k - 1][np.maximum(found, 0)] if len(self.keys[k - 1]) else log10
            hits = np.flatnonzero((found != ABSENT) & ~np.isnan(stated))
            log10[hits], length[hits] = stated[hits], k
            numbers = np.full(len(stream), ABSENT, np.int64)
            numbers[ends] = found
        return log10, length

    def log_probs(self, ids: np.ndarray) -> np.ndarray:
        """Return the natural-log probability (N,) float64 of each token of a stream that begins a line."""
        return self.full_scores(ids)[0] * LN10

    # The decoding protocol

    def start(self, batch: int, context: None = None) -> np.ndarray:
        """Return the state before any token; feed ``eos_id`` first to stand at the start of a line."""
        if context is not None:
            raise UsageError("n-grams: a language model takes no context")
        return np.full((batch, self.config.order - 1), ABSENT, np.int64)

    def step(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the previous tokens ``ids`` (B,); return log-probabilities (B, V) float64 and the state."""
        V = self.config.vocab_size
        ids = checked_ids("ids", ids, (None,), V).astype(np.int64)
        state = advanced(self.keys, ids, state, self.config)
        log10 = np.tile(self.log10_probs[0][:V].astype(np.float64), (len(ids), 1))
        for k in range(2, self.config.order + 1):
            for row in np.flatnonzero(state[:, k - 2] != ABSENT):
                context = int(state[row, k - 2])
                log10[row] += self.log10_backoffs[k - 2][context]
                first, stop = np.searchsorted(
                    self.keys[k - 1], [context * (V + 1), (context + 1) * (V + 1)]
                ).tolist()
                stated = self.log10_probs[k - 1][first:stop]
                given = ~np.isnan(stated)
                log10[row, self.keys[k - 1][first:stop][given] % (V + 1)] = stated[given]
        return log10 * LN10, state

    def prefill(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the tokens ``ids`` (B, T), T at least 1, as T calls of :meth:`step` would."""
        ids = checked_ids("ids", ids, (None, None), self.config.vocab_size).astype(np.int64)
        for column in ids.T[:-1]:
            state = advanced(self.keys, column, state, self.config)
        return self.step(ids[:, -1], state)

    def reorder(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the state whose row i is row ``rows[i]`` of ``state``."""
        return state[rows]
