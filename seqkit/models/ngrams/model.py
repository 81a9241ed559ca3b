"""n-gram models: probabilities and back-off weights in a trie (Katz 1987)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, UsageError
from seqkit.models.ngrams.config import NGramConfig
from seqkit.models.ngrams.quantization import quantize
from seqkit.models.ngrams.tensors import Logarithms, checked_tensors, tensors
from seqkit.models.ngrams.trie import ABSENT, NGramTrie, padded_lines
from seqkit.progress import tracked

LN10 = float(np.log(10))
_AT_ONCE = 1 << 20
"""Tokens scored at once, up to the end of a line: progress shows, and temporary arrays stay small."""


class NGramModel:
    """An n-gram language model that stores log10 P(w | h) of the n-grams hw that it has, and weights of h.

    P(w | h) of an n-gram that it lacks is the weight of h (1 where it lacks h as well) times P(w | h'), with
    h' the context without its first word. Tokens are 0 … V-1; V is the symbol before each line. Made by
    :func:`~seqkit.models.ngrams.fit_kneser_ney`, from an ARPA file or by :meth:`from_state_dict`.

    Threads may share it.

    Args:
        config: Vocabulary size, order, and the id that ends each line.
        trie: The n-grams.
        log10_probs: Of each order k >= 2 (M_k,), and (V + 1,) of order 1. NaN where the n-gram is only a
            context.
        log10_backoffs: Of each order but the highest (M_k,), and (V + 1,) of order 1.
    """

    def __init__(
        self,
        config: NGramConfig,
        trie: NGramTrie,
        log10_probs: Sequence[Logarithms],
        log10_backoffs: Sequence[Logarithms],
    ) -> None:
        self.config, self.trie = config, trie
        self.log10_probs, self.log10_backoffs = log10_probs, log10_backoffs

    def quantized(self, bits: int) -> NGramModel:
        """Return the model with ``bits`` bits (2 to 16) for each logarithm of the orders from 2 on.

        Its probabilities sum to 1 only nearly. The back-off weights of order 1 are left alone, as are its
        probabilities.
        """

        def smaller(arrays: Sequence[Logarithms]) -> list[Logarithms]:
            return [*arrays[:1], *(quantize(np.asarray(array), bits) for array in arrays[1:])]

        return NGramModel(self.config, self.trie, smaller(self.log10_probs), smaller(self.log10_backoffs))

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the arrays of the model by name, as :mod:`~seqkit.models.ngrams.tensors` describes them."""
        return tensors(self.trie, self.log10_probs, self.log10_backoffs)

    @classmethod
    def from_state_dict(
        cls, config: NGramConfig, arrays: Mapping[str, object], *, check: bool = True
    ) -> NGramModel:
        """Return the model that gave ``arrays``.

        Args:
            config: Its settings.
            arrays: Its arrays; they are not copied.
            check: Whether to look at every item; needless for arrays that passed before.

        Raises:
            DamagedFileError: A tensor is missing, or of impossible content.
            ShapeError: A tensor of another shape or type.
        """
        return cls(config, *checked_tensors(config, arrays, items=check))

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
        ids = checked_ids("ids", ids, (None,), V).astype(np.int32)
        if not len(ids):
            return np.zeros(0), np.zeros(0, np.int64)
        stream = padded_lines(ids, self.config)
        log10, length = self._scores_of_stream(stream, bos)
        words = stream != V
        return log10[words], length[words]

    def line_score(self, ids: list[int], *, bos: bool = True) -> float:
        """Return log10 P of one line of ids, known to be valid; see :meth:`full_scores`.

        Short lines cost less here: most of their time goes into preparing arrays.
        """
        if self.config.eos_id in ids[:-1]:
            return float(self.full_scores(np.array(ids, np.int32), bos=bos)[0].sum())
        stream = np.array([self.config.vocab_size, *ids], np.int32)
        return float(self._scores_of_stream(stream, bos)[0][1:].sum())

    def word_score(self, word: int, before: Sequence[int]) -> tuple[float, int, list[int]]:
        """Return log10 P of one id, the length of the n-gram that gave it, and the numbers after it.

        Args:
            word: The id.
            before: Of each order but the highest the number of the n-gram that ends before it, or ABSENT.
                Before the first word of a line it is V for order 1; without context all are ABSENT.
        """
        log10, length, numbers = float(self.log10_probs[0][word]), 1, [word]
        for k, context in enumerate(before, start=2):
            number = ABSENT
            if context != ABSENT:
                log10 += float(self.log10_backoffs[k - 2][context])
                words, (low, end) = self.trie.words[k - 1], self.trie.first[k - 2][context : context + 2]
                # int32, as the continuations are: for a Python integer NumPy would convert all of them
                place = int(low) + int(np.searchsorted(words[low:end], np.int32(word)))
                if place < end and words[place] == word:
                    number, stated = place, float(self.log10_probs[k - 1][place])
                    if not math.isnan(stated):
                        log10, length = stated, k
            numbers.append(number)
        return log10, length, numbers[: self.config.order - 1]

    def _scores_of_stream(self, stream: np.ndarray, bos: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return :meth:`full_scores` at each place of a stream with line starts, where they are anything."""
        V = self.config.vocab_size
        log10, length = np.empty(len(stream)), np.empty(len(stream), np.int64)
        tables, ngrams = self._tables
        parts = [slice(0, len(stream))]
        if len(stream) > _AT_ONCE:
            lines = np.flatnonzero(stream == V)
            firsts = np.unique(lines[np.searchsorted(lines, np.arange(0, lines[-1] + 1, _AT_ONCE))])
            parts = list(map(slice, firsts, [*firsts[1:], len(stream)]))
        for part in tracked(parts, "scoring", "parts") if len(parts) > 1 else parts:
            begins = bos or bool(part.start > 0)
            ngrams.full_scores(tables, stream[part], V, begins, log10[part], length[part])
        return log10, length

    def __getstate__(self) -> dict[str, Any]:
        """The arrays without their addresses, which a copy does not share."""
        return {name: value for name, value in self.__dict__.items() if name != "_tables"}

    @cached_property
    def _tables(self) -> tuple[Any, ModuleType]:
        """The model as the kernels read it, and these kernels."""
        ngrams = kernels("ngrams", np, np.dtype(np.float32))
        return ngrams.tables(self.trie.words, self.trie.first, self.log10_probs, self.log10_backoffs), ngrams

    def log_probs(self, ids: np.ndarray) -> np.ndarray:
        """Return the natural-log probability (N,) float64 of each token of a stream that begins a line."""
        return self.full_scores(ids)[0] * LN10

    def zero_state(self, batch: int) -> list[np.ndarray]:
        """Return the tokens of each row's line so far: none."""
        return [np.empty(0, np.int64) for _ in range(batch)]

    def token_losses(
        self, ids: np.ndarray, targets: np.ndarray, state: list[np.ndarray] | None = None
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return -log P (B, T) float64 of each target after ids (B, T), 0 where it is -1, and the state.

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

    # The decoding protocol

    def start(self, batch: int, context: None = None) -> np.ndarray:
        """Return the state before any token; feed ``eos_id`` first to stand at the start of a line."""
        if context is not None:
            raise UsageError("n-grams: a language model takes no context")
        return np.full((batch, self.config.order - 1), ABSENT, np.int32)

    def step(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the previous tokens ``ids`` (B,); return log-probabilities (B, V) float64 and the new state.

        The state (B, order - 1) holds the numbers of the last 1, 2, … tokens as n-grams. It is not
        written into. ``eos_id`` as the previous token means the start of a line.
        """
        V = self.config.vocab_size
        state = self._advanced(ids, state)
        log10 = np.tile(np.asarray(self.log10_probs[0][:V], np.float64), (len(state), 1))
        for k in range(2, self.config.order + 1):
            known = np.flatnonzero(state[:, k - 2] != ABSENT)
            contexts = state[known, k - 2]
            log10[known] += self.log10_backoffs[k - 2][contexts][:, None]
            rows, numbers = self.trie.continuations(k, contexts)
            stated = self.log10_probs[k - 1][numbers]
            given = ~np.isnan(stated)
            log10[known[rows[given]], self.trie.words[k - 1][numbers[given]]] = stated[given]
        return log10 * LN10, state

    def prefill(self, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the tokens ``ids`` (B, T), T at least 1, as T calls of :meth:`step` would."""
        ids = checked_ids("ids", ids, (None, None), self.config.vocab_size)
        for column in ids.T[:-1]:
            state = self._advanced(column, state)
        return self.step(ids[:, -1], state)

    def reorder(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the state whose row i is row ``rows[i]`` of ``state``; drops and repeats rows at will."""
        return state[rows]

    def _advanced(self, ids: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Return the state after tokens ``ids`` (B,)."""
        V = self.config.vocab_size
        ids = checked_ids("ids", ids, (None,), V).astype(np.int32)
        if state.shape != (len(ids), self.config.order - 1):
            raise ShapeError(
                f"n-grams: expected a state {(len(ids), self.config.order - 1)} of {len(ids)} rows, "
                f"got {state.shape}"
            )
        after, at_start = np.empty_like(state), ids == self.config.eos_id
        for k in range(1, self.config.order):
            if k == 1:
                after[:, 0] = np.where(at_start, V, ids)
            else:
                found = self.trie.find(k, np.ascontiguousarray(state[:, k - 2]), ids)
                after[:, k - 1] = np.where(at_start, ABSENT, found)
        return after
