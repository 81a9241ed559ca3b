"""The check itself must fail on a wrong backward, and say both numbers."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor, differentiable, gradient_check
from seqkit.errors import GradientCheckError, UsageError


def _softmax(xp: Any, x: Any) -> Any:
    y = xp.exp(x - x.max(axis=-1, keepdims=True))
    return y / y.sum(axis=-1, keepdims=True)


@differentiable
def softmax_without_gradient(xp, x):
    """Passes a check that sums its outputs with ones, since they always sum to 1."""
    return _softmax(xp, x), lambda dy: xp.zeros_like(dy)


@differentiable
def negative_with_wrong_sign(xp, x):
    return -x, lambda dy: dy


@differentiable
def square_without_its_factor(xp, x):
    return x * x, lambda dy: dy * x


@differentiable
def matmul_transposed(xp, a, b):
    return a @ b, lambda dy: ((b @ dy.T).T, (dy.T @ a))  # the second is transposed; a is square here


@differentiable
def forgets_one_input(xp, a, b):
    return a * b, lambda dy: (dy * b, None)


@differentiable
def gives_nan(xp, x):
    return x * 2, lambda dy: dy * np.nan


@pytest.mark.parametrize(
    ("wrong", "shapes"),
    [
        (softmax_without_gradient, [(3, 5)]),
        (negative_with_wrong_sign, [(3, 5)]),
        (square_without_its_factor, [(3, 5)]),
        (matmul_transposed, [(3, 3), (3, 3)]),
        (forgets_one_input, [(3, 5), (3, 5)]),
        (gives_nan, [(3, 5)]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_wrong_backwards_fail(wrong: Callable[..., Any], shapes: list[tuple[int, ...]], random: Any) -> None:
    for seed in range(3):
        with pytest.raises(GradientCheckError, match=r"the backward gives .*, central differences"):
            gradient_check(wrong, *(random.standard_normal(shape) for shape in shapes), seed=seed)


def test_both_numbers_are_in_the_message() -> None:
    """The wrong sign gives the opposite number."""
    with pytest.raises(GradientCheckError) as caught:
        gradient_check(negative_with_wrong_sign, np.ones(3))
    numbers = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", str(caught.value))
    assert len(numbers) == 2
    assert float(numbers[0]) == pytest.approx(-float(numbers[1]), rel=1e-6)


def test_ones_would_not_see_a_softmax_without_gradient() -> None:
    """Why the output gradient is random: seeded with ones, zero is the right answer for a softmax."""
    x = Tensor(np.array([[1.0, 2.0, 5.0]]), requires_grad=True)
    ops.softmax(x).sum().backward()
    np.testing.assert_allclose(x.grad, 0, atol=1e-15)


def test_the_directional_derivative_is_returned() -> None:
    """Linear in the scale of the function."""
    once = gradient_check(lambda x: x * 3.0, np.ones(5), seed=4)
    twice = gradient_check(lambda x: x * 6.0, np.ones(5), seed=4)
    assert once != 0
    assert twice == pytest.approx(2 * once, rel=1e-12)


def test_float32_is_refused() -> None:
    with pytest.raises(UsageError, match="expected float64 arrays"):
        gradient_check(ops.tanh, np.ones(3, np.float32))


def test_on_a_gpu_array(gpu: str) -> None:
    gradient_check(lambda x: ops.tanh(x), np.array([0.5, -2.0]), device=gpu)
    with pytest.raises(GradientCheckError):
        gradient_check(square_without_its_factor, np.array([0.5, -2.0]), device=gpu)
