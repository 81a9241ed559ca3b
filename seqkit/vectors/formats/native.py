"""seqkit's own file of vectors: safetensors that is mapped into memory and asked at once.

Tensors: ``vectors`` (N, D), ``norms`` (N,), ``words`` (uint8, UTF-8, a line feed after each), ``offsets``
(int64, (N + 1,)), ``attribute.NAME`` (N,), and in a model's file ``extra.NAME``, which a reader of vectors
passes over. The metadata hold a CRC-32 of each tensor and of the header.
Header, words, norms and attributes are checked whenever a file is opened; the vectors too where they are
small, or when asked. A row of a large file that is not finite is noticed by the first query over it.

Format: https://github.com/huggingface/safetensors (8 bytes of header length, JSON, data). Written and read
here rather than by its library, which reads a whole file before it gives anything.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import zlib
from typing import Any, NoReturn

import numpy as np

from seqkit.errors import DataError, UsageError
from seqkit.vectors.formats.content import Content, first_not_finite
from seqkit.vectors.formats.source import published
from seqkit.vectors.words import Words

VERSION = 1
_LONGEST_HEADER = 1 << 20
_PROVED_AT_ONCE = 64 << 20
"""Bytes of vectors up to which their checksum is taken on opening (measured: 3 GB/s)."""
_BLANK = "00000000"
_SEAL = b'"seqkit.header":"'
_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1", "U32": "<u4",
          "U64": "<u8", "I8": "|i1", "I16": "<i2", "U16": "<u2", "BOOL": "|b1"}  # fmt: skip
_NAMES = {np.dtype(text): name for name, text in _TYPES.items()}


def _crc(data: Any) -> str:
    return f"{zlib.crc32(data):08x}"


def _bytes_of(array: np.ndarray) -> Any:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data


def write_native(content: Content, path: str | os.PathLike[str]) -> None:
    """Write ``content`` with its norms; atomically. Raises UsageError for what the file cannot hold."""
    tensors: dict[str, np.ndarray] = {"vectors": content.vectors}
    tensors["norms"] = np.asarray(content.norms, np.float32)
    tensors["offsets"] = content.words.offsets
    for name, array in sorted(content.attributes.items()):
        tensors[f"attribute.{name}"] = array
    for name, array in sorted(content.extras.items()):
        tensors[f"extra.{name}"] = array
    tensors["words"] = np.frombuffer(content.words.blob, np.uint8)
    entries: dict[str, Any] = {}
    checks, at = {}, 0
    for name, array in tensors.items():
        plain = np.ascontiguousarray(array)
        plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        if plain.dtype not in _NAMES:
            raise UsageError(
                f"{name} of type {plain.dtype} cannot be saved", remedy=f"use one of {sorted(_TYPES)}"
            )
        tensors[name] = plain
        entries[name] = {"dtype": _NAMES[plain.dtype], "shape": list(plain.shape)}
        entries[name]["data_offsets"] = [at, at := at + plain.nbytes]
        checks[name] = _crc(_bytes_of(plain))
    own = {"kind": "vectors", "version": VERSION, "crc32": checks}
    settings = json.dumps({**content.settings, **own}, sort_keys=True)
    entries = {"__metadata__": {"seqkit": settings, "seqkit.header": _BLANK}, **entries}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 8) % 64)  # so that the vectors begin at a multiple of 64
    header = header.replace(_SEAL + _BLANK.encode(), _SEAL + _crc(header).encode(), 1)
    with published(path) as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for array in tensors.values():
            file.write(_bytes_of(array))


class _File:
    """One file being opened: its bytes and how to complain about them."""

    def __init__(self, name: str, data: Any) -> None:
        self.name, self.data = name, data

    def error(self, what: str, at: int) -> DataError:
        return DataError(
            what,
            where=f"{self.name}, byte {at}",
            remedy="the file is damaged: copy it anew, or convert it again",
        )

    def fail(self, what: str, at: int) -> NoReturn:
        raise self.error(what, at)

    def header(self) -> tuple[dict[str, Any], dict[str, Any], int]:
        """(tensors, settings, where the data begin), the header's own checksum verified."""
        size = len(self.data)
        length = struct.unpack("<Q", self.data[:8])[0] if size >= 8 else 0
        if size < 10 or not 2 <= length <= min(size - 8, _LONGEST_HEADER):
            self.fail(f"a header of {length} bytes in a file of {size}", 0)
        text = bytes(self.data[8 : 8 + length])
        at = text.find(_SEAL) + len(_SEAL)
        if at < len(_SEAL):
            raise DataError(
                "a safetensors file, but not of vectors that seqkit wrote",
                where=f"{self.name}, byte 8",
                remedy="save it with save_vectors",
            )
        if _crc(text[:at] + _BLANK.encode() + text[at + 8 :]).encode() != text[at : at + 8]:
            self.fail("the header does not match its checksum", 8)
        try:
            entries = json.loads(text)
            settings = json.loads(entries.pop("__metadata__")["seqkit"])
            if settings["kind"] != "vectors" or settings["version"] != VERSION:
                self.fail(
                    f"version {settings['version']!r} of {settings['kind']!r}; this one reads {VERSION}", 8
                )
            sound = entries.keys() == settings["crc32"].keys() >= {"vectors", "norms", "offsets", "words"}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self.error(f"the header cannot be read ({error!r})", 8) from None
        if not sound:
            self.fail("the header lacks a tensor or its checksum", 8)
        return entries, settings, 8 + length

    def tensor(self, entry: dict[str, Any], begin: int, due: int) -> np.ndarray:
        """The array of an entry, a view of the file; it must begin at byte ``due`` of the data."""
        try:
            dtype, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"])
            first, last = entry["data_offsets"]
            sound = all(type(n) is int and 0 <= n < 1 << 48 for n in (*shape, first, last))
        except (KeyError, TypeError, ValueError) as error:
            raise self.error(f"the header cannot be read ({error!r})", 8) from None
        count = math.prod(shape) if sound else 0
        if (
            not sound
            or first != due
            or last - first != count * dtype.itemsize
            or begin + last > len(self.data)
        ):
            self.fail(f"a tensor of shape {list(shape)} where the file has {len(self.data)} bytes", 8)
        if count == 0:
            return np.empty(shape, dtype)
        return np.frombuffer(self.data, dtype, count, begin + first).reshape(shape)


