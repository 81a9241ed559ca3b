"""The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes one after another.

Format: https://github.com/huggingface/safetensors. Written and read here rather than by its library, which
reads a whole file before it gives a tensor, cannot give bfloat16 to NumPy, does not say which tensor is
wrong, and orders the metadata at random.
"""

import json
import math
import mmap
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from seqkit.errors import SeqkitError, UsageError
from seqkit.files.json_files import DocumentLimits, parse_json
from seqkit.files.typed_values import Between, fill_json

DTYPES = {
    "F16": "<f2", "F32": "<f4", "F64": "<f8", "BOOL": "|b1", "I8": "|i1", "I16": "<i2", "I32": "<i4",
    "I64": "<i8", "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip
"""The format's name of each type that NumPy has."""
BFLOAT16 = "BF16"
"""Read as its bits, uint16; NumPy has no such type."""
_STORED = DTYPES | {BFLOAT16: "<u2"}
_NAMES = {np.dtype(text): name for name, text in DTYPES.items()}
_LONGEST_HEADER = 100_000_000  # the limit of the format
_MOST_DIMENSIONS = 32  # NumPy's limit, before version 2
_LIMITS = DocumentLimits(size=_LONGEST_HEADER, values=500_000, depth=4)

Error = Callable[[str, int], SeqkitError]
"""(message, byte of the file) -> the exception to raise."""


@dataclass(frozen=True)
class _HeaderEntry:
    dtype: Any
    shape: tuple[Annotated[int, Between(0)], ...]
    data_offsets: tuple[Annotated[int, Between(0)], Annotated[int, Between(0)]]


class Entry(NamedTuple):
    """The header's entry of a tensor, checked; ``start`` and ``end`` are bytes of the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class SafetensorsData:
    """The header and the tensors of a file's bytes.

    The whole header is checked first: the sizes against the file, every entry against its type and shape,
    and that the tensors follow one another up to the file's end. Nothing is allocated before.

    Args:
        data: The bytes of the file, or a mapping of it.
        error: Makes the exception for a message and the byte of the file where the fault is.
        unknown_dtype: Makes the exception for a type that is not read, by the tensor's name and the type;
            without it, ``error`` does.
        longest_header: The most bytes of header to accept.

    Raises:
        SeqkitError: The exception from ``error`` or ``unknown_dtype``.
    """

    def __init__(
        self,
        data: bytes | mmap.mmap,
        error: Error,
        *,
        unknown_dtype: Callable[[str, object], SeqkitError] | None = None,
        longest_header: int = _LONGEST_HEADER,
    ) -> None:
        self._data, self._error = data, error
        self._unknown_dtype = unknown_dtype or (
            lambda name, dtype: error(f"expected {name} of a type among {', '.join(_STORED)}, got {dtype}", 8)
        )
        if len(data) < 8:
            raise error(f"it has {len(data)} bytes", 0)
        length = struct.unpack("<Q", data[:8])[0]
        if length > min(len(data) - 8, longest_header):
            raise error(f"its header claims {length} bytes of a file of {len(data)}", 0)
        self.begin = 8 + length
        """The byte of the file where the tensors begin."""

        def fail(message: str) -> SeqkitError:
            return error(f"its header cannot be read: {message}", 8)

        header = fill_json(dict[str, Any], parse_json(data[8 : self.begin], fail, limits=_LIMITS), fail)
        content = header.pop("__metadata__", {})
        self.metadata = fill_json(
            dict[str, str],
            content,
            lambda why: error(f"expected metadata of strings in its header: {why}", 8),
        )
        self.entries = {name: self._entry(name, entry) for name, entry in header.items()}
        """The entries in the order of the header."""
        self._check_order()

    def _entry(self, name: str, entry: object) -> Entry:
        """The entry of a tensor, which must have the bytes that its type and shape take."""

        def fail(message: str) -> SeqkitError:
            return self._error(f"invalid header entry for {name}: {message}", 8)

        checked = fill_json(_HeaderEntry, entry, fail)
        dtype, shape, (start, end) = checked.dtype, checked.shape, checked.data_offsets
        if len(shape) > _MOST_DIMENSIONS:
            raise fail(f"expected at most {_MOST_DIMENSIONS} dimensions, got {len(shape)}")
        if not isinstance(dtype, str) or dtype not in _STORED:
            raise self._unknown_dtype(name, dtype)
        itemsize = np.dtype(_STORED[dtype]).itemsize
        expected = math.prod(shape) * itemsize
        if end - start != expected or math.prod(n or 1 for n in shape) * itemsize >= 1 << 63:
            raise self._error(
                f"{name} of type {dtype} and shape {shape} takes {expected} bytes, "
                f"the header gives it {end - start}",
                8,
            )
        size = len(self._data) - self.begin
        if end > size:
            raise self._error(f"{name} should end at byte {end} of data that has {size}", 8)
        return Entry(dtype, shape, start, end)

    def _check_order(self) -> None:
        at, size = 0, len(self._data) - self.begin
        for name, entry in sorted(self.entries.items(), key=lambda item: item[1][2:]):
            if entry.start != at:
                raise self._error(
                    f"{name} should begin at byte {at} of the data, the header says {entry.start}",
                    8,
                )
            at = entry.end
        if at != size:
            raise self._error(f"its tensors take {at} bytes of data that has {size}", self.begin + at)

    def array(self, name: str) -> np.ndarray:
        """A tensor as a view of the data; a copy where its bytes are not aligned. bfloat16 as uint16."""
        dtype, shape, start, _ = self.entries[name]
        count = math.prod(shape)
        if count == 0:
            return np.empty(shape, _STORED[dtype])
        array = np.frombuffer(self._data, _STORED[dtype], count, self.begin + start).reshape(shape)
        return array if array.flags.aligned else array.copy()


def encode_safetensors(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], *, align: int = 8
) -> tuple[bytes, list[memoryview]]:
    """Encode a safetensors file of arrays, in their order.

    Args:
        arrays: Name -> array of a type of :data:`DTYPES`.
        metadata: Strings to store in the header.
        align: The tensors begin at a multiple of this many bytes.

    Returns:
        The bytes up to the first tensor, and the bytes of each tensor (not copied where the array is
        contiguous).

    Raises:
        UsageError: For an array of another type.
    """
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    contents, at = [], 0
    for name, array in arrays.items():
        plain = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        if plain.dtype not in _NAMES:
            raise UsageError(
                f"{name} of type {plain.dtype} cannot be saved", remedy=f"use one of {sorted(DTYPES)}"
            )
        entries[name] = {
            "dtype": _NAMES[plain.dtype],
            "shape": list(plain.shape),
            "data_offsets": [at, at := at + plain.nbytes],
        }
        contents.append(plain.reshape(-1).view(np.uint8).data)
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 8) % align)
    return struct.pack("<Q", len(header)) + header, contents
