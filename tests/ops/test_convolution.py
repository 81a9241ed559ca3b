"""Convolution by hand: values, gradients, errors. Images are channels last."""

from __future__ import annotations

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.errors import ShapeError, UsageError
from seqkit.ops import windows


def image(*rows: list[float]) -> np.ndarray:
    """One image of one channel."""
    return np.array(rows, float)[None, :, :, None]


def picture(y: Tensor) -> list[list[float]]:
    """The first image's first channel."""
    return y.numpy()[0, :, :, 0].tolist()


STAIRS = image([1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1])
CORNER = np.array([[2, 0, 1], [0, 1, 2], [1, 0, 2]], float)[None, :, :, None]


def test_the_textbooks_example() -> None:
    """'Deep Learning from Scratch', section 7.2: nothing is flipped; bias 3; padding 1; stride 2."""
    assert picture(ops.conv2d(STAIRS, CORNER)) == [[15, 16], [6, 15]]
    assert picture(ops.conv2d(STAIRS, CORNER, np.array([3.0]))) == [[18, 19], [9, 18]]
    padded = picture(ops.conv2d(STAIRS, CORNER, padding=1))
    assert padded == [[7, 12, 10, 2], [4, 15, 16, 10], [10, 6, 15, 6], [8, 10, 4, 3]]
    assert picture(ops.conv2d(STAIRS, CORNER, padding=1, stride=2)) == [[7, 10], [10, 15]]


def test_down_and_across_are_told_apart() -> None:
    y = ops.conv2d(np.zeros((2, 7, 11, 3)), np.zeros((5, 3, 2, 3)), stride=(2, 3), padding=(1, 0))
    assert y.shape == (2, (7 + 2 - 3) // 2 + 1, (11 - 2) // 3 + 1, 5)


def test_each_filter_reads_all_channels() -> None:
    x = np.array([[[[1.0, 10.0], [2.0, 20.0]]]])  # 1 by 2 pixels of two channels
    W = np.array([[[[1.0, 1.0]]], [[[1.0, -1.0]]], [[[0.0, 2.0]]]])  # three filters of one pixel
    assert ops.conv2d(x, W).numpy().tolist() == [[[[11, -9, 20], [22, -18, 40]]]]


def test_gradients_by_hand() -> None:
    """y = (1·a + 2·b, 2·a + 3·b) + c for a filter (a, b) over (1, 2, 3), with gradients 1 and 10."""
    x = Tensor(image([1, 2, 3]), requires_grad=True)
    W = Tensor(np.array([4.0, 5.0]).reshape(1, 1, 2, 1), requires_grad=True)
    b = Tensor(np.array([1.0]), requires_grad=True)
    y = ops.conv2d(x, W, b)
    assert picture(y) == [[15, 24]]
    y.backward(np.array([1.0, 10.0]).reshape(1, 1, 2, 1))
    assert x.grad.ravel().tolist() == [4, 5 + 40, 50]
    assert W.grad.ravel().tolist() == [1 + 20, 2 + 30]
    assert b.grad.tolist() == [11]


def test_relu_is_that_of_the_result() -> None:
    x, W, b = np.array([[[[-3.0], [2.0]]]]), np.ones((1, 1, 1, 1)), np.array([1.0])
    tensor = Tensor(x, requires_grad=True)
    y = ops.conv2d(tensor, W, b, relu=True)
    assert picture(y) == [[0, 3]]
    y.sum().backward()
    assert tensor.grad.ravel().tolist() == [0, 1]


@pytest.mark.parametrize("pool", [2, 3])
@pytest.mark.parametrize("relu", [False, True])
def test_pooling_in_the_same_pass(relu: bool, pool: int, random: np.random.Generator) -> None:
    """It is pooling of the result, gradients included."""
    arrays = [random.standard_normal(shape) for shape in ((2, 8, 9, 3), (5, 2, 2, 3), (5,))]
    results = []
    for fused in (True, False):
        tensors = [Tensor(x, requires_grad=True) for x in arrays]
        y = ops.conv2d(*tensors, relu=relu, pool=pool if fused else 1)
        y = y if fused else ops.max_pool2d(y, size=pool)
        y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
        results.append([y.numpy(), *(x.grad for x in tensors)])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("settings", [{}, {"stride": 2}, {"padding": 1, "relu": True, "pool": 2}], ids=str)
def test_a_batch_in_several_blocks(
    settings: dict, monkeypatch: pytest.MonkeyPatch, random: np.random.Generator
) -> None:
    """A large batch is cut where its windows fill a cache; that must not show."""
    arrays = [random.standard_normal(shape) for shape in ((7, 5, 6, 2), (3, 3, 3, 2), (3,))]
    results = []
    for size in (1 << 20, 2500):  # all images, one or two
        monkeypatch.setitem(windows.BLOCK_BYTES, "host", size)
        tensors = [Tensor(x, requires_grad=True) for x in arrays]
        y = ops.conv2d(*tensors, **settings)
        y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
        results.append([y.numpy(), *(x.grad for x in tensors)])
    for one, many in zip(*results, strict=True):
        np.testing.assert_allclose(one, many, rtol=1e-12, atol=1e-13)


def test_an_empty_batch() -> None:
    x = Tensor(np.zeros((0, 4, 4, 1)), requires_grad=True)
    W = Tensor(CORNER, requires_grad=True)
    y = ops.conv2d(x, W)
    assert y.shape == (0, 2, 2, 1)
    y.sum().backward()
    assert not W.grad.any()


def test_errors() -> None:
    x = np.zeros((2, 4, 5, 3))
    with pytest.raises(
        ShapeError, match=r"conv2d: expected x .*, W \(F, KH, KW, C\), got \(2, 4, 5, 3\), \(7, 3, 3, 2\)"
    ):
        ops.conv2d(x, np.zeros((7, 3, 3, 2)))
    with pytest.raises(ShapeError, match=r"no window of 5 by 3 fits an image of 4 by 5"):
        ops.conv2d(x, np.zeros((7, 5, 3, 3)))
    with pytest.raises(UsageError, match="expected stride to be an integer of at least 1"):
        ops.conv2d(x, np.zeros((7, 3, 3, 3)), stride=0)
    with pytest.raises(UsageError, match="expected padding to be an integer of at least 0"):
        ops.conv2d(x, np.zeros((7, 3, 3, 3)), padding=(1, -1))
    with pytest.raises(
        UsageError, match=r"expected pool to be at least 1 and at most the result's \(2, 3\), got 3"
    ):
        ops.conv2d(x, np.zeros((7, 3, 3, 3)), pool=3)
