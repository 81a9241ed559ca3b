"""A tensor that a model learns."""

from __future__ import annotations

from typing import Any

from seqkit.autograd import Tensor
from seqkit.backend import Array


class Parameter(Tensor):
    """A leaf that requires a gradient. One Parameter may stand under two names (tied weights):

    it is then counted, updated and saved once, under the first.
    """

    __slots__ = ()

    def __init__(self, data: Array) -> None:
        super().__init__(data, requires_grad=True)

    def replace(self, data: Array) -> None:
        """Put other values, of another device or dtype perhaps, in its place; drops the gradient."""
        self.data, self.grad = data, None

    def __repr__(self) -> str:
        return f"Parameter{self.shape}, {self.dtype} on {self.device}"

    def __reduce__(self) -> Any:
        raise TypeError("seqkit does not pickle; save state_dict() with safetensors")
