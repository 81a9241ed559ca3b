"""Pooling layers. They have no parameters."""

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.nn.module import Module
from seqkit.ops.windows import IntOrPair


class MaxPool2d(Module):
    """The largest value of each window of images (B, H, W, C); see :func:`seqkit.ops.max_pool2d`.

    Args:
        size: Height and width of a window, or one number for both.
        stride: Step of the windows; that of ``size`` by default.
        padding: Rows and columns around the image that never win.
    """

    def __init__(self, size: IntOrPair, *, stride: IntOrPair | None = None, padding: IntOrPair = 0) -> None:
        self.size, self.stride, self.padding = size, stride, padding

    def forward(self, x: Tensor, *, relu: bool = False) -> Tensor:
        """Return (B, OH, OW, C) of x (B, H, W, C); ``relu`` gives max(y, 0) in the same pass."""
        return ops.max_pool2d(x, size=self.size, stride=self.stride, padding=self.padding, relu=relu)


class AveragePool2d(Module):
    """The mean of each window of images (B, H, W, C); see :func:`seqkit.ops.average_pool2d`.

    Args:
        size: Height and width of a window, or one number for both.
        stride: Step of the windows; that of ``size`` by default.
        padding: Zeros around the image.
    """

    def __init__(self, size: IntOrPair, *, stride: IntOrPair | None = None, padding: IntOrPair = 0) -> None:
        self.size, self.stride, self.padding = size, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, OH, OW, C) of x (B, H, W, C)."""
        return ops.average_pool2d(x, size=self.size, stride=self.stride, padding=self.padding)
