"""The parameters of an optimiser or of gradient clipping, each once."""

from collections.abc import Iterable

from seqkit.autograd import Gradient, RowGradient, Tensor
from seqkit.backend import Array, array_module
from seqkit.errors import ShapeError, UsageError

Parameters = Iterable[Tensor] | Iterable[tuple[str, Tensor]]
"""The result of ``module.parameters()`` or ``module.named_parameters()``."""


def unique_parameters(parameters: Parameters) -> dict[str, Tensor]:
    """Return {name: tensor}, in the order given; a tensor that comes again (tied weights) keeps its first
    name.

    Tensors without a name are called by their position, "0", "1" and so on.

    Raises:
        UsageError: An item is not a Tensor, or the result of an op, or two tensors have one name.
    """
    if isinstance(parameters, Tensor):
        raise UsageError("expected parameters to be several tensors, got one Tensor", remedy="write [tensor]")
    named: dict[str, Tensor] = {}
    seen: set[int] = set()
    for position, entry in enumerate(parameters):
        name, tensor = entry if isinstance(entry, tuple) else (str(position), entry)
        if not isinstance(tensor, Tensor):
            raise UsageError(f"expected parameter {name!r} to be a Tensor, got {type(tensor).__name__}")
        if tensor.node is not None:
            raise UsageError(
                f"parameter {name!r} is the result of {tensor.node.name}; only leaves are trained",
                remedy="use tensor.detach() to make a leaf",
            )
        if id(tensor) in seen:
            continue
        if name in named:
            raise UsageError(f"two different parameters are called {name!r}")
        seen.add(id(tensor))
        named[name] = tensor
    return named


def checked_gradient(name: str, parameter: Tensor) -> Gradient | None:
    """Return ``parameter.grad``, checked, or None.

    NumPy gives a scalar, which cannot be written to, where arithmetic has an array without axes; it is
    replaced by that array.

    Raises:
        ShapeError: A gradient of another shape or dtype than the parameter.
    """
    gradient = parameter.grad
    if gradient is None:
        return None
    if gradient.shape != parameter.shape:
        raise ShapeError(
            f"the gradient of {name!r} has shape {gradient.shape}, the parameter {parameter.shape}"
        )
    dtype = gradient_values(gradient).dtype
    if dtype != parameter.dtype:
        raise ShapeError(f"the gradient of {name!r} is {dtype}, the parameter {parameter.dtype}")
    if gradient.shape == ():
        gradient = parameter.grad = array_module(parameter.data).asarray(gradient)
    return gradient


def gradient_values(gradient: Gradient) -> Array:
    """Return the array of a gradient's values: itself, or the rows of a RowGradient."""
    return gradient.values if isinstance(gradient, RowGradient) else gradient
