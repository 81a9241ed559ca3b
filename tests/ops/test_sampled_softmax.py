"""The sampled softmax: its equation, its limit, and that its minimum is that of the whole softmax."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.autograd.sparse_gradient import to_dense
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.nn.softmax import inclusion_probabilities

V, E = 7, 4


def arrays(N: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x, W, b = random.standard_normal((N, E)), random.standard_normal((V, E)), random.standard_normal(V)
    return x, W, b, random.integers(0, V, N)


def test_it_equals_its_equation() -> None:
    x, W, b, targets = arrays()
    samples, p = np.array([0, 3, 6]), np.linspace(0.1, 0.9, V)
    targets[:3] = 3, 1, -1  # among the samples, not among them, and does not count
    losses = []
    for row, target in zip(x, targets, strict=True):
        if target >= 0:
            s = W @ row + b
            total = sum(math.exp(s[w]) / p[w] for w in {*samples.tolist(), target})
            losses.append(math.log(total) - s[target])
    found = ops.sampled_cross_entropy(x, W, b, targets, samples, p)
    assert found.item() == pytest.approx(np.mean(losses), rel=1e-12)
    none = ops.sampled_cross_entropy(x, W, None, targets, samples, p)
    zero = ops.sampled_cross_entropy(x, W, np.zeros(V), targets, samples, p)
    assert none.item() == zero.item()
    assert ops.sampled_cross_entropy(x, W, b, np.full(5, -1), samples, p).item() == 0


def test_large_scores_do_not_overflow() -> None:
    x, W, b, targets = arrays()
    loss = ops.sampled_cross_entropy(1e4 * x, W, b, targets, np.array([1, 2]), np.ones(V))
    assert np.isfinite(loss.item())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_with_all_words_it_is_the_whole_softmax(dtype: type) -> None:
    x, W, b, targets = arrays()
    targets[0] = -1
    results = []
    for sampled in (False, True):
        leaves = [Tensor(a.astype(dtype), requires_grad=True) for a in (x, W, b)]
        if sampled:
            loss = ops.sampled_cross_entropy(*leaves, targets, np.arange(V), np.ones(V))
        else:
            loss = ops.linear_cross_entropy(*leaves, targets)
        loss.backward()
        results.append([loss.numpy(), *(to_dense(leaf.grad) for leaf in leaves)])
    for whole, estimate in zip(*results, strict=True):
        np.testing.assert_allclose(estimate, whole, atol=1e-6 if dtype is np.float32 else 1e-14)


def test_the_true_scores_are_the_minimum_for_any_probabilities_of_the_samples() -> None:
    """Over all samples with their probabilities, and all targets with theirs, the gradient is zero there."""
    words = 4
    p, drawn = np.array([0.4, 0.3, 0.2, 0.1]), np.array([1, 0.2, 0.3, 0.7])
    gradients = {"true": np.zeros(words), "other": np.zeros(words)}
    for name, scores in (("true", np.log(p) + 0.7), ("other", np.log(drawn))):
        for inside in itertools.product((True, False), repeat=words):
            chance = np.where(inside, drawn, 1 - drawn).prod()
            for target in range(words):
                b = Tensor(scores.copy(), requires_grad=True)
                loss = ops.sampled_cross_entropy(
                    np.zeros((1, 1)),
                    np.zeros((words, 1)),
                    b,
                    np.array([target]),
                    np.flatnonzero(inside),
                    drawn,
                )
                loss.backward()
                gradients[name] += p[target] * chance * b.grad
    np.testing.assert_allclose(gradients["true"], 0, atol=1e-12)
    assert np.abs(gradients["other"]).max() > 0.01


def test_mistakes() -> None:
    x, W, b, targets = arrays()
    with pytest.raises(UsageError, match="expected samples between 0 and 6, got 3 to 7"):
        ops.sampled_cross_entropy(x, W, b, targets, np.array([3, 7]), np.ones(V))
    with pytest.raises(UsageError, match="expected targets between 0 and 6"):
        ops.sampled_cross_entropy(x, W, b, targets + 7, np.array([3]), np.ones(V))
    for samples in ([3, 3], [3, 2]):
        with pytest.raises(UsageError, match="distinct samples in ascending order"):
            ops.sampled_cross_entropy(x, W, b, targets, np.array(samples), np.ones(V))
    with pytest.raises(ShapeError, match="inclusion"):
        ops.sampled_cross_entropy(x, W, b, targets, np.array([3]), np.ones(3))


def test_the_layer_samples_in_training_alone() -> None:
    layer, whole = nn.Softmax(E, 50, samples=9, generator=0), nn.Softmax(E, 50, generator=0)
    x = Tensor(np.random.default_rng(2).standard_normal((3, 2, E)).astype(np.float32))
    targets = np.array([[1, 2], [3, 4], [5, -1]])
    with pytest.raises(UsageError, match="sampled softmax needs a generator"):
        layer.loss(x, targets)
    first = layer.loss(x, targets, Generator(1)).item()
    assert layer.loss(x, targets, Generator(1)).item() == first
    assert layer.loss(x, targets, Generator(2)).item() != first
    layer.eval()
    assert layer.loss(x, targets).item() == whole.loss(x, targets).item()
    with pytest.raises(UsageError, match="expected samples below the 50 words of the vocabulary, got 50"):
        nn.Softmax(E, 50, samples=50)


def test_words_are_drawn_as_often_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[np.ndarray] = []

    def spy(*given: Any) -> Tensor:
        drawn.append(given[4])
        np.testing.assert_array_equal(given[5], inclusion_probabilities(200, 60))
        return Tensor(np.zeros(()))

    monkeypatch.setattr("seqkit.ops.sampled_cross_entropy", spy)
    layer, generator, steps = nn.Softmax(E, 200, samples=60, generator=0), Generator(3), 3000
    for _ in range(steps):
        layer.loss(Tensor(np.zeros((1, E), np.float32)), np.array([0]), generator)
    p = inclusion_probabilities(200, 60).astype(np.float64)
    often = np.bincount(np.concatenate(drawn), minlength=200) / steps
    np.testing.assert_allclose(often, p, atol=5 * 0.5 / steps**0.5)
    sizes = [len(each) for each in drawn]
    assert np.mean(sizes) == pytest.approx(60, abs=5 * np.sqrt((p * (1 - p)).sum() / steps))


@pytest.mark.parametrize(("V", "S"), [(2, 1), (7, 1), (7, 6), (10_000, 1024), (250_000, 4096)])
def test_the_probabilities_of_samples(V: int, S: int) -> None:
    p = inclusion_probabilities(V, S).astype(np.float64)
    assert p.sum() == pytest.approx(S, abs=2**-23 * V)
    assert 0 < p.min() <= p.max() <= 1
    certain = np.count_nonzero(p == 1)
    rest = p[certain:] * np.arange(certain + 1, V + 1)
    np.testing.assert_allclose(rest, rest[0], rtol=1e-3)
    assert rest[0] <= certain + 1 + 1e-6  # the most frequent that is not certain could not be more probable


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_samples_at_all(dtype: type) -> None:
    *floats, targets = arrays()
    x, W, b = (Tensor(a.astype(dtype), requires_grad=True) for a in floats)
    loss = ops.sampled_cross_entropy(x, W, b, targets, np.empty(0, np.int64), np.full(V, 0.5))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert not any(to_dense(leaf.grad).any() for leaf in (x, W, b))
