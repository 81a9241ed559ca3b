"""Word vectors by counting: co-occurrences, positive pointwise mutual information, and its SVD.

Bullinaria and Levy (2007) describe the method; Levy and Goldberg (2014) its relation to word2vec: skip-gram
with k negatives factorises the matrix of mutual information shifted by log k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqkit.backend.ids import checked_ids
from seqkit.backend.random import Generator
from seqkit.errors import DataError, UsageError
from seqkit.progress import tracked

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
    """The non-zero cells of a (V, V) matrix, ordered by row and then by column, each once."""

    rows: np.ndarray
    """(N,) int32."""
    columns: np.ndarray
    """(N,) int32."""
    values: np.ndarray
    """(N,)."""
    size: int
    """V."""

    def to_dense(self) -> np.ndarray:
        """Return the whole matrix, (V, V)."""
        dense = np.zeros((self.size, self.size), self.values.dtype)
        dense[self.rows, self.columns] = self.values
        return dense

    @property
    def T(self) -> SparseMatrix:
        """The matrix with rows and columns exchanged."""
        order = np.argsort(self.columns, kind="stable")
        return SparseMatrix(self.columns[order], self.rows[order], self.values[order], self.size)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        """Return the product (V, K) with a dense (V, K), in its dtype, without (V, V) memory."""
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
    """Count how often each word occurs within ``window`` places of each other word.

    Args:
        ids: The text, (N,), below V, in memory or memory-mapped; read block by block.
        V: The number of words.
        window: The largest distance.
        eos_id: Where windows end, and no word; without it the text is one line.

    Returns:
        The counts, (V, V) int64, symmetric.

    Raises:
        ShapeError: For ids that are not (N,) integers.
        DataError: For ids outside 0 … V-1.

    Example:
        >>> cooccurrence(np.array([0, 1, 0, 2]), 3, 1).to_dense().tolist()
        [[0, 2, 1], [2, 0, 0], [1, 0, 0]]
    """
    ids = checked_ids("ids", ids)
    if V < 1 or window < 1:
        raise UsageError(f"expected V and window of at least 1, got {V} and {window}")
    counted: list[_Counts] = []
    for start in tracked(range(0, len(ids), _BLOCK), "counting co-occurrences", "blocks"):
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
    """Count the pairs whose left word is in the block."""
    words = np.asarray(ids[start : start + _BLOCK + window]).astype(np.int64)
    if words.min() < 0 or words.max() >= V:
        what = f"expected ids from 0 to {V - 1}, got {words.min()} to {words.max()}"
        raise DataError(what, where=f"token {start} on")
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
    """Return the counts of both; the stable sort finds the two ascending runs and takes linear time."""
    keys, counts = _sorted(np.concatenate((a[0], b[0])), np.concatenate((a[1], b[1])))
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[begins], np.add.reduceat(counts, begins) if len(begins) else counts


def ppmi(counts: SparseMatrix, *, shift: float = 1.0, smoothing: float = 1.0) -> SparseMatrix:
    """Compute max(0, log₂ P(w, c) / (P(w)·P(c)) - log₂ shift) in float32 (Church and Hanks 1990).

    Cells without a count stay 0, so no small number has to keep the logarithm finite.

    Args:
        counts: The co-occurrences, (V, V).
        shift: The k of Levy and Goldberg (2014), word2vec's number of negatives; 1 changes nothing.
        smoothing: The power that the contexts' counts are raised to before they become P(c); 0.75 gives rare
            contexts less weight (Levy, Goldberg, Dagan 2015, section 3.1).

    Raises:
        DataError: Nothing was counted.
    """
    if not len(counts.values):
        raise DataError("expected words with others near them, got none", remedy="give a longer text")
    if not shift > 0 or not smoothing > 0:
        raise UsageError(f"expected shift and smoothing above 0, got {shift} and {smoothing}")
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
    """Compute the first left singular vectors, times the singular values to ``power``.

    Each column's largest number is positive, since the sign of a singular vector means nothing.

    Args:
        matrix: A symmetric (V, V) matrix.
        vector_size: E, the number of singular vectors.
        power: 0 gives the singular vectors alone, as "Deep Learning from Scratch 2" does (chapter 2); 1 keeps
            the distances of the rows; 0.5 is usual (Levy, Goldberg, Dagan 2015, section 3.3).
        seed: The seed of the randomised SVD.
        exact: Whether to compute the whole SVD; by default for less than 1,000 words. Otherwise it is a
            randomised one (Halko, Martinsson, Tropp 2011, algorithms 4.4 and 5.1).
        iterations: The passes of the randomised SVD over the matrix.

    Returns:
        The vectors, (V, E) float32.
    """
    V, E = matrix.size, vector_size
    if not 1 <= E <= V:
        raise UsageError(f"expected vector_size from 1 to the {V} words, got {E}")
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
    """Approximate the left singular vectors (V, rank) and the singular values (rank,)."""
    transposed = matrix.T
    Q = matrix @ generator.normal((matrix.size, rank))
    for _ in tracked(range(iterations), "decomposing counts", "iterations"):
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
    """Make word vectors of a text by :func:`cooccurrence`, :func:`ppmi` and :func:`svd_vectors`.

    The result depends on the text, the settings and the seed alone.

    Args:
        ids: The text, (N,).
        V: The number of words.
        vector_size: E.
        window: See :func:`cooccurrence`.
        eos_id: See :func:`cooccurrence`.
        shift: See :func:`ppmi`.
        smoothing: See :func:`ppmi`.
        power: See :func:`svd_vectors`.
        seed: See :func:`svd_vectors`.

    Returns:
        The vectors, (V, E) float32; 0 for a word without any co-occurrence.
    """
    counts = cooccurrence(ids, V, window, eos_id=eos_id)
    return svd_vectors(ppmi(counts, shift=shift, smoothing=smoothing), vector_size, power=power, seed=seed)
