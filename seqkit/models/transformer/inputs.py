"""What comes into a Transformer: ids, checked and moved, and where real tokens stand among padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend import Array, Device, array_module, to_device
from seqkit.errors import ShapeError


@dataclass(frozen=True)
class Layout:
    """Where the real tokens of a batch of ``shape`` (B, T) stand. All else None: everywhere.

    On the CPU they are packed: ``rows`` (P,), counted over B·T, and ``lengths``, their number in each
    example; padding then costs nothing. Elsewhere there is a ``mask`` (B, T): work without padding would go
    in many small pieces.
    """

    shape: tuple[int, int]
    rows: np.ndarray | None = None
    lengths: tuple[int, ...] | None = None
    mask: Array | None = None

    def pack(self, x: Array) -> Array:
        """x (B, T), or (P,) where the batch is packed."""
        return x if self.rows is None else x.reshape(-1)[self.rows]

    def packed(self) -> Layout:
        """The same, packed even if nothing is padded."""
        B, T = self.shape
        return self if self.rows is not None else Layout(self.shape, np.arange(B * T), (T,) * B)

    def positions(self, device: Device) -> Array:
        """Of every token: (T,), or (P,) where the batch is packed."""
        T = self.shape[1]
        positions = np.arange(T) if self.rows is None else self.rows % T
        return to_device(positions, device)


def layout_of(name: str, mask: Any, shape: tuple[int, int], device: Device) -> Layout:
    """The layout that a mask gives: lengths (B,), booleans (B, T) True for real tokens, or None.

    ShapeError when it fits neither.
    """
    B, T = shape
    if mask is None:
        return Layout(shape)
    mask = np.asarray(mask) if isinstance(mask, list | tuple) else mask
    mask = to_device(mask, device) if device.kind == "cpu" else mask
    xp = array_module(mask)
    if mask.shape == (B,) and mask.dtype.kind in "iu":
        if xp is np and B and not 0 <= mask.min() <= mask.max() <= T:
            raise ShapeError(f"{name} must be lengths of 0 to {T}, got {mask.min()} to {mask.max()}")
        mask = xp.arange(T) < mask[:, None]
    if mask.shape != (B, T) or mask.dtype.kind != "b":
        raise ShapeError(
            f"{name} must be integer lengths ({B},) or booleans ({B}, {T}), got {mask.dtype} {mask.shape}"
        )
    if xp is np and mask.all():
        return Layout(shape)
    if xp is np and device.kind == "cpu":
        return Layout(shape, np.flatnonzero(mask), tuple(mask.sum(axis=1).tolist()))
    return Layout(shape, mask=to_device(mask, device))
