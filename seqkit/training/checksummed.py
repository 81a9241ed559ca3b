"""Checksummed files: tensors (safetensors) or JSON with a sha256 over every byte of the file.

The checksum is inside the file, in a field of fixed length, and is computed with that field set to zeros.
One rename therefore publishes data and checksum together, other programs can still read the files, and a
missing or changed byte is detected before any content is used.
"""

import hashlib
import json
import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import SafetensorsData, atomic_writer, encode_safetensors, write_atomically
from seqkit.files.mapped import release
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.platforms import map_file
from seqkit.training import verified

_BLANK = "0" * 64
_FIELD = b'"seqkit.sha256":"'
_PIECE = 1 << 24
"""Bytes of a mapped array or file to read at once."""

T = TypeVar("T")
Data = bytes | mmap.mmap
D = TypeVar("D", bytes, Data)


_REMEDY = "restore it from a copy, or train the run again"
_REMEDIES = {
    "last.safetensors": "restore it from a copy; the best weights, in model.safetensors, can still be used",
    "model.safetensors": "restore it from a copy, or resume the training until a better validation",
}
"""The remedy for a damaged file, by name."""


def _damaged(path: Path, reason: str) -> DamagedFileError:
    return DamagedFileError(f"{path} is damaged: {reason}", remedy=_REMEDIES.get(path.name, _REMEDY))


def _read(path: Path, read: Callable[[Path], D]) -> D:
    try:
        data = read(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing", remedy="is this a complete run directory?") from error
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror or error})") from error
    refuse_substitute(path, data[:HEAD], error=DamagedFileError, may_be_empty=True)
    return data


def write_tensors(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, object], **writing: Any
) -> None:
    """Write named arrays and JSON metadata as one checksummed safetensors file, atomically.

    Args:
        path: The file.
        arrays: Arrays by name, in any order.
        metadata: JSON values.
        writing: Arguments of :func:`~seqkit.files.atomic.atomic_writer`.

    Raises:
        RunError: The file cannot be written.
    """
    # the widest types first, so that all are aligned
    arrays = dict(sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])))
    fields = {"seqkit": json.dumps(metadata, sort_keys=True), "seqkit.sha256": _BLANK}
    header, contents = encode_safetensors(arrays, fields)
    digest = hashlib.sha256(header)
    for piece in _pieces(contents):
        digest.update(piece)
    header = header.replace(_FIELD + _BLANK.encode(), _FIELD + digest.hexdigest().encode(), 1)
    with atomic_writer(path, **writing) as file:
        file.write(header)
        file.writelines(_pieces(contents))


def _pieces(contents: Sequence[memoryview]) -> Iterator[memoryview]:
    """Iterate over bytes piece by piece, so that of a mapped array only one is in this process's memory."""
    for content in contents:
        for begin in range(0, len(content), _PIECE):
            yield content[begin : begin + _PIECE]
            release(np.asarray(content))


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the metadata of a file that :func:`write_tensors` wrote.

    Raises:
        RunError: The file is missing or cannot be read.
        DamagedFileError: A byte of it is not as written.
    """
    data = _read(path, Path.read_bytes)
    file, start = _checksum_of(path, data)
    _verify(path, data, start)
    return _content(path, file)


def map_tensors(path: Path, use: Callable[[dict[str, np.ndarray], bool], T]) -> tuple[T, dict[str, Any]]:
    """Map a file that :func:`write_tensors` wrote into memory, and use its arrays.

    All bytes are read once to verify the checksum; as long as the file keeps its place, size, time and
    checksum, later calls trust it, so that opening a large file takes milliseconds.

    Args:
        path: The file.
        use: Called with the arrays, read-only, and whether their content has to be checked: it does unless an
            earlier call returned.

    Returns:
        The result of ``use``, and the metadata.

    Raises:
        RunError: The file is missing or cannot be read.
        DamagedFileError: A byte of it is not as written.
    """
    data = _read(path, map_file)
    file, start = _checksum_of(path, data)
    digest = data[start : start + 64].decode("ascii", "replace")
    known = verified.is_remembered(path, digest)
    if not known:
        _verify(path, data, start)
    arrays, metadata = _content(path, file)
    result = use(arrays, not known)
    if not known:
        verified.remember(path, digest)
    return result, metadata


def _checksum_of(path: Path, data: Data) -> tuple[SafetensorsData, int]:
    """Return the file's header, and the byte where its checksum begins."""
    file = SafetensorsData(data, lambda reason, _: _damaged(path, reason))
    start = data.find(_FIELD, 8, file.begin) + len(_FIELD)
    if start < len(_FIELD) or start + 64 > file.begin:
        raise _damaged(path, "it carries no checksum")
    return file, start


def _verify(path: Path, data: Data, start: int) -> None:
    digest = hashlib.sha256(data[:start] + _BLANK.encode())
    view = memoryview(data)
    for begin in range(start + 64, len(view), _PIECE):
        digest.update(view[begin : begin + _PIECE])
    if digest.hexdigest().encode() != data[start : start + 64]:
        raise _damaged(path, "its checksum does not match its content")


def _content(path: Path, file: SafetensorsData) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    try:
        metadata = json.loads(file.metadata["seqkit"])
    except (ValueError, KeyError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(metadata, dict):
        raise _damaged(path, "its metadata is no JSON object")
    return {name: file.array(name) for name in file.entries}, metadata


def _canonical(content: Mapping[str, object]) -> bytes:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace")  # names of files that are not UTF-8, as JSON escapes them


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON object with its checksum, atomically. Raise RunError if the file cannot be written."""
    digest = hashlib.sha256(_canonical({**content, "sha256": ""})).hexdigest()
    write_atomically(path, _canonical({**content, "sha256": digest}))


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a file that :func:`write_json` wrote, without the checksum.

    Raises:
        RunError: The file is missing or cannot be read.
        DamagedFileError: A byte of it is not as written.
    """
    data = _read(path, Path.read_bytes)
    try:
        content = json.loads(data)
        digest = content.pop("sha256")
        intact = data == _canonical({**content, "sha256": digest})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"it is not the JSON that was written ({error})") from error
    if not intact or hashlib.sha256(_canonical({**content, "sha256": ""})).hexdigest() != digest:
        raise _damaged(path, "its checksum does not match its content")
    return content
