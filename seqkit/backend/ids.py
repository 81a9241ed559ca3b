"""Checks of the token ids and lengths that users pass, and the id that losses skip."""

from typing import Any

import numpy as np

from seqkit.backend.device import Array, Device, array_module, to_device
from seqkit.errors import ShapeError

IGNORE_INDEX = -1
"""The target of a position that does not count: losses and metrics skip it."""

_FEW = 32


def as_array(name: str, value: Any, expected: str) -> Array:
    """Return an array as it is, and lists and tuples of numbers as one of NumPy.

    Raises:
        ShapeError: For another object, and for lists of different lengths.
    """
    if isinstance(value, list | tuple):
        try:
            return np.asarray(value) if len(value) else np.empty(0, np.int64)
        except ValueError:
            raise ShapeError(f"expected {name} to be {expected}, got lists of different lengths") from None
    if not (hasattr(value, "dtype") and hasattr(value, "shape")):
        raise ShapeError(f"expected {name} to be {expected}, got {type(value).__name__}")
    return value


def id_range(ids: np.ndarray) -> tuple[int, int]:
    """Return the smallest and the largest of ids (…), at least one.

    A few are compared in Python: NumPy's two reductions take 17 µs where a model's weights have just filled
    the caches, as before each token that it writes, and this 3.
    """
    if ids.size > _FEW:
        return int(ids.min()), int(ids.max())
    values = ids.reshape(-1).tolist()
    return min(values), max(values)


def _integers_of(shape: tuple[int | None, ...]) -> str:
    return f"integers of shape ({', '.join('any' if n is None else str(n) for n in shape)})"


def checked_ids(
    name: str,
    ids: Any,
    shape: tuple[int | None, ...] = (None,),
    vocab_size: int | None = None,
    *,
    lowest: int = 0,
    device: Device | None = None,
) -> Array:
    """Check ids at a public boundary and return them as an array.

    Args:
        name: The argument's name, for error messages.
        ids: Integers in an array of NumPy or CuPy, a list or a tuple.
        shape: The expected shape; None is any length.
        vocab_size: Ids must be below it; None checks no range. The values are read on the host only: on a
            GPU the check would have to wait for them.
        lowest: The smallest id allowed: ``IGNORE_INDEX`` where positions may be padding.
        device: Where the result should lie; None leaves it where it is.

    Returns:
        The ids, unchanged.

    Raises:
        ShapeError: For another dtype or shape, or an id out of range.

    Example:
        >>> checked_ids("ids", [[0, 2], [1, 1]], (None, 2), vocab_size=3).shape
        (2, 2)

    """
    if type(ids) is not np.ndarray:
        ids = as_array(name, ids, _integers_of(shape))
    fits = ids.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, ids.shape, strict=True))
    if not fits or ids.dtype.kind not in "iu":
        raise ShapeError(f"expected {name} to be {_integers_of(shape)}, got {ids.dtype} {ids.shape}")
    if vocab_size is not None and isinstance(ids, np.ndarray) and ids.size:
        low, high = id_range(ids)
        if low < lowest or high >= vocab_size:
            wrong = low if low < lowest else high
            raise ShapeError(f"expected {name} between {lowest} and {vocab_size - 1}, got {wrong}")
    return ids if device is None else to_device(ids, device)


def length_mask(
    name: str, lengths: Any, shape: tuple[int, int], device: Device, *, lowest: int = 0
) -> Array | None:
    """Check a user's lengths (B,) and return the mask (B, T) that is True before them, on ``device``.

    None, for no mask, where ``lengths`` is None or all rows are known to be T long. Lengths on a GPU are not
    looked at: the answer would have to be waited for.

    Raises:
        ShapeError: No integers (B,), or on the host a length below ``lowest`` or above T.
    """
    B, T = shape
    if lengths is None:
        return None
    expected = f"integers of shape ({B},)"
    lengths = as_array(name, lengths, expected)
    if lengths.shape != (B,) or lengths.dtype.kind not in "iu":
        raise ShapeError(f"expected {name} to be {expected}, got {lengths.dtype} {lengths.shape}")
    if isinstance(lengths, np.ndarray):
        if B and not lowest <= lengths.min() <= lengths.max() <= T:
            wrong = lengths.min() if lengths.min() < lowest else lengths.max()
            raise ShapeError(f"expected {name} between {lowest} and {T}, got {wrong}")
        if (lengths == T).all():
            return None
    lengths = to_device(lengths, device)
    return array_module(lengths).arange(T) < lengths[:, None]
