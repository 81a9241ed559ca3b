"""Parameters and gradients that tests of optimisers share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.autograd import RowGradient, Tensor

EVERY = {
    "sgd": ("sgd", {"lr": 0.1}),
    "momentum": ("momentum", {"lr": 0.1}),
    "nesterov": ("nesterov", {"lr": 0.1}),
    "nt-asgd": ("nt-asgd", {"lr": 0.1}),
    "adagrad": ("adagrad", {"lr": 0.1}),
    "rmsprop": ("rmsprop", {"lr": 0.01}),
    "rmsprop-full": ("rmsprop", {"lr": 0.01, "momentum": 0.8, "centered": True}),
    "adam": ("adam", {"lr": 0.01}),
    "adamw": ("adamw", {"lr": 0.01, "weight_decay": 0.05}),
}
"""Each optimiser in each of its forms: name and settings for make_optimizer."""


@pytest.fixture(params=EVERY.values(), ids=EVERY)
def form(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param


@pytest.fixture
def leaf() -> Callable[..., Tensor]:
    def make(values: Any, gradient: Any = None, dtype: Any = np.float64) -> Tensor:
        tensor = Tensor(np.array(values, dtype), requires_grad=True)
        tensor.grad = None if gradient is None else np.array(gradient, dtype)
        return tensor

    return make


@pytest.fixture
def row_gradient() -> Callable[..., RowGradient]:
    def make(generator: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> RowGradient:
        """Two rows of ``shape``, drawn with their values."""
        rows = np.sort(generator.choice(shape[0], size=2, replace=False))
        return RowGradient(rows, generator.standard_normal((2, shape[1])).astype(dtype), shape)

    return make
