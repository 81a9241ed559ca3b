"""The tensor: an array with a place in the graph of the ops that computed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.autograd.sparse_gradient import Gradient
from seqkit.backend import Array, Device, array_module, device_of, to_device, to_numpy
from seqkit.errors import UsageError

if TYPE_CHECKING:
    from seqkit.autograd.graph import Node


def _array_of(data: Any) -> Array:
    """Return what a tensor may be made of as an array; refuse anything else."""
    if isinstance(data, Tensor):
        raise UsageError("Tensor(data): expected an array, got a Tensor", remedy="use x.detach()")
    if isinstance(data, np.generic):  # NumPy's arithmetic turns arrays without axes into scalars
        data = np.asarray(data)  # first: numpy.float64 is a float too
    elif isinstance(data, bool | int | float | list | tuple):
        data = np.asarray(data, np.float32)
    array_module(data)
    return data


class Tensor:
    """An array with an optional gradient and a place in the graph of the ops that computed it.

    Its operators follow NumPy: broadcasting arithmetic, ``@``, indexing, shape methods and reductions.
    ``data`` is the array; ``grad`` of a leaf is the sum that :meth:`backward` has added to.

    Args:
        data: An array of NumPy or CuPy, or numbers in lists, which become float32.
        requires_grad: Compute a gradient for it.

    Example:
        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad.tolist()
        [2.0, 4.0]
    """

    __array_ufunc__ = None  # array + Tensor comes to Tensor.__radd__ instead of an object array
    __slots__ = ("__weakref__", "data", "grad", "node", "output_index", "requires_grad")

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if type(data) is not np.ndarray:
            data = _array_of(data)
        if requires_grad and data.dtype.kind != "f":
            raise UsageError(f"expected a floating-point tensor for requires_grad, got {data.dtype}")
        self.data: Array = data
        self.grad: Gradient | None = None
        self.requires_grad = requires_grad
        self.node: Node | None = None
        self.output_index = 0

    def __repr__(self) -> str:
        how = f", from {self.node.name}" if self.node else ", requires_grad" if self.requires_grad else ""
        return f"Tensor({self.data!r}{how})"

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def device(self) -> Device:
        return device_of(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def numpy(self) -> np.ndarray:
        """Return the values as a NumPy array (synchronises with a GPU)."""
        return to_numpy(self.data)

    def item(self) -> float:
        """Return the only value as a Python float (synchronises with a GPU); UsageError when there are
        several.
        """
        if self.size != 1:
            raise UsageError(f"item(): expected a tensor of one value, got shape {self.shape}")
        return float(self.numpy().reshape(()))

    def detach(self) -> Tensor:
        """Return a tensor of the same values outside the graph."""
        return Tensor(self.data)

    def to(self, device: str | Device) -> Tensor:
        """Return a leaf with the same values on another device; not differentiable: move before computing."""
        moved = Tensor(to_device(self.data, device), self.requires_grad)
        return moved

    def backward(self, gradient: Any = None, *, on_leaf: Callable[[Tensor], None] | None = None) -> None:
        """Add d(self)/d(leaf) to ``grad`` of every leaf that requires it, and free the graph.

        Args:
            gradient: Of the shape of self; by default 1 for a single value.
            on_leaf: Called with each leaf when its gradient is complete, while the others are computed.

        There is no double backward.
        """
        graph.backward(self, gradient, on_leaf)

    # Arithmetic

    def __add__(self, other: Any) -> Tensor:
        return arithmetic.add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        return arithmetic.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return arithmetic.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return arithmetic.multiply(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return arithmetic.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return arithmetic.divide(other, self)

    def __neg__(self) -> Tensor:
        return arithmetic.negative(self)

    def __pow__(self, exponent: float) -> Tensor:
        return arithmetic.power(self, exponent=exponent)

    def exp(self) -> Tensor:
        return arithmetic.exp(self)

    def log(self) -> Tensor:
        return arithmetic.log(self)

    def sqrt(self) -> Tensor:
        return arithmetic.sqrt(self)

    def __matmul__(self, other: Any) -> Tensor:
        return arithmetic.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return arithmetic.matmul(other, self)

    # Shape

    def __getitem__(self, key: Any) -> Tensor:
        return shaping.getitem(self, key=key)

    def reshape(self, *shape: Any) -> Tensor:
        if len(shape) == 1 and isinstance(shape[0], tuple | list):
            shape = tuple(shape[0])
        return shaping.reshape(self, shape=shape)

    def transpose(self, *axes: Any) -> Tensor:
        if len(axes) == 1 and isinstance(axes[0], tuple | list):
            axes = tuple(axes[0])
        return shaping.transpose(self, axes=axes or None)

    @property
    def T(self) -> Tensor:
        return self.transpose()

    def swapaxes(self, a: int, b: int) -> Tensor:
        axes = list(range(self.ndim))
        axes[a], axes[b] = axes[b], axes[a]
        return shaping.transpose(self, axes=tuple(axes))

    def broadcast_to(self, shape: tuple[int, ...]) -> Tensor:
        return shaping.broadcast_to(self, shape=shape)

    # Reduction

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        return arithmetic.sum_(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        return arithmetic.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        return arithmetic.max_(self, axis=axis, keepdims=keepdims)


# The primitives wrap their results in Tensor, so they can only be imported below its definition.
from seqkit.autograd import arithmetic, graph, shaping  # noqa: E402
