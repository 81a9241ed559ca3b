"""Typed values from parsed JSON: what a document holds, compared with a declared type.

Types: ``bool``, ``int``, ``float`` (takes integers too), ``str``, ``None``, ``Any``, ``Literal``, ``list``,
``tuple``, ``dict`` with ``str`` keys, dataclasses, unions, and ``Annotated`` with a :class:`Between`.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from seqkit.errors import SeqkitError

T = TypeVar("T")
Fail = Callable[[str], SeqkitError]
"""message -> the exception to raise, which names the file."""
Fill = Callable[[Any], Any]

SHOWN = 60
"""Characters of a key or a string that a message shows."""
_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a string", type(None): "null"}


@dataclasses.dataclass(frozen=True)
class Between:
    """The range of a number, in ``Annotated``: ``low`` to ``high``; ``above``: without ``low`` itself."""

    low: float
    high: float = math.inf
    above: bool = False

    def __contains__(self, number: float) -> bool:
        return (number > self.low or (number == self.low and not self.above)) and number <= self.high

    def __str__(self) -> str:
        low = f"above {self.low}" if self.above else f"of at least {self.low}"
        if self.high == math.inf:
            return low
        return f"{low} and at most {self.high}" if self.above else f"from {self.low} to {self.high}"


def fill_json(
    declared: type[T], content: object, fail: Fail, *, strict: bool = False, null_is_default: bool = False
) -> T:
    """Return a value of a declared type from parsed JSON; arguments as for :func:`seqkit.files.read_json`.

    Raises:
        SeqkitError: The exception from ``fail``, for a value of another type, out of range, or missing.
    """
    try:
        return cast(T, _filler(cast(Any, declared), strict, null_is_default)(content))
    except _MismatchError as mismatch:
        raise fail(mismatch.message()) from None


class _MismatchError(Exception):
    """A value that is not what it must be; ``path`` is filled from the inside out."""

    def __init__(self, expected: str, got: str) -> None:
        self.path: list[str] = []
        self.expected, self.got = expected, got

    def inside(self, step: str) -> _MismatchError:
        self.path.insert(0, step)
        return self

    def message(self) -> str:
        where = "".join(self.path).removeprefix(".")
        if where:
            return f"expected {where} to be {self.expected}, got {self.got}"
        return f"expected {self.expected}, got {self.got}"


def describe_value(value: object) -> str:
    """Return what a parsed value is, short enough for a message."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return f"the string {value if len(value) <= SHOWN else value[:SHOWN] + '…'!r}"
    return f"the number {value}"


@functools.cache
def _filler(declared: object, strict: bool, null_is_default: bool) -> Fill:
    """Return the function that checks and converts values of a declared type."""
    origin, arguments = get_origin(declared), get_args(declared)

    def inner(argument: object) -> Fill:
        return _filler(argument, strict, null_is_default)

    if declared is Any or declared is object:
        return lambda value: value
    if dataclasses.is_dataclass(declared):
        return _dataclass_filler(cast(type, declared), inner, strict, null_is_default)
    if origin is Annotated:
        return _ranged_filler(arguments[0], arguments[1], inner)
    if origin is Literal:
        return _literal_filler(arguments)
    if origin in (Union, types.UnionType):
        return _union_filler([inner(argument) for argument in arguments])
    if origin is list or declared is list:
        return _list_filler(inner(arguments[0]) if arguments else inner(Any))
    if origin is tuple:
        if len(arguments) != 2 or arguments[1] is not Ellipsis:
            return _tuple_filler([inner(argument) for argument in arguments])
        items = _list_filler(inner(arguments[0]))
        return lambda value: tuple(items(value))
    if origin is dict or declared is dict:
        return _dict_filler(inner(arguments[1]) if arguments else inner(Any))
    kind = type(None) if declared is None else declared
    if kind not in _NAMES:
        raise TypeError(f"{declared!r} is no type of JSON")
    return _scalar_filler(kind)


def _scalar_filler(kind: type) -> Fill:
    def fill(value: object) -> Any:
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise _MismatchError(_NAMES[kind], describe_value(value))

    return fill


def _ranged_filler(kind: Any, between: Any, inner: Callable[[Any], Fill]) -> Fill:
    convert = inner(kind)

    def fill(value: Any) -> Any:
        expected = f"{_NAMES[kind]} {between}"
        try:
            number = convert(value)
        except _MismatchError as mismatch:
            mismatch.expected = expected
            raise
        if number not in between:
            raise _MismatchError(expected, describe_value(value))
        return number

    return fill


def _literal_filler(choices: tuple[Any, ...]) -> Fill:
    def fill(value: object) -> Any:
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return value
        shown = [repr(each) if isinstance(each, str) else json.dumps(each) for each in choices]
        raise _MismatchError(" or ".join(shown), describe_value(value))

    return fill


def _union_filler(members: list[Fill]) -> Fill:
    def fill(value: object) -> Any:
        mismatches = []
        for member in members:
            try:
                return member(value)
            except _MismatchError as mismatch:
                mismatches.append(mismatch)
        for each in mismatches:
            if each.path:  # of the right type, wrong inside
                raise each
        raise _MismatchError(" or ".join(each.expected for each in mismatches), describe_value(value))

    return fill


def _list_filler(item: Fill) -> Fill:
    def fill(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise _MismatchError("a list", describe_value(value))
        filled: list[Any] = []
        try:
            for each in value:
                filled.append(item(each))
        except _MismatchError as mismatch:
            raise mismatch.inside(f"[{len(filled)}]") from None
        return filled

    return fill


def _tuple_filler(items: list[Fill]) -> Fill:
    def fill(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(items):
            got = f"a list of {len(value)}" if isinstance(value, list) else describe_value(value)
            raise _MismatchError(f"a list of {len(items)}", got)
        filled: list[Any] = []
        try:
            for item, each in zip(items, value, strict=True):
                filled.append(item(each))
        except _MismatchError as mismatch:
            raise mismatch.inside(f"[{len(filled)}]") from None
        return tuple(filled)

    return fill


def _dict_filler(item: Fill) -> Fill:
    def fill(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _MismatchError("an object", describe_value(value))
        filled, name = {}, ""
        try:
            for name, each in value.items():
                filled[name] = item(each)
        except _MismatchError as mismatch:
            raise mismatch.inside(f".{name}" if name.isidentifier() else f"[{name[:SHOWN]!r}]") from None
        return filled

    return fill


def _dataclass_filler(kind: type, inner: Callable[[Any], Fill], strict: bool, null_is_default: bool) -> Fill:
    """A field's key is its name, or the "key" of its metadata."""
    hints = get_type_hints(kind, include_extras=True)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    fillers = {field.metadata.get("key", field.name): (field, inner(hints[field.name])) for field in fields}

    def fill(value: object) -> Any:
        if not isinstance(value, Mapping):
            raise _MismatchError("an object", describe_value(value))
        unknown = next((name for name in value if name not in fillers), None) if strict else None
        if unknown is not None:
            raise _MismatchError(f"only {', '.join(fillers)}", f"the key {unknown[:SHOWN]!r}")
        filled = {}
        for key, (field, convert) in fillers.items():
            required = field.default is field.default_factory is dataclasses.MISSING
            if key not in value or (value[key] is None and null_is_default):
                if not required:
                    continue
                missing = True
            else:
                missing = False
            try:
                filled[field.name] = convert(value.get(key))
            except _MismatchError as mismatch:
                if missing:
                    mismatch.got = "nothing"
                raise mismatch.inside(f".{key}") from None
        return kind(**filled)

    return fill
