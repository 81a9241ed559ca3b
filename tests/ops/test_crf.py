"""Conditional random fields: equal to all paths counted one by one, and defined at the edges."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor, gradient_check
from seqkit.errors import ShapeError, UsageError
from seqkit.ops.crf import marginals, viterbi


def scores(B: int, T: int, K: int, dtype: Any = np.float64, scale: float = 1.0) -> list[np.ndarray]:
    random = np.random.default_rng(B + 10 * T + 100 * K)
    shapes: tuple[tuple[int, ...], ...] = ((B, T, K), (K,), (K, K), (K,))
    return [np.asarray(scale * random.standard_normal(shape), dtype) for shape in shapes]


def every_path(
    e: np.ndarray, start: np.ndarray, W: np.ndarray, end: np.ndarray
) -> dict[tuple[int, ...], float]:
    """The score of each path of one sentence e (T, K), term by term."""
    T, K = e.shape
    paths = {}
    for path in itertools.product(range(K), repeat=T):
        total = start[path[0]] + end[path[-1]] + sum(e[t, tag] for t, tag in enumerate(path))
        paths[path] = float(total + sum(W[a, b] for a, b in itertools.pairwise(path)))
    return paths


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize(("T", "K"), [(1, 3), (2, 5), (5, 2), (4, 3), (5, 1)])
def test_all_paths(T: int, K: int, forbidden: bool, dtype: Any) -> None:
    e, start, W, end = scores(2, T, K, dtype)
    if forbidden and K > 1:
        start[0] = W[1, 0] = -np.inf
        if K > 2:
            W[0, 0] = W[2, 2] = end[K - 1] = -np.inf
    found = ops.crf_log_partition(*map(Tensor, (e, start, W, end))).numpy()
    tags, best = viterbi(e, start, W, end)
    shares = marginals(e, start, W, end)
    for b in range(2):
        paths = every_path(e[b], start, W, end)
        total = np.log(sum(np.exp(score) for score in paths.values()))
        assert found[b] == pytest.approx(total, abs=1e-5)
        path = max(paths, key=lambda path: paths[path])
        assert tuple(tags[b]) == path
        assert best[b] == pytest.approx(paths[path], abs=1e-5)
        expected = np.zeros((T, K))
        for path, score in paths.items():
            for t, tag in enumerate(path):
                expected[t, tag] += np.exp(score - total)
        np.testing.assert_allclose(shares[b], expected, atol=1e-5)
        given = ops.crf_path_score(*map(Tensor, (e, start, W, end)), tags).numpy()
        assert given[b] == pytest.approx(best[b], abs=1e-5)


def test_two_tags_by_hand() -> None:
    """Two tokens, tags 0 and 1: the paths 00, 01, 10, 11 have the scores 1, 2, 0 and 5."""
    e = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    W = np.array([[0.0, 0.0], [0.0, 4.0]])
    zero = np.zeros(2)
    total = ops.crf_log_partition(Tensor(e), Tensor(zero), Tensor(W), Tensor(zero)).item()
    assert total == pytest.approx(np.log(np.exp(1) + np.exp(2) + np.exp(0) + np.exp(5)))
    assert viterbi(e, zero, W, zero)[0].tolist() == [[1, 1]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_padding_and_empty_rows(dtype: Any) -> None:
    e, start, W, end = scores(3, 5, 4, dtype)
    mask = np.arange(5) < np.array([[5], [2], [0]])
    e[~mask] = np.nan  # nothing of it is read
    tensors = [Tensor(x, requires_grad=True) for x in (e, start, W, end)]
    found = ops.crf_log_partition(*tensors, mask)
    alone = ops.crf_log_partition(*(Tensor(x) for x in (e[1:2, :2], start, W, end))).item()
    assert found.numpy()[1] == pytest.approx(alone, rel=1e-5)
    assert found.numpy()[2] == 0
    loss = found - ops.crf_path_score(*tensors, np.full((3, 5), 1), mask)
    assert loss.numpy()[2] == 0
    loss.sum().backward()
    for tensor in tensors:
        assert np.isfinite(tensor.grad).all()
    assert not np.asarray(tensors[0].grad)[~mask].any()
    tags, best = viterbi(e, start, W, end, mask)
    assert tags[1].tolist()[2:] == [-1] * 3
    assert (tags[2].tolist(), best[2]) == ([-1] * 5, 0)
    assert not marginals(e, start, W, end, mask)[~mask].any()


def test_what_is_forbidden_gets_no_gradient_and_is_never_decoded() -> None:
    e, start, W, end = scores(7, 6, 3, np.float32, scale=30)
    W[:, 2] = -np.inf
    start[2] = -np.inf
    tensors = [Tensor(x, requires_grad=True) for x in (e, start, W, end)]
    ops.crf_log_partition(*tensors).sum().backward()
    assert not np.asarray(tensors[0].grad)[:, :, 2].any()
    assert not np.asarray(tensors[2].grad)[:, 2].any()
    assert np.asarray(tensors[1].grad)[2] == 0
    assert viterbi(e, start, W, end)[0].max() == 1


def test_no_path_at_all() -> None:
    e, start, _, end = scores(1, 2, 2)
    nowhere = np.full((2, 2), -np.inf)
    assert ops.crf_log_partition(Tensor(e), Tensor(start), Tensor(nowhere), Tensor(end)).item() == -np.inf


def test_gradient_with_large_scores() -> None:
    """Where probabilities round to 0 and 1, the sums stay finite."""
    gradient_check(lambda *t: ops.crf_log_partition(*t), *scores(2, 3, 5, scale=40))


def test_a_tie_goes_to_the_lower_tag() -> None:
    zero = np.zeros(3, np.float32)
    tags, _ = viterbi(np.zeros((1, 4, 3), np.float32), zero, np.zeros((3, 3), np.float32), zero)
    assert tags.tolist() == [[0, 0, 0, 0]]


def test_mistakes() -> None:
    e, start, W, end = map(Tensor, scores(2, 3, 4))
    with pytest.raises(
        ShapeError,
        match=r"crf: expected emissions \(B, T, K\), start \(K,\), transitions \(K, K\), end \(K,\), got",
    ):
        ops.crf_log_partition(e, start, Tensor(np.zeros((4, 5))), end)
    with pytest.raises(ShapeError, match="with steps and tags, got"):
        ops.crf_log_partition(Tensor(np.zeros((2, 0, 4))), start, W, end)
    with pytest.raises(ShapeError, match=r"mask \(B, T\), got \(2, 3, 4\), .*, \(3, 2\)$"):
        ops.crf_log_partition(e, start, W, end, np.ones((3, 2), bool))
    with pytest.raises(UsageError, match="got a gap in the mask"):
        ops.crf_log_partition(e, start, W, end, np.array([[True, False, True], [True, True, True]]))
    with pytest.raises(UsageError, match="expected tags between 0 and 3, got 0 to 4"):
        ops.crf_path_score(e, start, W, end, np.array([[0, 1, 4], [0, 0, 0]]))
    with pytest.raises(ShapeError, match=r"tags \(B, T\), got \(2, 3, 4\), \(2, 2\)"):
        ops.crf_path_score(e, start, W, end, np.zeros((2, 2), int))
