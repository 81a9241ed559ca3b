"""Gradients between the backward pass and clipping."""

from __future__ import annotations

from collections.abc import Iterable

from seqkit.autograd import RowGradient, Tensor


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
