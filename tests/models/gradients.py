"""Gradients of a model's loss: computed, compared, and checked along a random direction."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit.autograd import Tensor, to_dense
from seqkit.nn import Module

Gradients = tuple[float, dict[str, np.ndarray]]


def gradients(model: Module, *arrays: Any, **settings: Any) -> Gradients:
    """Return the loss and the gradient of every parameter."""
    model.zero_grad()
    loss: Tensor = model.loss(*arrays, **settings)
    loss.backward()
    return loss.item(), {name: to_dense(p.grad).copy() for name, p in model.named_parameters()}


def assert_same(one: Gradients, other: Gradients, rtol: float = 1e-12, atol: float = 1e-14) -> None:
    assert one[0] == pytest.approx(other[0], rel=rtol)
    assert one[1].keys() == other[1].keys()
    for name, gradient in one[1].items():
        np.testing.assert_allclose(gradient, other[1][name], rtol=rtol, atol=atol, err_msg=name)


def assert_slope(model: Module, batch: Callable[[], tuple[Any, ...]], rel: float) -> None:
    """Compare the gradients with the loss on both sides of the weights, along a random direction."""
    _, of = gradients(model, *batch())
    random = np.random.default_rng(1)
    named = dict(model.named_parameters())
    directions = {name: random.standard_normal(parameter.shape) for name, parameter in named.items()}

    def moved(step: float) -> float:
        for name, parameter in named.items():
            parameter.data[...] += step * directions[name]
        return model.loss(*batch()).item()

    numeric = (moved(1e-6) - moved(-2e-6)) / 2e-6
    assert sum((of[name] * d).sum() for name, d in directions.items()) == pytest.approx(numeric, rel=rel)
