"""Word vectors by counting: co-occurrences, positive pointwise mutual information, and its SVD.

Bullinaria and Levy (2007) for the road as a whole; Levy and Goldberg (2014) for what it shares with word2vec:
skip-gram with k negatives factorises the matrix of mutual information shifted by log k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.backend.random import Generator
from seqkit.errors import DataError, UsageError

_BLOCK = 1 << 20
"""Tokens that are counted at once: with a window of 5, 40 MB of pairs."""
_EXACT = 1000
"""Below this many words the whole SVD is computed; it takes a second there, and grows with the cube."""
_DENSE = 1 / 200
"""Rows fuller than this are spread out for BLAS (measured on one core: 42 against 0.2 GMAC/s)."""
_SCRATCH = 1 << 22
"""Numbers in the scratch memory of a product."""


@dataclass(frozen=True)
class SparseMatrix:
    """The cells of a (V, V) matrix that are not 0, ordered by row and then by column, each once."""

    rows: np.ndarray
    """(N,) int32."""
    columns: np.ndarray
    """(N,) int32."""
    values: np.ndarray
    """(N,)."""
    size: int
    """V."""

    def to_dense(self) -> np.ndarray:
        """(V, V), for small ones."""
        dense = np.zeros((self.size, self.size), self.values.dtype)
        dense[self.rows, self.columns] = self.values
        return dense

    @property
    def T(self) -> SparseMatrix:
        """The matrix with rows and columns exchanged."""
        order = np.argsort(self.columns, kind="stable")
        return SparseMatrix(self.columns[order], self.rows[order], self.values[order], self.size)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        """The product (V, K) with a dense (V, K), in its dtype, without (V, V) memory."""
        V, K = self.size, x.shape[1]
        y = np.zeros((V, K), x.dtype)
        starts = np.searchsorted(self.rows, np.arange(V + 1))
        first = 0
        while first < V:
            last = int(np.searchsorted(starts, starts[first] + _SCRATCH // K, side="right")) - 1
            last = max(last, first + 1)
            dense = starts[last] - starts[first] > _DENSE * (last - first) * V
            if dense:
                last = min(V, first + max(1, _SCRATCH // V))
            cells = slice(starts[first], starts[last])
            rows, columns = self.rows[cells] - first, self.columns[cells]
            values = self.values[cells].astype(x.dtype, copy=False)
            if dense:
                block = np.zeros((last - first, V), x.dtype)
                block[rows, columns] = values
                np.matmul(block, x, out=y[first:last])
            elif len(values):
                begins = np.flatnonzero(np.diff(rows, prepend=-1))
                y[first + rows[begins]] = np.add.reduceat(values[:, None] * x[columns], begins, axis=0)
            first = last
        return y


def cooccurrence(ids: np.ndarray, V: int, window: int, *, eos_id: int | None = None) -> SparseMatrix:
    """How often each word stands within ``window`` places of each other one: (V, V) int64, symmetric.

    ids: (N,) below V, in memory or memory-mapped; read block by block. With ``eos_id`` windows end at the
    ends of lines and that id is no word; without, the text is one line. Raises DataError for ids outside
    0 … V-1.
    """
    ids = checked_ids("ids", ids)
    if V < 1 or window < 1:
        raise UsageError(f"V {V}, window {window}", remedy="both are 1 or more")
    counted: list[_Counts] = []
    for start in range(0, len(ids), _BLOCK):
        counted.append(_count_block(ids, start, V, window, eos_id))
        while len(counted) > 1 and len(counted[-2][0]) < 2 * len(counted[-1][0]):
            counted.append(_merged(counted.pop(), counted.pop()))
    total: _Counts = (np.empty(0, np.int64), np.empty(0, np.int64))
    while counted:
        total = _merged(total, counted.pop())
    # Only words to the right have been counted; the others are the same pairs seen from their other end.
    keys, counts = total
    keys, counts = _merged(total, _sorted(keys % V * V + keys // V, counts))
    return SparseMatrix((keys // V).astype(np.int32), (keys % V).astype(np.int32), counts, V)


_Counts = tuple[np.ndarray, np.ndarray]
"""Ascending keys row·V + column, each once, and how often each occurs."""


def _count_block(ids: np.ndarray, start: int, V: int, window: int, eos_id: int | None) -> _Counts:
    """The pairs whose left word stands in the block."""
    words = np.asarray(ids[start : start + _BLOCK + window]).astype(np.int64)
    if words.min() < 0 or words.max() >= V:
        raise DataError(f"ids from {words.min()} to {words.max()} for {V} words", where=f"token {start} on")
    left = words[:_BLOCK]
    line = np.cumsum(words == eos_id) if eos_id is not None else None
    keys = []
    for distance in range(1, window + 1):
        right = words[distance : distance + len(left)]
        pairs = left[: len(right)] * V + right
        if line is not None:  # a line's end has the number of the line behind it
            same = line[distance : distance + len(left)] == line[: len(right)]
            pairs = pairs[same & (left[: len(right)] != eos_id)]
        keys.append(pairs)
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    return found, counts.astype(np.int64)


def _sorted(keys: np.ndarray, counts: np.ndarray) -> _Counts:
    order = np.argsort(keys, kind="stable")
    return keys[order], counts[order]


def _merged(a: _Counts, b: _Counts) -> _Counts:
    """The counts of both; the stable sort finds the two ascending runs and takes linear time."""
    keys, counts = _sorted(np.concatenate((a[0], b[0])), np.concatenate((a[1], b[1])))
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[begins], np.add.reduceat(counts, begins) if len(begins) else counts


def ppmi(counts: SparseMatrix, *, shift: float = 1.0, smoothing: float = 1.0) -> SparseMatrix:
    """max(0, log₂ P(w, c) / (P(w)·P(c)) - log₂ shift), float32 (Church and Hanks 1990).

    shift: the k of Levy and Goldberg (2014), as many as word2vec's negatives; 1 changes nothing. smoothing:
    the power that the contexts' counts are raised to before they become P(c); 0.75 keeps rare contexts from
    seeming telling (Levy, Goldberg, Dagan 2015, section 3.1). Cells without a count stay 0, so no small
    number has to keep the logarithm finite. Raises DataError when nothing was counted.
    """
    if not len(counts.values):
        raise DataError("no word has another one near it", remedy="give a longer text")
    if not shift > 0 or not smoothing > 0:
        raise UsageError(f"shift {shift}, smoothing {smoothing}", remedy="both are above 0")
    values = counts.values.astype(np.float64)
    words = np.bincount(counts.rows, values, counts.size)
    contexts = np.bincount(counts.columns, values, counts.size) ** smoothing
    contexts /= contexts.sum()
    values /= words[counts.rows]
    values /= contexts[counts.columns]
    np.log2(values, out=values)
    values -= math.log2(shift)
    kept = values > 0
    return SparseMatrix(counts.rows[kept], counts.columns[kept], values[kept].astype(np.float32), counts.size)


def svd_vectors(
    matrix: SparseMatrix,
    vector_size: int,
    *,
    power: float = 0.5,
    seed: int = 0,
    exact: bool | None = None,
    iterations: int = 5,
) -> np.ndarray:
    """(V, E) float32: the E first left singular vectors U, times the singular values to ``power``.

    Power 0 is U alone, as in "Deep Learning from Scratch 2" (chapter 2); 1 keeps the distances of the rows;
    0.5 is the usual middle (Levy, Goldberg, Dagan 2015, section 3.3). ``exact`` computes the whole SVD, by
    default for less than 1,000 words; otherwise it is a randomised one (Halko, Martinsson, Tropp 2011,
    algorithms 4.4 and 5.1) with so many ``iterations`` over the matrix. Each column's largest number is
    positive, since the sign of a singular vector means nothing.
    """
    V, E = matrix.size, vector_size
    if not 1 <= E <= V:
        raise UsageError(f"vector_size must be from 1 to the {V} words, got {E}")
    if V < _EXACT if exact is None else exact:
        U, S, _ = np.linalg.svd(matrix.to_dense().astype(np.float64), full_matrices=False)
    else:
        U, S = _randomised_svd(matrix, min(V, E + 10), iterations, Generator(seed, "svd"))
    vectors = U[:, :E] * S[:E] ** power
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(E)]
    return (vectors * np.where(largest < 0, -1, 1)).astype(np.float32)


def _randomised_svd(
    matrix: SparseMatrix, rank: int, iterations: int, generator: Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Approximate left singular vectors (V, rank) and values (rank,)."""
    transposed = matrix.T
    Q = matrix @ generator.normal((matrix.size, rank))
    for _ in range(iterations):
        Q = np.linalg.qr(transposed @ np.linalg.qr(Q)[0])[0]
        Q = matrix @ Q
    Q = np.linalg.qr(Q)[0]
    U, S, _ = np.linalg.svd((transposed @ Q).T.astype(np.float64), full_matrices=False)
    return Q @ U, S


def count_vectors(
    ids: np.ndarray,
    V: int,
    *,
    vector_size: int = 100,
    window: int = 5,
    eos_id: int | None = None,
    shift: float = 1.0,
    smoothing: float = 1.0,
    power: float = 0.5,
    seed: int = 0,
) -> np.ndarray:
    """(V, E) float32 word vectors of (N,) ids: :func:`cooccurrence`, :func:`ppmi`, :func:`svd_vectors`.

    The result depends on the text, the settings and the seed alone. A word without any co-occurrence has a
    vector of 0.
    """
    counts = cooccurrence(ids, V, window, eos_id=eos_id)
    return svd_vectors(ppmi(counts, shift=shift, smoothing=smoothing), vector_size, power=power, seed=seed)
