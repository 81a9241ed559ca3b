"""Tensor arithmetic against NumPy's definitions, and what its methods refuse."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.autograd import Tensor, concatenate, stack
from seqkit.backend import Device
from seqkit.backend.memory_pool import SMALLEST
from seqkit.errors import DeviceError, ShapeError, UsageError

SHAPES = [
    ((3, 5), (3, 5)),
    ((2, 3, 5), (5,)),
    ((3, 1), (1, 5)),
    ((), (3, 5)),
    ((2, 1, 5), (3, 1)),
    ((1,), ()),
]

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("symbol", BINARY)
def test_broadcasting(symbol: str, shapes: tuple[tuple[int, ...], ...], random: np.random.Generator) -> None:
    a, b = (np.asarray(random.standard_normal(shape)) for shape in shapes)
    operate = BINARY[symbol]
    for left, right in ((Tensor(a), Tensor(b)), (Tensor(a), b), (a, Tensor(b))):
        y = operate(left, right)
        assert isinstance(y, Tensor)
        np.testing.assert_array_equal(y.numpy(), operate(a, b))


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize("number", [3, 2.5, np.float32(2.5), np.float64(2.5), np.int64(3)], ids=repr)
def test_numbers_do_not_change_the_dtype(symbol: str, number: Any) -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32))
    for y in (BINARY[symbol](x, number), BINARY[symbol](number, x)):
        assert isinstance(y, Tensor)
        assert y.dtype == np.float32
    np.testing.assert_allclose(BINARY[symbol](number, x).numpy(), BINARY[symbol](float(number), x.data))


def test_matmul_with_arrays(random: np.random.Generator) -> None:
    a, b = random.standard_normal((3, 5)), random.standard_normal((5, 7))
    for y in (Tensor(a) @ Tensor(b), Tensor(a) @ b, a @ Tensor(b)):
        np.testing.assert_array_equal(y.numpy(), a @ b)


@pytest.mark.parametrize(
    "method",
    [
        lambda x: x[1],
        lambda x: x[:, 1:3],
        lambda x: x[..., None, -1],
        lambda x: x[np.array([1, 0])],
        lambda x: x.reshape(5, -1),
        lambda x: x.reshape((6, 5)),
        lambda x: x.transpose(2, 0, 1),
        lambda x: x.transpose((2, 0, 1)),
        lambda x: x.transpose(),
        lambda x: x.T,
        lambda x: x.swapaxes(0, -1),
        lambda x: x.sum(),
        lambda x: x.sum(axis=1),
        lambda x: x.sum(axis=(0, 2), keepdims=True),
        lambda x: x.mean(axis=-1, keepdims=True),
        lambda x: x.max(axis=0),
        lambda x: -x,
        lambda x: x**2,
        lambda x: len(x) * x,
    ],
)
def test_methods_follow_numpy(method: Callable[[Any], Any], random: np.random.Generator) -> None:
    x = random.standard_normal((2, 3, 5))
    y = method(Tensor(x))
    assert y.shape == method(x).shape
    np.testing.assert_allclose(y.numpy(), method(x), rtol=1e-15)


def test_joining(random: np.random.Generator) -> None:
    a, b = random.standard_normal((2, 3)), random.standard_normal((2, 3))
    np.testing.assert_array_equal(concatenate(Tensor(a), b, axis=-1).numpy(), np.concatenate((a, b), axis=-1))
    np.testing.assert_array_equal(stack(Tensor(a), b, axis=1).numpy(), np.stack((a, b), axis=1))


def test_equal_maxima_share_the_gradient() -> None:
    x = Tensor(np.array([[1.0, 4.0, 4.0], [5.0, 2.0, 3.0]]), requires_grad=True)
    x.max(axis=1).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0.5, 0.5], [1, 0, 0]])


def test_lists_become_float32() -> None:
    assert Tensor([1, 2]).dtype == np.float32
    assert Tensor(2.0).dtype == np.float32
    assert Tensor(np.float64(0.1)).dtype == np.float64
    assert Tensor(np.float64(0.1)).item() == 0.1


def test_what_it_tells() -> None:
    x = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x), x.device) == ((2, 3), 2, 6, 2, Device("cpu"))
    assert "requires_grad" in repr(x)
    assert "from multiply" in repr(x * 2.0)


def test_item_of_several_values() -> None:
    assert Tensor(np.array([[7.0]])).item() == 7.0
    with pytest.raises(UsageError, match=r"item\(\): expected a tensor of one value, got shape \(2,\)"):
        Tensor(np.ones(2)).item()


def test_what_is_no_array() -> None:
    with pytest.raises(DeviceError, match="str is not an array of any known device; give NumPy"):
        Tensor("three")


@pytest.mark.parametrize(("a", "b"), [((3, 5), (3, 5)), ((5,), (5, 3)), ((3, 5), (5,))], ids=str)
def test_matmul_names_both_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        Tensor(np.zeros(a)) @ Tensor(np.zeros(b))
    assert f"got {a} @ {b}" in str(caught.value)


def test_to_another_device(gpu: str) -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    moved = x.to(gpu)
    assert moved.requires_grad
    assert str(moved.device) == gpu
    (moved * 3.0).sum().backward()
    assert x.grad is None
    np.testing.assert_array_equal(moved.to("cpu").numpy(), x.numpy())


LARGE = SMALLEST // 4
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]


def _random(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return (np.random.default_rng(len(shape)).random(shape) + 0.5).astype(dtype)


PAIRS: dict[str, tuple[Any, Any]] = {
    "alike": (_random(2, LARGE), _random(2, LARGE)),
    "broadcast": (_random(3, 1, LARGE), _random(2, 1)),
    "a number": (_random(LARGE), 3),
    "a number first": (0.5, _random(LARGE)),
    "no axes": (_random(LARGE), _random()),
    "a NumPy number": (_random(LARGE), np.float64(0.1)),
    "wider": (_random(LARGE), _random(LARGE, dtype=np.float64)),
    "integers": (_random(LARGE), np.arange(1, LARGE + 1)),
    "only integers": (np.arange(1, LARGE + 1), np.arange(1, LARGE + 1)),
    "the other way round": (_random(64, LARGE).T, _random(64, LARGE).T),
    "every second": (_random(2 * LARGE)[::2], _random(LARGE)),
    "nothing": (_random(LARGE), _random(0, 1)),
    "small": (_random(3), _random(3)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_large_results(name: str, operation: Callable[[Any, Any], Any]) -> None:
    a, b = PAIRS[name]
    found = operation(*(Tensor(x) if isinstance(x, np.ndarray) else x for x in (a, b))).data
    expected = operation(*(x.item() if isinstance(x, np.generic) else x for x in (a, b)))
    assert found.dtype == expected.dtype
    assert found.strides == expected.strides
    np.testing.assert_array_equal(found, expected)


def test_memory_comes_from_the_pool_and_is_not_shared() -> None:
    """It begins with a page, as that of the C library does not; a result in use is not written over."""
    a, b = (Tensor(_random(LARGE)) for _ in range(2))
    first = a + b
    kept = first.data.copy()
    second = a * b
    assert first.data.ctypes.data % 4096 == 0
    assert second.data.ctypes.data % 4096 == 0
    np.testing.assert_array_equal(first.data, kept)


def test_what_does_not_fit_is_said_by_numpy() -> None:
    with pytest.raises(ValueError, match="operands could not be broadcast together"):
        Tensor(_random(LARGE)) + Tensor(_random(3))
