"""The steps after the product of a convolution, while it lies in the cache: pooling, bias, ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend import Array, empty, zeros
from seqkit.backend.kernels import kernels


class ConvolutionEnd:
    """Takes the products of a convolution, (B, OH, OW, F), run by run of images, and makes y of them.

    With ``pool`` above 1 they are pooled where they lie and never stand in memory as a whole; bias and ReLU
    come after that, for fewer values: neither changes which product is the largest.
    """

    def __init__(self, xp: Any, shape: tuple[int, ...], dtype: Any, b: Array | None, relu: bool, pool: int):
        B, OH, OW, F = shape
        self.xp, self.shape, self.dtype, self.b, self.relu = xp, shape, dtype, b, relu
        self.size, self.counts = (pool, pool), (OH, OW)
        self.y: Any = empty(xp, (B, OH // pool, OW // pool, F), dtype)
        self.winner: Any = None
        if pool > 1:
            self.winner = empty(xp, self.y.shape, np.uint8 if pool * pool < 256 else np.int32)
        self._memory: dict[str, Any] = {}

    def _scratch(self, name: str, block: slice, shape: tuple[int, ...]) -> Any:
        """Memory for an image of ``shape`` for each of a block. All blocks share it, in the cache."""
        count = block.stop - block.start
        if name not in self._memory or len(self._memory[name]) < count:
            self._memory[name] = empty(self.xp, (count, *shape[1:]), self.dtype)
        return self._memory[name][:count]

    def products(self, block: slice) -> Any:
        """Where the products of the images ``block`` are to be written."""
        return self.y[block] if self.winner is None else self._scratch("products", block, self.shape)

    def finish(self, block: slice) -> None:
        """Make y of them."""
        y = self.y[block]
        if self.winner is not None:
            settings = (self.size, self.size, (0, 0))
            pooling = kernels("pooling", self.xp, self.dtype)
            pooling.max_forward(self.products(block), *settings, -np.inf, y, self.winner[block])
        kernels("convolution", self.xp, self.dtype).add_bias(y.reshape(-1, self.shape[3]), self.b, self.relu)

    def result(self) -> Any:
        """y (B, OH // pool, OW // pool, F); keeps what the backward needs."""
        y = self.y
        if not self.relu:
            self.y = None
        self._memory.clear()
        return y

    def start_backward(self, dy: Any, wants_db: bool) -> None:
        """Get the gradient of y, and whether b has one: ``db`` (F,) is then whole after all blocks."""
        self.dy = self.xp.ascontiguousarray(dy)
        self.db: Any = zeros(self.xp, self.shape[3], self.dtype) if wants_db else None

    def gradient(self, block: slice) -> Any:
        """The gradient of the products of the images ``block``, once for each; the next overwrites it."""
        dy = self.dy[block]
        if self.relu:
            masked = self._scratch("masked", block, self.dy.shape)
            kernels("convolution", self.xp, self.dtype).where_positive(dy, self.y[block], masked)
            dy = masked
        if self.db is not None:
            family = kernels("column_sums", self.xp, self.dtype)
            self.db += family.column_sums(dy.reshape(-1, self.shape[3]))
        if self.winner is None:
            return dy
        dz = self._scratch("products", block, self.shape)
        settings = (self.size, self.size, (0, 0))
        pooling = kernels("pooling", self.xp, self.dtype)
        pooling.max_backward(dy, self.winner[block], *settings, dz)
        return dz
