"""Batch normalisation by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.errors import ShapeError

GAMMA, BETA = np.array([1.0, 2.0]), np.array([0.0, 10.0])


def test_by_hand() -> None:
    """Features (1, 3, 5, 7), mean 4, variance 5, and (0, 0, 2, 2), mean 1, variance 1."""
    x = np.array([[1, 0], [3, 0], [5, 2], [7, 2]], float)
    y, mean, variance = ops.batch_norm(x, GAMMA, BETA, epsilon=0.0)
    assert mean.numpy().tolist() == [4, 1]
    assert variance.numpy().tolist() == [5, 1]
    np.testing.assert_allclose(y.numpy()[:, 0], np.array([-3, -1, 1, 3]) / np.sqrt(5))
    np.testing.assert_allclose(y.numpy()[:, 1], [8, 8, 12, 12])


def test_a_channel_is_one_feature_at_every_place() -> None:
    """And not one a pixel: the same numbers in another shape give the same."""
    x = np.random.default_rng(1).standard_normal((2, 3, 5, 2))
    image, mean, variance = ops.batch_norm(x, GAMMA, BETA)
    rows, row_mean, row_variance = ops.batch_norm(x.reshape(30, 2), GAMMA, BETA)
    np.testing.assert_array_equal(image.numpy().reshape(30, 2), rows.numpy())
    np.testing.assert_array_equal(mean.numpy(), row_mean.numpy())
    np.testing.assert_array_equal(variance.numpy(), row_variance.numpy())
    normal = (image.numpy() - BETA) / GAMMA
    np.testing.assert_allclose(normal.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(normal.var(axis=(0, 1, 2)), 1, atol=1e-4)


def test_a_shift_or_scale_of_the_input_has_no_gradient() -> None:
    """The result does not change with either, so the gradient is orthogonal to both."""
    x = Tensor(np.random.default_rng(2).standard_normal((7, 2)), requires_grad=True)
    y, _, _ = ops.batch_norm(x, GAMMA, BETA, epsilon=0.0)
    y.backward(np.random.default_rng(3).standard_normal((7, 2)))
    np.testing.assert_allclose(x.grad.sum(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose((x.grad * x.data).sum(axis=0), 0, atol=1e-13)


def test_inference_uses_what_it_is_given() -> None:
    y = ops.batch_norm_inference(
        np.array([[5.0, 1.0]]), GAMMA, BETA, np.array([1.0, 0.0]), np.array([4.0, 0.25]), epsilon=0.0
    )
    assert y.numpy().tolist() == [[2, 14]]


def test_large_means_do_not_spoil_the_variance() -> None:
    x = (1e4 + np.arange(8.0)).astype(np.float32)[:, None]
    _, _, variance = ops.batch_norm(x, np.ones(1, np.float32), np.zeros(1, np.float32))
    np.testing.assert_allclose(variance.numpy(), [5.25], rtol=1e-4)


def test_errors() -> None:
    with pytest.raises(ShapeError, match=r"expected at least 2 values a feature, got x .*: no variance"):
        ops.batch_norm(np.zeros((1, 2)), GAMMA, BETA)
    with pytest.raises(
        ShapeError, match=r"expected x \(B, …, C\), gamma \(C,\), beta \(C,\), got \(4, 3\), \(2,\), \(2,\)"
    ):
        ops.batch_norm(np.zeros((4, 3)), GAMMA, BETA)
    with pytest.raises(ShapeError, match="batch_norm_inference: expected x"):
        ops.batch_norm_inference(np.zeros((4, 2)), GAMMA, BETA, np.zeros(3), np.ones(2))
