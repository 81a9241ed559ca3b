"""Each kernel family's ``gpu`` version against its reference; ``xp`` is NumPy under the emulator, or CuPy.

The reference runs on NumPy. Arrays for the kernel lie between margins that must not change, outputs hold a
sentinel until they are written, and inputs must come back as they went in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from seqkit.backend import to_numpy
from seqkit.backend.kernels.dropout import gpu as dropout_gpu
from seqkit.backend.kernels.dropout import reference as dropout_reference
from seqkit.backend.kernels.gru import gpu as gru_gpu
from seqkit.backend.kernels.gru import reference as gru_reference
from seqkit.backend.kernels.lstm import gpu as lstm_gpu
from seqkit.backend.kernels.lstm import reference as lstm_reference
from seqkit.backend.kernels.philox import gpu as philox_gpu
from seqkit.backend.kernels.philox import reference as philox_reference
from seqkit.backend.kernels.row_sums import gpu as row_sums_gpu
from seqkit.backend.kernels.row_sums import reference as row_sums_reference
from seqkit.backend.kernels.softmax_cross_entropy import gpu as softmax_gpu
from seqkit.backend.kernels.softmax_cross_entropy import reference as softmax_reference
from seqkit.backend.kernels.word2vec import gpu as word2vec_gpu
from seqkit.backend.kernels.word2vec import reference as word2vec_reference
from seqkit.backend.kernels.word2vec.reference import Sampling
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings

MARGIN = 67
TOLERANCE = {"rtol": 1e-6, "atol": 1e-6}

Key = tuple[int, int, int, int, int]


class Guards:
    """Arrays of ``xp`` between margins."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self._buffers: list[tuple[Any, np.ndarray]] = []
        self._inputs: list[tuple[Any, np.ndarray]] = []

    def _sentinel(self, dtype: np.dtype) -> Any:
        """Another for each array, so that a margin copied into a margin shows; not NaN, which hides that."""
        number = len(self._buffers) + 1
        return dtype.type({"f": number * 1.25e20, "b": number % 2}.get(dtype.kind, number + 70))

    def empty(self, xp: Any, shape: Any, dtype: Any) -> Any:
        """In place of ``seqkit.backend.empty``."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        size, dtype = int(np.prod(shape)), np.dtype(dtype)
        whole = xp.full(size + 2 * MARGIN, self._sentinel(dtype), dtype)
        self._buffers.append((whole, to_numpy(whole).copy()))
        return whole[MARGIN : MARGIN + size].reshape(shape)

    def output(self, x: np.ndarray) -> Any:
        """A copy that the kernel may write to."""
        guarded = self.empty(self.xp, x.shape, x.dtype)
        guarded[...] = self.xp.asarray(x)
        return guarded

    def input(self, x: np.ndarray) -> Any:
        """A copy that it may not."""
        guarded = self.output(x)
        self._inputs.append((guarded, x.copy()))
        return guarded

    def check(self) -> None:
        for whole, before in self._buffers:
            after = to_numpy(whole)
            for margin in (slice(0, MARGIN), slice(len(after) - MARGIN, None)):
                np.testing.assert_array_equal(after[margin], before[margin], "written outside an array")
        for x, before in self._inputs:
            np.testing.assert_array_equal(to_numpy(x), before, "an input was written to")


@contextlib.contextmanager
def guarded(xp: Any, family: ModuleType) -> Iterator[Guards]:
    """Guards that also stand for ``empty`` in the family's wrapper; checked at the end."""
    guards = Guards(xp)
    with mock.patch.object(family, "empty", guards.empty) if hasattr(family, "empty") else mock.MagicMock():
        yield guards
    guards.check()


def normal(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape) * scale, np.float32)


def close(actual: Any, expected: np.ndarray, what: str) -> None:
    np.testing.assert_allclose(to_numpy(actual), expected, err_msg=what, **TOLERANCE)


def compare_philox(xp: Any, count: int, key: Key, first: int = 0) -> None:
    with guarded(xp, philox_gpu):
        words = philox_gpu.random_words(xp, count, key, first)
        expected = philox_reference.random_words(np, count, key, first)
        assert words.dtype == expected.dtype
        np.testing.assert_array_equal(to_numpy(words), expected)


def compare_dropout(xp: Any, x: np.ndarray, key: Key, threshold: int, in_place: bool, first: int = 0) -> None:
    expected = np.empty_like(x)
    with np.errstate(invalid="ignore"):
        dropout_reference.masked_scale(x, key, threshold, 1.7, expected, first)
    with guarded(xp, dropout_gpu) as guards:
        given = guards.output(x) if in_place else guards.input(x)
        out = given if in_place else guards.empty(xp, x.shape, x.dtype)
        dropout_gpu.masked_scale(given, key, threshold, 1.7, out, first)
        actual = to_numpy(out)
    np.testing.assert_array_equal(actual, expected)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual)[numbers], np.signbit(expected)[numbers])


