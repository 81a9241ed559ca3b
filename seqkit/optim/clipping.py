"""Gradient clipping, between the backward pass and the optimiser's step."""

from collections.abc import Iterable

import numpy as np

from seqkit.autograd import RowGradient, Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.optim.parameters import Parameters, checked_gradient, gradient_values, unique_parameters


def _gradient_arrays(parameters: Parameters) -> list[Array]:
    named = unique_parameters(parameters).items()
    found = (checked_gradient(name, parameter) for name, parameter in named)
    return [gradient_values(gradient) for gradient in found if gradient is not None]


def clip_grad_norm(parameters: Parameters, max_norm: float) -> Array:
    """Scale all gradients in place by max_norm / (‖g‖ + 1e-6) where that is below 1.

    Pascanu et al. (2013), algorithm 1, with PyTorch's 1e-6. ‖g‖ is the L2 norm over all gradients together,
    rows of a RowGradient and tied parameters once.

    Args:
        parameters: Tensors or (name, tensor) pairs.
        max_norm: Above 0.

    Returns:
        The norm before clipping: float64 without axes, on the gradients' device, which is not waited for. A
        norm that is not finite is returned as it is, and leaves NaN in the gradients.

    Raises:
        UsageError: ``max_norm`` is not above 0.

    Example:
        >>> p = Tensor([3.0, 4.0], requires_grad=True)
        >>> (p * p).sum().backward()
        >>> float(optim.clip_grad_norm([p], max_norm=5.0))
        10.0
    """
    if not max_norm > 0:
        raise UsageError(f"clip_grad_norm: expected max_norm to be above 0, got {max_norm}")
    arrays = _gradient_arrays(parameters)
    if not arrays:
        return np.zeros(())
    xp = array_module(*arrays)
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(kernels("optimizer", xp, g.dtype).sum_of_squares(g) for g in arrays)
        norm = xp.asarray(xp.sqrt(total))
        scale = xp.minimum(max_norm / (norm + 1e-6), 1.0)
        if xp is np and scale == 1:  # on a GPU asking would wait for it
            return norm
        for g in arrays:
            kernels("optimizer", xp, g.dtype).scale(g, scale)
    return norm


def clip_grad_value(parameters: Parameters, max_value: float) -> None:
    """Clip every gradient element, in place, to [-max_value, max_value]; NaN stays.

    In a RowGradient the rows that are not stored are zero, so clipping the stored ones is exact.

    Args:
        parameters: Tensors or (name, tensor) pairs.
        max_value: Above 0.

    Raises:
        UsageError: ``max_value`` is not above 0.
    """
    if not max_value > 0:
        raise UsageError(f"clip_grad_value: expected max_value to be above 0, got {max_value}")
    for g in _gradient_arrays(parameters):
        array_module(g).clip(g, -max_value, max_value, out=g)


def reduce_gradients(parameters: Iterable[Tensor], micro_batches: int) -> None:
    """Turn the sum of the gradients of several micro-batches into their mean, in place.

    With one micro-batch it does nothing. An all-reduce over several processes would belong here.

    Args:
        parameters: The parameters of the model.
        micro_batches: Number of batches whose gradients were added up.
    """
    if micro_batches == 1:
        return
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        values = gradient.values if isinstance(gradient, RowGradient) else gradient
        values *= values.dtype.type(1 / micro_batches)
