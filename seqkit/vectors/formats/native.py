"""The native format: a safetensors file that is mapped into memory and can be queried at once.

Tensors: ``vectors`` (N, D), ``norms`` (N,), ``words`` (uint8, UTF-8, a line feed after each), ``offsets``
(int64, (N + 1,)), ``attribute.NAME`` (N,), and in a model's file ``extra.NAME``, which a reader of vectors
passes over. The metadata hold a CRC-32 of each tensor and of the header.
Header, words, norms and attributes are checked whenever a file is opened; the vectors too where they are
small, or on request. A row of a large file that is not finite is noticed by the first query over it.
"""

import json
import os
import re
import struct
import zlib
from typing import Any, NoReturn

import numpy as np

from seqkit.errors import DataError, Remedy
from seqkit.files import SafetensorsData, encode_safetensors
from seqkit.platforms import map_file
from seqkit.vectors.formats.content import Content, first_not_finite
from seqkit.vectors.formats.source import Source, published
from seqkit.vectors.words import Words

VERSION = 1
_LONGEST_HEADER = 1 << 20
_PROVED_AT_ONCE = 64 << 20
"""Bytes of vectors up to which their checksum is taken on opening (measured: 3 GB/s)."""
_BLANK = b"00000000"
_CHECKSUM = b'"seqkit.header":"'


def _crc(data: memoryview | bytes) -> str:
    return f"{zlib.crc32(data):08x}"


def _bytes_of(array: np.ndarray) -> memoryview:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data


def write_native(content: Content, path: str | os.PathLike[str]) -> None:
    """Write ``content`` with its norms; atomically. Raises UsageError for what the file cannot hold."""
    tensors = {"vectors": content.vectors, "norms": np.asarray(content.norms, np.float32)}
    tensors["offsets"] = content.words.offsets
    tensors |= {f"attribute.{name}": array for name, array in sorted(content.attributes.items())}
    tensors |= {f"extra.{name}": array for name, array in sorted(content.extras.items())}
    tensors["words"] = np.frombuffer(content.words.blob, np.uint8)
    _, contents = encode_safetensors(tensors, {})
    checks = {name: _crc(data) for name, data in zip(tensors, contents, strict=True)}
    own = {"kind": "vectors", "version": VERSION, "crc32": checks}
    settings = json.dumps({**content.settings, **own}, sort_keys=True)
    metadata = {"seqkit": settings, "seqkit.header": _BLANK.decode()}
    header, contents = encode_safetensors(tensors, metadata, align=64)
    header = header.replace(_CHECKSUM + _BLANK, _CHECKSUM + _crc(header[8:]).encode(), 1)
    with published(path) as file:
        file.writelines([header, *contents])


class _File:
    """The bytes of an open file, its header checked."""

    def __init__(self, path: str | os.PathLike[str], writable: bool) -> None:
        self.name = str(path)
        with Source(path) as source:
            if source.size is not None:
                self.data = map_file(path, writable=writable)
                self._check_header(self.data[: 8 + _LONGEST_HEADER], len(self.data))
            else:  # no more than a sound header states: the rest may be anything, and of any length
                header = source.peek(8 + _LONGEST_HEADER)
                length = self._check_header(header, None)
                ends = re.findall(rb'"data_offsets":\[\d{1,18},(\d{1,18})\]', header[:length])
                self.data = source.read(length + max(map(int, ends), default=0) + 1)
        self.tensors = SafetensorsData(self.data, self.error, longest_header=_LONGEST_HEADER)
        self.begin = self.tensors.begin

    def error(self, what: str, at: int) -> DataError:
        return DataError(
            what,
            where=f"{self.name}, byte {at}",
            remedy="the file is damaged: copy it anew, or convert it again",
        )

    def fail(self, what: str, at: int) -> NoReturn:
        raise self.error(what, at)

    def _check_header(self, head: bytes, size: int | None) -> int:
        """The bytes up to the first tensor, the header's own checksum verified."""
        length = struct.unpack("<Q", head[:8])[0] if len(head) >= 8 else 0
        if not 2 <= length <= len(head) - 8:
            self.fail(f"a header of {length} bytes in a file of {len(head) if size is None else size}", 0)
        text = head[8 : 8 + length]
        at = text.find(_CHECKSUM) + len(_CHECKSUM)
        if at < len(_CHECKSUM):
            raise DataError(
                "a safetensors file, but not of vectors that seqkit wrote",
                where=f"{self.name}, byte 8",
                remedy=Remedy(
                    "give a file that save_vectors wrote",
                    command="give a file that `seqkit convert` or `seqkit train-embeddings` wrote",
                ),
            )
        if _crc(text[:at] + _BLANK + text[at + 8 :]).encode() != text[at : at + 8]:
            self.fail("the header does not match its checksum", 8)
        return 8 + int(length)

    def settings(self) -> dict[str, Any]:
        """The settings in the header, which state a checksum for every tensor."""
        try:
            settings: dict[str, Any] = json.loads(self.tensors.metadata["seqkit"])
            if settings["kind"] != "vectors" or settings["version"] != VERSION:
                self.fail(
                    f"expected version {VERSION} of 'vectors', got {settings['version']!r} of "
                    f"{settings['kind']!r}",
                    8,
                )
            names = self.tensors.entries.keys()
            complete = names == settings["crc32"].keys() >= {"vectors", "norms", "offsets", "words"}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self.error(f"the header cannot be read ({error!r})", 8) from None
        if not complete:
            self.fail("the header lacks a tensor or its checksum", 8)
        return settings


def read_native(path: str | os.PathLike[str], *, writable: bool = True, verify: bool = False) -> Content:
    """Vectors that stay in the file until they are used.

    writable: changes stay in this process (pages are copied when written); False: vectors are read-only.
    verify: take the checksum of the vectors too, however large they are.

    Raises DataError with the byte where the file is cut, damaged, or of another format.
    """
    file = _File(path, writable)
    settings = file.settings()
    tensors = {name: file.tensors.array(name) for name in file.tensors.entries}
    for name, array in tensors.items():
        bulk = name == "vectors" or name.startswith("extra.")
        checked = not bulk or verify or array.nbytes <= _PROVED_AT_ONCE
        if checked and _crc(_bytes_of(array)) != settings["crc32"][name]:
            file.fail(f"{name} do not match their checksum", file.begin + file.tensors.entries[name].start)
    return _assembled(file, tensors, settings, verify)


def _assembled(
    file: _File, tensors: dict[str, np.ndarray], settings: dict[str, Any], verify: bool
) -> Content:
    vectors, offsets = tensors["vectors"], tensors["offsets"]
    begin, blob = file.begin, tensors["words"].tobytes()
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
    if isinstance(file.data, bytes):  # decompressed
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
