"""Layout of a batch of sequences: where real tokens stand among padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqkit.backend import Array, Device, array_module, to_device
from seqkit.errors import ShapeError


@dataclass(frozen=True)
class Layout:
    """Layout of the real tokens of a batch of ``shape`` (B, T); with the other fields None there is no
    padding.

    On the CPU they are packed: ``rows`` (P,) are their places, counted over B·T, and ``lengths`` their number
    in each example; padding then costs nothing. Elsewhere there is a ``mask`` (B, T): packed work would be
    many small pieces.
    """

    shape: tuple[int, int]
    rows: np.ndarray | None = None
    lengths: tuple[int, ...] | None = None
    mask: Array | None = None

    def pack(self, x: Array) -> Array:
        """Return x (B, T), or (P,) of a packed batch."""
        return x if self.rows is None else x.reshape(-1)[self.rows]

    def packed(self) -> Layout:
        """Return the layout, packed even if there is no padding."""
        B, T = self.shape
        return self if self.rows is not None else Layout(self.shape, np.arange(B * T), (T,) * B)

    def positions(self, device: Device) -> Array:
        """Return the positions of the tokens: (T,), or (P,) of a packed batch."""
        T = self.shape[1]
        positions = np.arange(T) if self.rows is None else self.rows % T
        return to_device(positions, device)


def layout_of(name: str, mask: Array, shape: tuple[int, int], device: Device) -> Layout:
    """Return the layout of a mask: lengths (B,), booleans (B, T) True for real tokens, or None.

    Raises:
        ShapeError: A mask that is neither.
    """
    B, T = shape
    if mask is None:
        return Layout(shape)
    mask = np.asarray(mask) if isinstance(mask, list | tuple) else mask
    mask = to_device(mask, device) if device.kind == "cpu" else mask
    xp = array_module(mask)
    if mask.shape == (B,) and mask.dtype.kind in "iu":
        if xp is np and B and not 0 <= mask.min() <= mask.max() <= T:
            raise ShapeError(f"expected {name} to be lengths of 0 to {T}, got {mask.min()} to {mask.max()}")
        mask = xp.arange(T) < mask[:, None]
    if mask.shape != (B, T) or mask.dtype.kind != "b":
        raise ShapeError(
            f"expected {name} to be integer lengths ({B},) or booleans ({B}, {T}), "
            f"got {mask.dtype} {mask.shape}"
        )
    if xp is np and mask.all():
        return Layout(shape)
    if xp is np and device.kind == "cpu":
        return Layout(shape, np.flatnonzero(mask), tuple(mask.sum(axis=1).tolist()))
    return Layout(shape, mask=to_device(mask, device))