def keep_rows(B: int, kept: str) -> np.ndarray:
    return {"all": np.ones(B, bool), "none": np.zeros(B, bool), "some": np.arange(B) % 3 != 1}[kept]


def compare_lstm(xp: Any, B: int, H: int, kept: str, scale: float = 1.0, poison: float | None = None) -> None:
    """``poison`` replaces the first scores of row 0."""
    keep = keep_rows(B, kept)
    z, recurrent = normal(1, B, 4 * H, scale=scale), normal(2, B, 4 * H)
    h_before, c_before = normal(3, B, H), normal(4, B, H)
    if poison is not None:
        z[0, :H] = poison
    gates, h, c = z.copy(), np.empty((B, H), np.float32), np.empty((B, H), np.float32)
    lstm_reference.step_forward(gates, recurrent, keep, h_before, c_before, h, c)
    with guarded(xp, lstm_gpu) as guards:
        z2, h2, c2 = guards.output(z), guards.empty(xp, (B, H), h.dtype), guards.empty(xp, (B, H), h.dtype)
        read = [guards.input(x) for x in (recurrent, keep, h_before, c_before)]
        lstm_gpu.step_forward(z2, *read, h2, c2)
        close(h2, h, "h")
        close(c2, c, "c")
        close(to_numpy(z2)[keep], gates[keep], "gates")
        np.testing.assert_array_equal(to_numpy(z2)[~keep], z[~keep])

    dh, dc, dz = normal(5, B, H), normal(6, B, H), np.empty((B, 4 * H), np.float32)
    dc_before = dc.copy()
    lstm_reference.step_backward(gates, keep, c_before, c, dh, dc, dz)
    with guarded(xp, lstm_gpu) as guards:
        read = [guards.input(x) for x in (gates, keep, c_before, c, dh)]
        dc2, dz2 = guards.output(dc_before), guards.empty(xp, dz.shape, dz.dtype)
        lstm_gpu.step_backward(*read, dc2, dz2)
        close(dc2, dc, "dc")
        close(dz2, dz, "dz")


def compare_gru(xp: Any, B: int, H: int, kept: str, scale: float = 1.0, poison: float | None = None) -> None:
    """``poison`` replaces the first scores of row 0."""
    keep = keep_rows(B, kept)
    a, recurrent = normal(1, B, 3 * H, scale=scale), normal(2, B, 3 * H)
    h_before = normal(3, B, H)
    if poison is not None:
        a[0, :H] = poison
    gates, h = a.copy(), np.empty((B, H), np.float32)
    gru_reference.step_forward(gates, recurrent, keep, h_before, h)
    with guarded(xp, gru_gpu) as guards:
        a2, h2 = guards.output(a), guards.empty(xp, (B, H), h.dtype)
        read = [guards.input(x) for x in (recurrent, keep, h_before)]
        gru_gpu.step_forward(a2, *read, h2)
        close(h2, h, "h")
        close(to_numpy(a2)[keep], gates[keep], "gates")
        np.testing.assert_array_equal(to_numpy(a2)[~keep], a[~keep])

    dh, da, du = normal(5, B, H), np.empty((B, 3 * H), np.float32), np.empty((B, 3 * H), np.float32)
    dh_before = dh.copy()
    gru_reference.step_backward(gates, recurrent, keep, h_before, dh, da, du)
    with guarded(xp, gru_gpu) as guards:
        read = [guards.input(x) for x in (gates, recurrent, keep, h_before)]
        dh2 = guards.output(dh_before)
        da2, du2 = (guards.empty(xp, da.shape, da.dtype) for _ in range(2))
        gru_gpu.step_backward(*read, dh2, da2, du2)
        close(dh2, dh, "dh")
        close(da2, da, "da")
        close(du2, du, "du")


def compare_softmax(
    xp: Any,
    logits: np.ndarray,
    targets: np.ndarray,
    *,
    ignore_index: int = -1,
    smoothing: float = 0.0,
    gradient: str = "separate",
) -> None:
    """``gradient`` is "none", "separate" or "in place"."""
    N, _ = logits.shape
    d = None if gradient == "none" else np.empty_like(logits)
    with np.errstate(all="ignore"):  # rows of NaN and infinity
        losses = softmax_reference.loss_and_gradient(logits, targets, ignore_index, smoothing, d)
    with guarded(xp, softmax_gpu) as guards:
        x = guards.output(logits) if gradient == "in place" else guards.input(logits)
        d2 = {"none": None, "in place": x}.get(gradient)
        if gradient == "separate":
            d2 = guards.empty(xp, logits.shape, logits.dtype)
        losses2 = softmax_gpu.loss_and_gradient(x, guards.input(targets), ignore_index, smoothing, d2)
        assert losses2.dtype == np.float64
        assert losses2.shape == (N,)
        close(losses2, losses, "losses")
        if d is not None:
            close(d2, d, "gradient")


