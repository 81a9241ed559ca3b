"""Clipping by numbers: 3, 4 and 12 have the norm 13."""

import numpy as np
import pytest

from seqkit.autograd import RowGradient
from seqkit.errors import UsageError
from seqkit.optim import clip_grad_norm, clip_grad_value


@pytest.fixture
def parameters(leaf):
    W, b = leaf(np.zeros((3, 2))), leaf([0.0], [12.0])
    W.grad = RowGradient(np.array([1]), np.array([[3.0, -4.0]]), (3, 2))
    return [W, leaf([0.0]), b]


def test_norm_over_rows_and_arrays(parameters):
    norm = clip_grad_norm(parameters, 6.5)
    assert isinstance(norm, np.ndarray)
    assert norm.shape == ()
    assert norm == 13.0
    scale = 6.5 / 13.000001
    np.testing.assert_allclose(parameters[0].grad.values, [[3 * scale, -4 * scale]], rtol=1e-15)
    np.testing.assert_allclose(parameters[2].grad, [12 * scale], rtol=1e-15)
    assert parameters[1].grad is None


def test_below_the_bound_nothing_changes(parameters):
    assert clip_grad_norm(parameters, 13.001) == 13.0
    assert parameters[0].grad.values.tolist() == [[3.0, -4.0]]
    assert parameters[2].grad.tolist() == [12.0]


def test_after_clipping_the_norm_is_the_bound(parameters):
    clip_grad_norm(parameters, 0.25)
    assert clip_grad_norm(parameters, 1.0) == pytest.approx(0.25, rel=1e-6)


def test_tied_parameters_count_once(leaf):
    p = leaf([0.0, 0.0], [3.0, 4.0])
    assert clip_grad_norm([("a", p), ("b", p)], 2.5) == 5.0
    np.testing.assert_allclose(p.grad, [1.5, 2.0], rtol=1e-6)


def test_gradients_are_changed_in_place(leaf):
    p = leaf([0.0, 0.0], [3.0, 4.0])
    gradient = p.grad
    clip_grad_norm([p], 2.5)
    assert p.grad is gradient
    clip_grad_value([p], 1.75)
    assert p.grad is gradient
    np.testing.assert_allclose(gradient, [1.5, 1.75], rtol=1e-6)


def test_a_gradient_without_axes_is_clipped(leaf):
    p = leaf(0.0)
    p.grad = np.float64(8.0)  # as NumPy's arithmetic leaves it
    clip_grad_norm([p], 2.0)
    assert float(p.grad) == pytest.approx(2.0, rel=1e-6)


def test_float32_squares_do_not_overflow(leaf):
    p = leaf([0.0, 0.0], [3e30, 4e30], np.float32)
    assert clip_grad_norm([p], 1.0) == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-6)


def test_a_long_float32_sum_is_exact(leaf):
    p = leaf(np.zeros(2**20), dtype=np.float32)
    p.grad = np.full(2**20, 0.5, np.float32)
    p.grad[0] = 4096.0  # in float32 each 0.25 would vanish beside its 2**24
    assert clip_grad_norm([p], 1e9) == np.sqrt(2.0**24 + (2**20 - 1) / 4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_norm_that_is_not_finite_shows(leaf, bad, dtype):
    a, b = leaf([0.0, 0.0], [1.0, bad], dtype), leaf([0.0], [2.0], dtype)
    norm = clip_grad_norm([a, b], 1.0)
    assert not np.isfinite(norm)
    assert np.isnan(a.grad).any()


def test_without_gradients_the_norm_is_zero(leaf):
    assert clip_grad_norm([leaf([1.0])], 1.0) == 0.0


def test_values(parameters):
    clip_grad_value(parameters, 3.5)
    assert parameters[0].grad.values.tolist() == [[3.0, -3.5]]
    assert parameters[2].grad.tolist() == [3.5]


def test_clipping_by_value_keeps_nan(leaf):
    p = leaf([0.0, 0.0], [np.nan, np.inf])
    clip_grad_value([p], 1.0)
    np.testing.assert_array_equal(p.grad, [np.nan, 1.0])


@pytest.mark.parametrize("bound", [0, -1.0, float("nan")])
def test_bounds_must_be_positive(leaf, bound):
    with pytest.raises(UsageError, match="expected max_norm to be above 0, got"):
        clip_grad_norm([leaf([1.0])], bound)
    with pytest.raises(UsageError, match="expected max_value to be above 0, got"):
        clip_grad_value([leaf([1.0])], bound)
