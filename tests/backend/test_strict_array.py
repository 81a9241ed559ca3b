"""The stand-in refuses what a GPU array refuses, and its names are CuPy's."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.autograd import Tensor, differentiable
from seqkit.backend import to_device, to_numpy
from tests.strict_array import METHODS, StrictArray, parameters_of, read_names, strict

# Five mistakes that run on NumPy and fail, or wait for the device, on a GPU; and two more.


@differentiable
def numpy_function(xp, x):  # type: ignore[no-untyped-def]
    y = np.tanh(x)
    return y, lambda dy: dy * (1 - y * y)


@differentiable
def number_on_the_host(xp, x):  # type: ignore[no-untyped-def]
    top = float(x.max())
    return x - top, lambda dy: dy


@differentiable
def numpy_mask(xp, x):  # type: ignore[no-untyped-def]
    y = x.copy()
    y[np.array([True, False, True])] = 0
    return y, lambda dy: dy


@differentiable
def mixed_arithmetic(xp, x):  # type: ignore[no-untyped-def]
    weights = np.array([1.0, 2.0, 3.0])
    return x * weights, lambda dy: dy * weights


@differentiable
def copied_to_the_host(xp, x):  # type: ignore[no-untyped-def]
    return xp.asarray(np.asarray(x) * 2), lambda dy: dy * 2


@differentiable
def name_that_cupy_lacks(xp, x):  # type: ignore[no-untyped-def]
    return xp.float_power(x, 2), lambda dy: dy * 2 * x


@differentiable
def argument_that_cupy_lacks(xp, x):  # type: ignore[no-untyped-def]
    return xp.take(x, xp.arange(3), axis=0, mode="clip"), lambda dy: dy


@differentiable
def branch_on_values(xp, x):  # type: ignore[no-untyped-def]
    y = x if (x > 0).all() else -x
    return y.copy(), lambda dy: dy


@differentiable
def mistake_in_the_backward(xp, x):  # type: ignore[no-untyped-def]
    return x * 2, lambda dy: np.multiply(dy, 2)


MISTAKES = [
    numpy_function,
    number_on_the_host,
    numpy_mask,
    mixed_arithmetic,
    copied_to_the_host,
    name_that_cupy_lacks,
    argument_that_cupy_lacks,
    branch_on_values,
    mistake_in_the_backward,
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda op: op.__name__)
def test_device_mistakes_fail(mistake: Callable[..., Any], strict: str) -> None:
    on_numpy = Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    mistake(on_numpy).sum().backward()
    assert on_numpy.grad is not None
    there = Tensor(to_device(on_numpy.data, strict), requires_grad=True)
    with pytest.raises((TypeError, IndexError, AttributeError)):
        mistake(there).sum().backward()


MODULE = strict  # the fixture of this name is the device
X = np.arange(15.0).reshape(3, 5)


@pytest.fixture
def x() -> StrictArray:
    return StrictArray(X.copy())


@pytest.mark.parametrize(
    "wrong",
    [
        float,
        int,
        bool,
        complex,
        list,
        iter,
        np.asarray,
        np.array,
        np.sum,
        np.exp,
        np.shape,
        operator.index,
        hash,
        lambda x: 3 in x,
        lambda x: range(x),
        lambda x: np.add(x, 1),
        lambda x: np.concatenate([x, x]),
        lambda x: X + x,
        lambda x: x + X,
        lambda x: x == X,
        lambda x: x @ X.T,
        lambda x: X.T @ x,
        lambda x: operator.iadd(X.copy(), x),
        lambda x: operator.iadd(x, X),
        lambda x: x[X > 3],
        lambda x: x[[0, 1]],
        lambda x: x[:, np.array([0])],
        lambda x: operator.setitem(x, 0, X[0]),
        lambda x: operator.setitem(X.copy(), 0, x[0]),
        lambda x: strict.exp(X),
        lambda x: strict.concatenate([x, X]),
        lambda x: strict.add(x, x, out=X.copy()),
        lambda x: strict.exp(x, where=x > 3),
        lambda x: strict.sum(x, where=x > 3),
        lambda x: x.sum(initial=0),
        lambda x: x.max(where=x > 3),
        lambda x: strict.unique(x, sorted=True),
        lambda x: x.tolist(),
        lambda x: x.item(),
        lambda x: strict.errstate(),
        lambda x: strict.einsum_path,
        lambda x: strict.tanh.at,
        lambda x: strict.add.reduce,
    ],
)
def test_refuses(wrong: Callable[[Any], Any], x: StrictArray) -> None:
    with pytest.raises((TypeError, IndexError, AttributeError)):
        wrong(x)
    np.testing.assert_array_equal(to_numpy_directly(x), X)


def to_numpy_directly(x: StrictArray) -> np.ndarray:
    return x._StrictArray__host  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "right",
    [
        lambda x, xp: x + 1,
        lambda x, xp: 2.0 - x,
        lambda x, xp: np.float64(2) * x,
        lambda x, xp: x * np.float32(2),
        lambda x, xp: x @ x.T,
        lambda x, xp: x[1:, ::-2],
        lambda x, xp: x[None, ..., 3],
        lambda x, xp: x[x > 3],
        lambda x, xp: x[xp.arange(2)],
        lambda x, xp: x.sum(axis=1, keepdims=True),
        lambda x, xp: x.reshape(5, -1).swapaxes(0, 1),
        lambda x, xp: xp.take(x, xp.arange(2), axis=1, out=xp.empty((3, 2))),
        lambda x, xp: xp.where(x > 3, x, 0),
        lambda x, xp: xp.matmul(x, x.T, out=xp.zeros((3, 3))),
        lambda x, xp: xp.unique(xp.floor(x / 2), return_inverse=True)[0],
        lambda x, xp: xp.array(X) + x,
        lambda x, xp: ~(x > 3),
        lambda x, xp: x.max(),
        lambda x, xp: x[1, 2],
        lambda x, xp: x[np.int64(1)],
    ],
)
def test_allows_and_agrees_with_numpy(right: Callable[[Any, Any], Any], x: StrictArray) -> None:
    y = right(x, strict)
    assert type(y) is StrictArray
    expected = right(X, np)
    assert y.shape == np.shape(expected)
    np.testing.assert_array_equal(to_numpy_directly(y), expected)


def test_in_place(x: StrictArray) -> None:
    same = x
    x += 1
    x[0] = 7
    x[:, 1] *= 2
    strict.add.at(x, strict.array([1, 1]), 1.0)
    expected = X + 1
    expected[0] = 7
    expected[:, 1] *= 2
    expected[1] += 2
    assert same is x
    np.testing.assert_array_equal(to_numpy_directly(x), expected)


def test_is_no_ndarray(x: StrictArray, strict: str) -> None:
    assert not isinstance(x, np.ndarray)
    assert x[1].base is not None
    assert x.copy().base is None
    host = to_numpy(x)
    host[...] = -1
    np.testing.assert_array_equal(to_numpy_directly(x), X)


def test_takes_no_memory_from_the_host(strict: str) -> None:
    host = X.copy()
    for there in (to_device(host, strict), MODULE.asarray(host), MODULE.array(host)):
        there += 1
        np.testing.assert_array_equal(host, X)


# The list against CuPy itself, which imports without a GPU


@pytest.fixture(scope="module")
def cupy() -> Any:
    return pytest.importorskip("cupy", reason="CuPy is not installed: the list of its names goes unchecked")


def test_names_are_cupys(cupy: Any) -> None:
    for name, line in read_names().items():
        theirs = getattr(cupy, name)
        if line.endswith(" ufunc"):
            assert type(theirs).__name__ == "ufunc", name
            assert not hasattr(getattr(strict, name), "at") or hasattr(theirs, "at"), name
        elif line.endswith(" constant"):
            assert not callable(theirs) or isinstance(theirs, type), name
        else:
            assert missing_parameters(theirs, parameters_of(line)) == [], name


def missing_parameters(function: Any, parameters: list[str]) -> list[str]:
    """Those that a function does not name; none where it takes any or tells nothing."""
    try:
        theirs = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_POSITIONAL for p in theirs):
        return []
    named = {p.name for p in theirs} | {"*", "/"}
    return [p for p in parameters if p.lstrip("*") not in named and p not in named]


def test_methods_are_cupys(cupy: Any) -> None:
    for name, parameters in METHODS.items():
        signature = (getattr(cupy.ndarray, name).__doc__ or "").partition("\n")[0]
        for parameter in parameters.replace("*", "").split():
            assert parameter in signature, name
    for name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes", "strides", "T", "base", "__len__"):
        assert hasattr(cupy.ndarray, name), name
        assert hasattr(StrictArray, name), name


def test_take_has_no_mode(cupy: Any) -> None:
    assert missing_parameters(cupy.take, ["a", "indices", "mode"]) == ["mode"]
