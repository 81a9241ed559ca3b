"""Check of a backward: a directional derivative in float64.

For f with inputs x, a random direction v and a random output gradient u, the backward must give Σ
(∂(u·f)/∂x)·v, which central differences measure as u·(f(x + εv) - f(x - εv)) / 2ε. The output gradient is
random and never ones: a softmax whose backward is zero would pass with ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqkit.autograd.sparse_gradient import to_dense
from seqkit.autograd.tensor import Tensor
from seqkit.backend import Device, to_device, to_numpy
from seqkit.errors import GradientCheckError, UsageError


def gradient_check(
    function: Callable[..., Any],
    *inputs: Any,
    seed: int = 0,
    epsilon: float = 1e-6,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    device: str | Device = "cpu",
) -> float:
    """Compare the backward of ``function(*tensors)`` with central differences.

    Args:
        function: Returns a Tensor or a tuple of Tensors; must be deterministic (give dropout a new generator
            of one seed at each call).
        *inputs: float64 NumPy arrays.
        seed: Of the random directions.
        epsilon: Step of the differences.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        device: Where to compute.

    Returns:
        The directional derivative.

    Raises:
        GradientCheckError: The two differ; gives both numbers.
        UsageError: Inputs that are not float64.

    Example:
        >>> x = np.array([1.0, 2.0])
        >>> derivative = gradient_check(lambda t: t * t, x)
    """
    random = np.random.default_rng(seed)
    for x in inputs:
        if getattr(x, "dtype", None) != np.float64:
            raise UsageError(
                "gradient_check: expected float64 arrays, got another dtype", remedy="x.astype(numpy.float64)"
            )

    def run(arrays: list[np.ndarray]) -> tuple[list[Tensor], list[Tensor]]:
        tensors = [Tensor(to_device(a, device), requires_grad=True) for a in arrays]
        outputs = function(*tensors)
        return tensors, list(outputs) if isinstance(outputs, tuple) else [outputs]

    tensors, outputs = run([np.array(x) for x in inputs])
    directions = [np.asarray(random.standard_normal(x.shape)) for x in inputs]
    weights = [np.asarray(random.standard_normal(y.shape)) for y in outputs]
    total: Any = 0.0
    for y, u in zip(outputs, weights, strict=True):
        total = total + (y * to_device(u, y.device)).sum()
    total.backward()
    analytic = 0.0
    for x, v in zip(tensors, directions, strict=True):
        if x.grad is not None:
            gradient = to_numpy(to_dense(x.grad))
            analytic += float((gradient * v).sum())

    def value(sign: float) -> float:
        moved = [np.asarray(x + sign * epsilon * v) for x, v in zip(inputs, directions, strict=True)]
        return sum(float((y.numpy() * u).sum()) for y, u in zip(run(moved)[1], weights, strict=True))

    numeric = (value(1.0) - value(-1.0)) / (2 * epsilon)
    if not abs(analytic - numeric) <= atol + rtol * max(abs(analytic), abs(numeric), 1.0):
        raise GradientCheckError(f"the backward gives {analytic!r}, central differences {numeric!r}")
    return analytic