def _mapped(path: str | os.PathLike[str], writable: bool) -> Any:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY if writable else mmap.ACCESS_READ)
    except OSError as error:
        raise DataError(
            f"cannot read {path} ({error.strerror or error})", remedy="is the path right?"
        ) from error


def read_native(
    path: str | os.PathLike[str], *, writable: bool = True, verify: bool = False, data: bytes | None = None
) -> Content:
    """Vectors that stay in the file until they are used.

    writable: changes stay in this process (pages are copied when written); False: vectors are read-only.
    verify: take the checksum of the vectors too, however large they are.
    data: the content of the file, where it had to be decompressed.

    Raises DataError with the byte where the file is cut, damaged, or of another kind.
    """
    name = str(path)
    file = _File(name, data if data is not None else _mapped(path, writable))
    entries, settings, begin = file.header()
    tensors: dict[str, np.ndarray] = {}
    at = 0
    for key, entry in entries.items():
        tensors[key] = file.tensor(entry, begin, at)
        start, at = at, at + tensors[key].nbytes
        bulk = key == "vectors" or key.startswith("extra.")
        if not bulk or verify or tensors[key].nbytes <= _PROVED_AT_ONCE:
            found = _crc(_bytes_of(tensors[key]))
            if found != settings["crc32"][key]:
                file.fail(f"{key} do not match their checksum", begin + start)
    if begin + at != len(file.data):
        file.fail(f"{len(file.data)} bytes where the header makes it {begin + at}", begin + at)
    return _assembled(file, tensors, settings, begin, verify)


def _assembled(
    file: _File, tensors: dict[str, np.ndarray], settings: dict[str, Any], begin: int, verify: bool
) -> Content:
    vectors, offsets = tensors["vectors"], tensors["offsets"]
    blob = tensors["words"].tobytes()
    N = len(vectors) if vectors.ndim == 2 else -1
    others = {k.removeprefix("attribute."): v for k, v in tensors.items() if k.startswith("attribute.")}
    lengths_agree = all(array.shape == (N,) for array in (tensors["norms"], *others.values()))
    if N < 0 or vectors.dtype.kind != "f" or not lengths_agree or offsets.shape != (N + 1,):
        file.fail("the shapes of the tensors do not fit together", 8)
    if offsets[0] != 0 or offsets[-1] != len(blob) or (np.diff(offsets) < 1).any():
        file.fail("the offsets of the words do not fit them", begin)
    if (tensors["words"][offsets[1:] - 1] != 10).any():
        file.fail("a word does not end where its offset says", begin)
    try:
        blob.decode()
    except UnicodeDecodeError:
        file.fail("the words are not UTF-8", begin)
    if not vectors.flags.writeable and file.data.__class__ is bytes:  # decompressed
        vectors = vectors.copy()
    small = vectors.nbytes <= _PROVED_AT_ONCE

    def unproved(row: int) -> DataError:
        return file.error(
            f"vector {row} holds a number that is not finite",
            begin + row * vectors.shape[1] * vectors.itemsize,
        )

    if small or verify:
        row = first_not_finite(vectors)
        if row is not None:
            raise unproved(row)
    return Content(
        vectors,
        Words(blob, offsets),
        norms=tensors["norms"],
        attributes={name: array.copy() for name, array in others.items()},
        unproved=None if small or verify else unproved,
        extras={k.removeprefix("extra."): v for k, v in tensors.items() if k.startswith("extra.")},
        settings={k: v for k, v in settings.items() if k not in ("kind", "version", "crc32")},
    )
