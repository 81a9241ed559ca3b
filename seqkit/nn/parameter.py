"""Tensors that a module keeps: parameters, which are learned, and buffers, which are only saved."""

from typing import Any

from seqkit.autograd import Tensor
from seqkit.backend import Array


class Kept(Tensor):
    """A leaf that is saved and moved with its module.

    It may stand under two names (tied weights): then it is counted, updated and saved once, under the first.
    """

    __slots__ = ()

    def replace(self, data: Array) -> None:
        """Replace the values, perhaps by those of another device or dtype, and drop the gradient."""
        self.data, self.grad = data, None

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.shape}, {self.dtype} on {self.device}"

    def __reduce__(self) -> Any:
        raise TypeError("seqkit does not pickle; save state_dict() with safetensors")


class Parameter(Kept):
    """A tensor that a model learns."""

    __slots__ = ()

    def __init__(self, data: Array) -> None:
        super().__init__(data, requires_grad=True)


class Buffer(Kept):
    """A tensor that a model needs and does not learn, such as the running statistics of BatchNorm."""

    __slots__ = ()

    def __init__(self, data: Array) -> None:
        super().__init__(data)
