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

V, E = 7, 4


def arrays(N: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x, W, b = random.standard_normal((N, E)), random.standard_normal((V, E)), random.standard_normal(V)
    return x, W, b, random.integers(0, V, N)


def test_it_equals_its_equation() -> None:
    x, W, b, targets = arrays()
    samples, q = np.array([3, 0, 3, 6]), np.linspace(0.1, 0.9, V)
    targets[2] = -1  # does not count
    losses = []
    for row, target in zip(x, targets, strict=True):
        if target >= 0:
            s = W @ row + b
            total = math.exp(s[target]) / q[target] + sum(math.exp(s[w]) / q[w] for w in samples)
            losses.append(math.log(total) - s[target])
    found = ops.sampled_cross_entropy(x, W, b, targets, samples, np.log(q))
    assert found.item() == pytest.approx(np.mean(losses), rel=1e-12)
    none = ops.sampled_cross_entropy(x, W, None, targets, samples, np.log(q))
    zero = ops.sampled_cross_entropy(x, W, np.zeros(V), targets, samples, np.log(q))
    assert none.item() == zero.item()
    assert ops.sampled_cross_entropy(x, W, b, np.full(5, -1), samples, np.log(q)).item() == 0


def test_large_scores_do_not_overflow() -> None:
    x, W, b, targets = arrays()
    loss = ops.sampled_cross_entropy(1e4 * x, W, b, targets, np.array([1, 2]), np.zeros(V))
    assert np.isfinite(loss.item())


def test_many_samples_give_the_gradient_of_the_whole_softmax() -> None:
    x, W, b, targets = arrays()
    S, q = 400_000, np.arange(1, V + 1) / np.arange(1, V + 1).sum()
    samples = np.random.default_rng(1).choice(V, S, p=q)
    results = []
    for sampled in (False, True):
        leaves = [Tensor(a, requires_grad=True) for a in (x, W, b)]
        if sampled:
            loss = ops.sampled_cross_entropy(*leaves, targets, samples, np.log(S * q))
        else:
            loss = ops.linear_cross_entropy(*leaves, targets)
        loss.backward()
        results.append([loss.numpy(), *(to_dense(leaf.grad) for leaf in leaves)])
    for whole, estimate in zip(*results, strict=True):
        np.testing.assert_allclose(estimate, whole, atol=0.01)


@pytest.mark.parametrize("S", [1, 2, 3])
def test_the_true_scores_are_the_minimum_for_any_number_of_samples(S: int) -> None:
    """Over all samples with their probabilities, and all targets with theirs, the gradient is zero there."""
    words = 4
    p, q = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])
    gradients = {"true": np.zeros(words), "other": np.zeros(words)}
    for name, scores in (("true", np.log(p) + 0.7), ("other", np.log(q))):
        for drawn in itertools.product(range(words), repeat=S):
            for target in range(words):
                b = Tensor(scores.copy(), requires_grad=True)
                samples, x = np.array(drawn), np.zeros((1, 1))
                loss = ops.sampled_cross_entropy(
                    x, np.zeros((words, 1)), b, np.array([target]), samples, np.log(S * q)
                )
                loss.backward()
                gradients[name] += p[target] * q[samples].prod() * b.grad
    np.testing.assert_allclose(gradients["true"], 0, atol=1e-12)
    assert np.abs(gradients["other"]).max() > 0.01


def test_mistakes() -> None:
    x, W, b, targets = arrays()
    with pytest.raises(UsageError, match="expected samples between 0 and 6, got 3 to 7"):
        ops.sampled_cross_entropy(x, W, b, targets, np.array([3, 7]), np.zeros(V))
    with pytest.raises(UsageError, match="expected targets between 0 and 6"):
        ops.sampled_cross_entropy(x, W, b, targets + 7, np.array([3]), np.zeros(V))
    with pytest.raises(ShapeError, match="log_expected"):
        ops.sampled_cross_entropy(x, W, b, targets, np.array([3]), np.zeros(3))


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
    seen: dict[str, Any] = {}

    def spy(*given: Any) -> Tensor:
        seen["samples"], seen["log_expected"] = given[4:]
        return Tensor(np.zeros(()))

    monkeypatch.setattr("seqkit.ops.sampled_cross_entropy", spy)
    layer = nn.Softmax(E, 100_001, samples=100_000, generator=0)
    layer.loss(Tensor(np.zeros((1, E), np.float32)), np.array([0]), Generator(3))
    expected = np.exp(seen["log_expected"].astype(np.float64))
    assert expected.sum() == pytest.approx(100_000, rel=1e-5)
    counts = np.bincount(seen["samples"], minlength=100_001)
    for first, last in ((0, 1), (1, 5), (5, 100), (100, 5000), (5000, 100_001)):
        share = expected[first:last].sum()
        assert counts[first:last].sum() == pytest.approx(share, abs=5 * share**0.5)
