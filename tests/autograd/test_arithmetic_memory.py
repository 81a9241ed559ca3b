"""Sums and products of large arrays, whose memory is recycled, are what NumPy makes of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.autograd import Tensor
from seqkit.backend.memory_pool import SMALLEST

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
