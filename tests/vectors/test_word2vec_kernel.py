"""The compiled word2vec trainer against its reference, and the reference against the differentiable loss."""

import dataclasses
import itertools

import numpy as np
import pytest

from seqkit.autograd import Tensor
from seqkit.backend.kernels import numba_missing
from seqkit.backend.kernels.word2vec import reference
from seqkit.backend.kernels.word2vec.reference import GOLDEN, Sampling, splitmix64
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from tests.exhaustive import some

V, E = 53, 16
EOS, UNK = 0, 1


def _text(random: np.random.Generator, length: int = 600) -> np.ndarray:
    return random.integers(0, V, length).astype(np.int32)


def _sampling(random: np.random.Generator) -> Sampling:
    return Sampling(
        random.integers(2**31, 2**32, V).astype(np.uint32),
        random.integers(0, 2**32, V).astype(np.uint32),
        random.integers(2, V, V).astype(np.int32),
    )


def _vectors(random: np.random.Generator, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    return tuple((0.3 * random.standard_normal((V, E))).astype(dtype) for _ in range(2))  # type: ignore[return-value]


def _settings(flags: tuple[bool, ...]) -> Word2VecSettings:
    sg, shrink, mean, true_gradient = flags
    return Word2VecSettings(
        sg=sg, window=3, shrink_windows=shrink, negative=4, cbow_mean=mean, true_gradient=true_gradient
    )


ALL_SETTINGS = [_settings(flags) for flags in itertools.product((False, True), repeat=4)]
LOCKS = {"free": None, "locked": np.linspace(0, 1.5, V).astype(np.float32)}


@pytest.mark.skipif(numba_missing() is not None, reason=f"no compiled kernels: {numba_missing()}")
@pytest.mark.parametrize("settings", some(ALL_SETTINGS, 2), ids=str)
@pytest.mark.parametrize("locks", LOCKS)
def test_compiled_equals_reference(settings: Word2VecSettings, locks: str) -> None:
    from seqkit.backend.kernels.word2vec import cpu

    random = np.random.default_rng(7)
    ids, sampling, (a, b) = _text(random), _sampling(random), _vectors(random)
    expected_a, expected_b, found_a, found_b = a.copy(), b.copy(), a.copy(), b.copy()
    expected = reference.train_chunk(
        ids, EOS, UNK, sampling, settings, expected_a, expected_b, 0.05, 99, LOCKS[locks]
    )
    found = cpu.train_chunk(ids, EOS, UNK, sampling, settings, found_a, found_b, 0.05, 99, LOCKS[locks])
    assert found[:2] == expected[:2]
    assert abs(a - found_a).max() > 0.1  # training changes something
    # sigmoids come from a table with steps of 1/128, so they differ by 1/1024 at most
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-3)
    np.testing.assert_allclose(found_a, expected_a, atol=5e-3)
    np.testing.assert_allclose(found_b, expected_b, atol=5e-3)


@pytest.mark.skipif(numba_missing() is not None, reason=f"no compiled kernels: {numba_missing()}")
@pytest.mark.parametrize("sg", [False, True])
def test_lock_factors_of_one_change_no_bit_and_of_zero_hold_a_vector(sg: bool) -> None:
    from seqkit.backend.kernels.word2vec import cpu

    random = np.random.default_rng(7)
    ids, sampling, (a, b) = _text(random), _sampling(random), _vectors(random)
    settings = Word2VecSettings(sg=sg, window=3, negative=4)
    factors = np.ones(V, np.float32)
    results = []
    for locks in (None, factors):
        results.append((a.copy(), b.copy()))
        cpu.train_chunk(ids, EOS, UNK, sampling, settings, *results[-1], 0.05, 99, locks)
    np.testing.assert_array_equal(results[0], results[1])
    factors[5:30] = 0
    for train_chunk in (cpu.train_chunk, reference.train_chunk):
        after = a.copy()
        train_chunk(ids, EOS, UNK, sampling, settings, after, b.copy(), 0.05, 99, factors)
        np.testing.assert_array_equal(after[5:30], a[5:30])
        assert abs(after[30:] - a[30:]).max() > 0.1


@pytest.mark.parametrize("window", [1, 2, 5])
def test_words_examples_and_windows_are_counted(window: int) -> None:
    random = np.random.default_rng(3)
    a, b = _vectors(random)
    everything = Sampling(np.full(V, 2**32 - 1, np.uint32), np.zeros(V, np.uint32), np.full(V, 2, np.int32))
    ids = np.array([5, 6, UNK, 7, EOS, 8, EOS, EOS, 9, 10], np.int32)  # a sentence of 3, of 1, of 0, of 2
    full = Word2VecSettings(sg=True, window=window, shrink_windows=False, negative=2)
    words, pairs, _ = reference.train_chunk(ids, EOS, UNK, everything, full, a, b, 0.05, 1)
    assert words == 6
    assert pairs == (4 if window == 1 else 6) + 2
    means = dataclasses.replace(full, sg=False)
    cbow = reference.train_chunk(ids, EOS, UNK, everything, means, a, b, 0.05, 1)
    assert cbow[:2] == (6, 5)


@pytest.mark.parametrize("mean", [True, False])
def test_true_gradient_is_that_of_the_loss(mean: bool) -> None:
    """One CBOW example: the step over the learning rate is the negative gradient of its loss."""
    random = np.random.default_rng(11)
    a, b = _vectors(random, np.float64)
    negatives = [20, 21, 22]
    everything = Sampling(
        np.full(V, 2**32 - 1, np.uint32), np.zeros(V, np.uint32), np.full(V, 20, np.int32)
    )._replace(alias=np.arange(V, dtype=np.int32))
    ids, alpha, key = np.array([5, 6], np.int32), 1e-6, 4
    settings = Word2VecSettings(
        window=2, shrink_windows=False, negative=len(negatives), cbow_mean=mean, true_gradient=True
    )
    after_a, after_b = a.copy(), b.copy()
    reference.train_chunk(ids, EOS, UNK, everything, settings, after_a, after_b, alpha, key)

    def drawn(first: int) -> list[int]:
        bits = [splitmix64(key + (first + k) * GOLDEN) for k in range(len(negatives))]
        return [((x & 0xFFFFFFFF) * V) >> 32 for x in bits]

    inputs, outputs = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    total = None
    for centre, other, first in ((5, 6, 4), (6, 5, 8)):  # two keeps, then a window and three draws each
        h = inputs[np.array([other])].sum(axis=0)
        for k, word in enumerate([centre, *drawn(first)]):
            if k and word == centre:
                continue
            score = (h * outputs[word]).sum()
            loss = ((score * (-1.0 if k == 0 else 1.0)).exp() + 1.0).log()
            total = loss if total is None else total + loss
    assert total is not None
    total.backward()
    np.testing.assert_allclose((a - after_a) / alpha, inputs.grad, atol=1e-5)
    np.testing.assert_allclose((b - after_b) / alpha, outputs.grad, atol=1e-5)