def softmax_case(N: int, V: int, dtype: Any, ignore_index: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Scores with a wide spread, and targets of which every third is ignored (but the first)."""
    logits = normal(7, N, V, scale=4.0)
    targets = np.random.default_rng(8).integers(0, V, N).astype(dtype)
    targets[2::3] = ignore_index
    return logits, targets


def compare_row_sums(xp: Any, ids: np.ndarray, values: np.ndarray) -> None:
    """The same bits: both add the rows of an id in their order."""
    rows, sums = row_sums_reference.sum_by_id(ids, values)
    with guarded(xp, row_sums_gpu) as guards:
        rows2, sums2 = row_sums_gpu.sum_by_id(guards.input(ids), guards.input(values))
        assert rows2.dtype == rows.dtype
        np.testing.assert_array_equal(to_numpy(rows2), rows)
        np.testing.assert_array_equal(to_numpy(sums2), sums)


V, EOS, UNK = 61, 0, 1
"""Of the texts on which word2vec is compared."""


def word2vec_text(seed: int, lengths: Sequence[int]) -> np.ndarray:
    """Sentences of these lengths, unknown words among them; the last one has no end of a line."""
    random = np.random.default_rng(seed)
    sentences = [[*random.integers(1, V, length), EOS] for length in lengths]
    return np.array([word for sentence in sentences for word in sentence][:-1], np.int32)


def word2vec_key(chunk: int) -> int:
    return word2vec_reference.splitmix64(chunk)


def word2vec_sampling(keep: float = 0.5) -> Sampling:
    """Each word is kept with a chance between ``keep`` and 1."""
    random, top = np.random.default_rng(3), 2**32
    return Sampling(
        random.integers(int(keep * (top - 1)), top, V).astype(np.uint32),
        random.integers(0, top, V).astype(np.uint32),
        random.integers(2, V, V).astype(np.int32),
    )


def word2vec_edges(words: np.ndarray) -> Sampling:
    """For a sentence of distinct words: every other one is kept by a hair, the rest are not."""
    sampling = word2vec_sampling()
    for number, word in enumerate(words, 1):
        bits = word2vec_reference.splitmix64(word2vec_key(0) + number * word2vec_reference.GOLDEN)
        sampling.keep[word] = (bits >> 32) + number % 2
    return sampling


def compare_word2vec(
    xp: Any,
    ids: np.ndarray,
    settings: Word2VecSettings,
    E: int = 37,
    cuts: Sequence[int] = (),
    *,
    sampling: Sampling | None = None,
    scale: float = 0.3,
    alpha: float = 0.05,
    workers: int = 1,
) -> None:
    """``cuts``: where the text is cut into chunks.

    One worker gives the reference's vectors, to rounding. Several do not see each other's updates in its
    order; where alpha is so small that this does not matter, they must still have made the same ones.
    """
    a, b = normal(1, V, E, scale=scale), normal(2, V, E, scale=scale)
    bounds, sampling = [0, *cuts, len(ids)], sampling or word2vec_sampling()
    alphas = [alpha * (1 - 0.1 * c) for c in range(len(bounds) - 1)]
    keys = [word2vec_key(c) for c in range(len(bounds) - 1)]
    after_a, after_b = a.copy(), b.copy()
    words, examples, loss = word2vec_reference.train_chunks(
        ids, bounds, EOS, UNK, sampling, settings, after_a, after_b, alphas, keys
    )
    with guarded(xp, word2vec_gpu) as guards:
        a2, b2 = guards.output(a), guards.output(b)
        read = guards.input(ids), Sampling(*(guards.input(x) for x in sampling))
        found = word2vec_gpu.train_chunks(
            read[0], bounds, EOS, UNK, read[1], settings, a2, b2, alphas, keys, workers=workers
        )
    assert found[:2] == (words, examples)
    exact = workers == 1
    np.testing.assert_allclose(found[2], loss, rtol=1e-5 if exact else 1e-3)
    for name, before, after, mine in (("input", a, after_a, a2), ("output", b, after_b, b2)):
        expected, actual = ((x - before) / (1 if exact else alpha) for x in (after, to_numpy(mine)))
        atol = 1e-5 * max(1, scale) if exact else 5e-3
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=atol, err_msg=f"{name} vectors")
