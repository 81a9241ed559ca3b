"""JSON files of any origin, checked against declared types before anything is made from them.

A file that parses may still hold anything. :func:`parse_json` bounds what a document may be (size, number of
values, depth, numbers that a machine has, no key twice); :func:`~seqkit.files.fill_json` compares it with a
type and returns a value of exactly that type, usually a dataclass; :func:`read_json` does both for a file. A
mismatch raises an exception of seqkit that names the file, the key, and the expected and the received type.

::

    @dataclass(frozen=True)
    class Limits:
        max_seq_length: Annotated[int, Between(1)] | None = None
        do_lower_case: bool = False

    limits = read_json(folder / "sentence_bert_config.json", Limits)
"""

import collections
import dataclasses
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from seqkit.errors import DamagedFileError, RunError, SeqkitError
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.files.typed_values import SHOWN, Fail, fill_json

T = TypeVar("T")

REMEDY = "copy or download it again"
_SURROGATES = re.compile(r"\\u[dD][89a-fA-F]")
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class DocumentLimits:
    """Bounds of a document, which bound the time and memory that reading it takes."""

    size: int = 4 << 20
    """Bytes."""
    values: int = 400_000
    """Values in it, keys not counted; commas in strings count, too."""
    depth: int = 32
    """Objects and lists inside one another."""
    bits: int = 63
    """Of an integer, without its sign."""
    finite: bool = True
    """Whether every number must be finite."""


LIMITS = DocumentLimits()
"""Those of settings files; vocabularies have larger ones."""


def read_json(
    path: str | Path,
    declared: type[T],
    *,
    error: type[SeqkitError] = DamagedFileError,
    remedy: str | None = REMEDY,
    limits: DocumentLimits = LIMITS,
    strict: bool = False,
    null_is_default: bool = False,
) -> T:
    """Read a JSON file as a value of a declared type.

    Args:
        path: The file.
        declared: The type, as :mod:`seqkit.files.typed_values` describes.
        error: The exception for a file that holds anything else.
        remedy: The advice in the exceptions.
        limits: Bounds of the document.
        strict: Refuse keys that a dataclass does not have.
        null_is_default: Read null as the default of a dataclass's field, where it has one.

    Raises:
        SeqkitError: Of the class ``error`` for a content that does not fit.
        RunError: The file cannot be read; of the class ``error`` if that is not a RunError.
    """

    def fail(message: str) -> SeqkitError:
        return error(f"{path} is damaged: {message}", remedy=remedy)

    unreadable = RunError if issubclass(error, RunError) else error
    try:
        with open(path, "rb") as file:
            data = b"".join(_chunks(file, limits.size))
    except (OSError, ValueError) as failure:
        why = getattr(failure, "strerror", None) or failure
        raise unreadable(f"cannot read {path} ({why})", remedy=remedy) from failure
    refuse_substitute(path, data[:HEAD], error=error)
    content = parse_json(data, fail, limits=limits)
    return fill_json(declared, content, fail, strict=strict, null_is_default=null_is_default)


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the content in pieces up to a little over ``size``: ``read(size)`` would allocate all at once."""
    while size >= 0 and (chunk := file.read(_CHUNK)):
        size -= len(chunk)
        yield chunk


def parse_json(data: bytes, fail: Fail, *, limits: DocumentLimits = LIMITS) -> Any:
    """Parse a JSON document within limits.

    Args:
        data: The document, UTF-8.
        fail: Returns the exception for a message.
        limits: Bounds of the document.

    Returns:
        Its value; every number is within the limits, every string can be encoded.

    Raises:
        SeqkitError: The exception from ``fail``.
    """
    if len(data) > limits.size:
        raise fail(f"expected JSON of at most {limits.size:,} bytes, got more")
    count = data.count(b",") + data.count(b"[") + data.count(b"{") + data.count(b":")
    if count > 2 * limits.values:
        raise fail(f"expected JSON of at most {limits.values:,} values, got about {count // 2:,}")
    try:
        text = data.decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise fail(f"expected JSON of at most {limits.depth} levels, got more") from None
    except ValueError as failure:
        raise fail(f"no JSON ({failure})") from None
    problem = _problem(content, limits, strings=_SURROGATES.search(text) is not None)
    if problem:
        raise fail(problem)
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        [(twice, _)] = collections.Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice[:SHOWN]!r} stands twice in an object")
    return content


def _problem(content: object, limits: DocumentLimits, *, strings: bool) -> str | None:
    """Return what is wrong with a parsed document: depth, numbers, or strings that cannot be encoded."""
    level: list[Any] = [[content]]
    for _ in range(limits.depth + 1):
        below: list[Any] = []
        for container in level:
            named = isinstance(container, dict)
            for key, value in container.items() if named else enumerate(container):
                if isinstance(value, dict | list):
                    below.append(value)
                elif limits.finite and isinstance(value, float) and not math.isfinite(value):
                    return f"expected a finite number{_at(key)}, got {value}"
                elif isinstance(value, int) and value.bit_length() > limits.bits:
                    return f"expected an integer of at most {limits.bits} bits{_at(key)}, got a larger one"
                elif strings and not (_encodes(value) and _encodes(key)):
                    return f"expected text{_at(key)}, got half a surrogate pair"
        if not below:
            return None
        level = below
    return f"expected JSON of at most {limits.depth} levels, got more"


def _at(key: object) -> str:
    return f" at {key[:SHOWN]!r}" if isinstance(key, str) else ""


def _encodes(value: object) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True
