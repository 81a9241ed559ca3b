"""Pooling by hand: values, where gradients go, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.errors import ShapeError, UsageError
from tests.ops.test_convolution import image, picture


def gradient(op: Any, x: np.ndarray, dy: list[list[float]], **settings: Any) -> list[list[float]]:
    tensor = Tensor(x, requires_grad=True)
    op(tensor, **settings).backward(image(*dy))
    return tensor.grad[0, :, :, 0].tolist()


TEXTBOOK = image([1, 2, 1, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 4, 0, 1])


def test_the_textbooks_example() -> None:
    """'Deep Learning from Scratch', section 7.3."""
    assert picture(ops.max_pool2d(TEXTBOOK)) == [[2, 3], [4, 2]]
    dx = gradient(ops.max_pool2d, TEXTBOOK, [[10, 20], [30, 40]])
    assert dx == [[0, 10, 0, 0], [0, 0, 0, 20], [0, 0, 0, 40], [0, 30, 0, 0]]


def test_average() -> None:
    assert picture(ops.average_pool2d(TEXTBOOK)) == [[1, 1.5], [2.25, 1]]
    dx = gradient(ops.average_pool2d, TEXTBOOK, [[4, 8], [0, -4]])
    assert dx == [[1, 1, 2, 2], [1, 1, 2, 2], [0, 0, -1, -1], [0, 0, -1, -1]]


def test_average_counts_the_padding_as_zeros() -> None:
    assert picture(ops.average_pool2d(image([4, 8]), size=(1, 2), padding=(0, 1))) == [[2, 4]]


def test_the_first_of_equals_gets_the_gradient() -> None:
    assert gradient(ops.max_pool2d, image([5, 5], [5, 5]), [[1]]) == [[1, 0], [0, 0]]


def test_windows_that_overlap_add_up() -> None:
    x = image([1, 9, 2])
    assert picture(ops.max_pool2d(x, size=(1, 2), stride=1)) == [[9, 9]]
    assert gradient(ops.max_pool2d, x, [[1, 10]], size=(1, 2), stride=1) == [[0, 11, 0]]
    assert gradient(ops.average_pool2d, x, [[2, 4]], size=(1, 2), stride=1) == [[1, 3, 2]]


def test_what_no_window_covers_is_left_out() -> None:
    x = image([1, 2, 9], [3, 4, 9], [9, 9, 9])
    assert picture(ops.max_pool2d(x)) == [[4]]
    assert gradient(ops.max_pool2d, x, [[1]]) == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_padding_never_wins() -> None:
    assert picture(ops.max_pool2d(image([-3, -5]), size=(1, 2), padding=(0, 1))) == [[-3, -5]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("settings", [{}, {"size": 3, "stride": 2, "padding": 1}], ids=str)
def test_relu_and_pooling_in_one(settings: dict, dtype: Any, random: np.random.Generator) -> None:
    """max(0, largest) is the largest of max(0, ·), gradient included."""
    x = (random.standard_normal((3, 6, 8, 5)) - 1.2).astype(dtype)
    results = []
    for op in (
        lambda t: ops.max_pool2d(t, relu=True, **settings),
        lambda t: ops.max_pool2d(ops.relu(t), **settings),
    ):
        tensor = Tensor(x, requires_grad=True)
        y = op(tensor)
        y.backward(np.cos(np.arange(y.size)).reshape(y.shape).astype(dtype))
        results.append((y.numpy(), tensor.grad * (x > 0)))  # ReLU zeros it where the maximum is 0
    assert (results[0][0] == 0).any()
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("stride", [2, 1])
def test_nan_is_the_largest(stride: int, place: int, dtype: Any) -> None:
    """A diverging run must not be hidden by a maximum that passes over it."""
    x = np.ones((1, 2, 2, 3), dtype)
    x.reshape(4, 3)[place, 1] = np.nan
    for relu in (False, True):
        y = ops.max_pool2d(x, stride=stride, relu=relu).numpy()
        assert np.isnan(y[0, 0, 0]).tolist() == [False, True, False]


def test_a_window_of_more_than_255_places(random: np.random.Generator) -> None:
    x = random.standard_normal((2, 17, 19, 3)).astype(np.float32)
    tensor = Tensor(x, requires_grad=True)
    y = ops.max_pool2d(tensor, size=(17, 19))
    np.testing.assert_array_equal(y.numpy()[:, 0, 0], x.max(axis=(1, 2)))
    y.sum().backward()
    np.testing.assert_array_equal(tensor.grad == 1, x == x.max(axis=(1, 2), keepdims=True))


def test_errors() -> None:
    x = np.zeros((2, 4, 5, 3))
    with pytest.raises(ShapeError, match=r"max_pool2d: expected x \(B, H, W, C\), got \(4, 5, 3\)"):
        ops.max_pool2d(x[0])
    with pytest.raises(
        UsageError, match=r"expected padding to be at most half of the size \(2, 2\), got \(2, 2\)"
    ):
        ops.average_pool2d(x, padding=2)
    with pytest.raises(ShapeError, match="no window of 5 by 5 fits an image of 4 by 5"):
        ops.max_pool2d(x, size=5)
    with pytest.raises(UsageError, match="expected size to be"):
        ops.max_pool2d(x, size=(2, 0))
