"""A safetensors file of anyone's: 8 bytes of header length, a JSON header, the data.

Format: https://github.com/huggingface/safetensors. The header is checked here, tensor by tensor, rather than
by its library, whose messages do not say which tensor is wrong and which cannot give bfloat16 to NumPy.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqkit.errors import DamagedFileError, RunError

_LONGEST_HEADER = 100_000_000  # the limit of the format
_FLOATS = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}
_TYPES = _FLOATS | {
    "BOOL": "|b1", "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
    "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip
_REMEDY = "give weights that are not quantised"


class _Entry(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    first: int
    last: int


class TensorFile:
    """The tensors of a file, mapped into memory; its header is checked before anything is believed.

    Raises RunError for a file that cannot be read, DamagedFileError, naming the tensor, for a header that
    does not fit the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < 8:
                    raise self.damaged(f"it has {size} bytes")
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise RunError(
                f"cannot read {path} ({error.strerror or error})", remedy="copy or download it again"
            ) from error
        self._entries = self._checked(self._header())

    def damaged(self, why: str) -> DamagedFileError:
        """The error that says so."""
        return DamagedFileError(f"{self.path} is damaged: {why}", remedy="copy or download it again")

    def _header(self) -> dict[str, Any]:
        size = len(self._data)
        length = struct.unpack("<Q", self._data[:8])[0]
        if length > min(size - 8, _LONGEST_HEADER):
            raise self.damaged(f"its header claims {length} bytes of a file of {size}")
        self._start, self._size = 8 + length, size - 8 - length
        try:
            header = json.loads(self._data[8 : self._start])
            header.pop("__metadata__", None)
        except (ValueError, AttributeError, RecursionError) as error:
            raise self.damaged(f"its header cannot be read ({error})") from None
        return header

    def _checked(self, header: dict[str, Any]) -> dict[str, _Entry]:
        """The entries, which must follow one another up to the file's end."""
        entries = {name: self._entry(name, entry) for name, entry in header.items()}
        at = 0
        for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
            if entry.first != at:
                raise self.damaged(
                    f"{name} should begin at byte {at} of the data, the header says {entry.first}"
                )
            at = entry.last
        if at != self._size:
            raise self.damaged(f"its tensors take {at} bytes of data that has {self._size}")
        return entries

    def _entry(self, name: str, entry: Any) -> _Entry:
        """One entry, which must have the bytes that its shape takes, within the file."""
        try:
            dtype, shape, (first, last) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            sound = all(type(n) is int and n >= 0 for n in (*shape, first, last))
        except (KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            raise self.damaged(f"the header's entry of {name} is none")
        if dtype not in _TYPES:
            raise RunError(
                f"{self.path}: {name} is of type {dtype!r}, not one of {', '.join(_TYPES)}", remedy=_REMEDY
            )
        due = math.prod(shape) * np.dtype(_TYPES[dtype]).itemsize
        if last - first != due:
            raise self.damaged(
                f"{name} of type {dtype} and shape {shape} takes {due} bytes, "
                f"the header gives it {last - first}"
            )
        if last > self._size:
            raise self.damaged(f"{name} should end at byte {last} of data that has {self._size}")
        return _Entry(dtype, shape, first, last)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by name."""
        return {name: entry.shape for name, entry in self._entries.items()}

    def read(self, name: str) -> np.ndarray:
        """A tensor of floating-point numbers as float32, read-only; float32 stays in the file until used.

        RunError for a tensor of integers.
        """
        dtype, shape, first, _ = self._entries[name]
        if dtype not in _FLOATS:
            raise RunError(
                f"{self.path}: {name} is of type {dtype}, expected floating-point numbers", remedy=_REMEDY
            )
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, np.float32)
        array = np.frombuffer(self._data, _FLOATS[dtype], count, self._start + first).reshape(shape)
        if dtype == "BF16":  # the upper half of a float32
            return (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return array.astype(np.float32, copy=False)
