"""A stand-in for a GPU array: what CuPy refuses, or does only by a hidden synchronisation, raises here.

It is no ndarray; it wraps one that nothing but :func:`to_numpy` gives out. Its module offers only the names,
arguments and methods that CuPy has (tests/cupy_names.txt, METHODS below). It is stricter than CuPy in this:
NumPy functions on it raise, where CuPy would redirect them; ``float(x)``, ``if x:``, iteration, ``in`` and
``item()`` raise, where CuPy would wait for the device; keys are never lists.

It counts what the tests ask about: calls by name and bytes allocated (:data:`counts`).
"""

from __future__ import annotations

import operator
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from seqkit.backend import ArrayBackend

NAMES = Path(__file__).with_name("cupy_names.txt")

METHODS = {
    "all": "axis out keepdims",
    "any": "axis out keepdims",
    "argmax": "axis out dtype keepdims",
    "argmin": "axis out dtype keepdims",
    "argsort": "axis kind",
    "astype": "dtype order casting subok copy",
    "clip": "min max out",
    "copy": "order",
    "cumsum": "axis dtype out",
    "diagonal": "offset axis1 axis2",
    "dot": "b out",
    "fill": "value",
    "flatten": "order",
    "max": "axis out keepdims",
    "mean": "axis dtype out keepdims",
    "min": "axis out keepdims",
    "nonzero": "",
    "prod": "axis dtype out keepdims",
    "ravel": "order",
    "repeat": "repeats axis",
    "reshape": "*shape order copy",
    "round": "decimals out",
    "sort": "axis kind",
    "squeeze": "axis",
    "std": "axis dtype out ddof keepdims",
    "sum": "axis dtype out keepdims",
    "swapaxes": "axis1 axis2",
    "take": "indices axis out",
    "transpose": "*axes",
    "var": "axis dtype out ddof keepdims",
    "view": "dtype type",
}
"""The array methods, with the arguments that CuPy 14.2 gives them."""

TAKES_HOST_ARRAYS = {"array", "asarray"}
"""The functions that copy a NumPy array to the device because they were asked to."""

counts: Counter[str] = Counter()
"""Calls by function name, "@" counted as matmul; and "bytes" of arrays that were newly allocated."""


def _implicit(what: str) -> TypeError:
    return TypeError(f"{what}: a device array is not converted implicitly; use seqkit.backend.to_numpy")


def _unwrap(x: Any, host_allowed: bool = False) -> Any:
    """The host value of an argument; ndarrays are refused, wherever they hide."""
    if isinstance(x, StrictArray):
        return x._StrictArray__host
    if isinstance(x, np.ndarray):
        if host_allowed:
            return x
        raise TypeError("a NumPy array among arguments of a device function")
    if isinstance(x, list | tuple):
        return type(x)(_unwrap(part, host_allowed) for part in x)
    if isinstance(x, dict):
        return {name: _unwrap(part, host_allowed) for name, part in x.items()}
    return x


def _wrap(x: Any) -> Any:
    if isinstance(x, np.ndarray | np.generic):
        if isinstance(x, np.generic) or x.base is None:
            counts["bytes"] += x.nbytes
        return StrictArray(np.asarray(x))
    if isinstance(x, tuple | list):
        return type(x)(_wrap(part) for part in x) if type(x) in (tuple, list) else tuple(map(_wrap, x))
    return x


def _result(value: Any, out: Any) -> Any:
    return out if isinstance(out, StrictArray) else _wrap(value)


class StrictArray:
    """See the module."""

    __slots__ = ("__host",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: np.ndarray) -> None:
        self.__host = host

    # What CuPy refuses, and what it does only after waiting for the device

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise _implicit("numpy.asarray")

    def __array_function__(self, function: Any, *_: Any) -> Any:
        raise _implicit(f"numpy.{function.__name__}")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        scalars = [x for x in inputs if not isinstance(x, StrictArray)]
        by_operator = ufunc.__name__ in OPERATOR_UFUNCS and method == "__call__" and not settings
        if by_operator and len(scalars) == 1 and isinstance(scalars[0], np.generic):
            return _wrap(ufunc(*map(_unwrap, inputs)))  # numpy.float32(2) * x, which CuPy computes
        raise _implicit(f"numpy.{ufunc.__name__}")

    def __float__(self) -> float:
        raise _implicit("float(x)")

    def __int__(self) -> int:
        raise _implicit("int(x)")

    def __index__(self) -> int:
        raise _implicit("x as an index")

    def __complex__(self) -> complex:
        raise _implicit("complex(x)")

    def __bool__(self) -> bool:
        raise _implicit("bool(x)")

    def __iter__(self) -> Any:
        raise _implicit("iteration")

    def __contains__(self, _: Any) -> bool:
        raise _implicit("in")

    # What it is

    shape = property(lambda self: self.__host.shape)
    dtype = property(lambda self: self.__host.dtype)
    ndim = property(lambda self: self.__host.ndim)
    size = property(lambda self: self.__host.size)
    itemsize = property(lambda self: self.__host.itemsize)
    nbytes = property(lambda self: self.__host.nbytes)
    strides = property(lambda self: self.__host.strides)
    T = property(lambda self: _wrap(self.__host.T))
    base = property(lambda self: None if self.__host.base is None else StrictArray(self.__host.base))

    def __len__(self) -> int:
        return len(self.__host)

    def __repr__(self) -> str:
        return f"StrictArray({self.__host!r})"

    # Indexing

    @staticmethod
    def __key(key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        for part in parts:
            allowed = (
                part is None or part is Ellipsis or isinstance(part, int | np.integer | slice | StrictArray)
            )
            if not allowed:
                raise IndexError(f"a device array is not indexed by {type(part).__name__}")
        return _unwrap(key)

    def __getitem__(self, key: Any) -> StrictArray:
        host_key = self.__key(key)
        y = self.__host[host_key]
        if isinstance(y, np.generic):  # CuPy gives an array without axes that still views x
            y = self.__host[(*(host_key if isinstance(host_key, tuple) else (host_key,)), Ellipsis)]
        return _wrap(y)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__host[self.__key(key)] = _unwrap(value)


def _binary(symbol: str, function: Any) -> Any:
    def operate(self: StrictArray, other: Any) -> Any:
        if not isinstance(other, StrictArray | bool | int | float | np.generic):
            raise TypeError(f"a device array {symbol} {type(other).__name__}")
        counts[symbol] += 1
        if symbol == "@":
            counts["matmul"] += 1
        result = function(_unwrap(self), _unwrap(other))
        return self if symbol.endswith("=") and symbol[0] not in "<>=!" else _wrap(result)

    return operate


def _unary(function: Any) -> Any:
    return lambda self: _wrap(function(_unwrap(self)))


def _reflected(symbol: str, function: Any) -> Any:
    forward = _binary(symbol, lambda a, b: function(b, a))
    return lambda self, other: forward(self, other)


_OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "matmul": "@", "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
OPERATOR_UFUNCS = {
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "bitwise_and",
    "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "equal", "not_equal", "less", "less_equal",
    "greater", "greater_equal",
}  # fmt: skip

for _name, _symbol in _OPERATORS.items():
    _function = getattr(operator, f"{_name}_" if _name in ("and", "or") else _name)
    setattr(StrictArray, f"__{_name}__", _binary(_symbol, _function))
    setattr(StrictArray, f"__r{_name}__", _reflected(_symbol, _function))
    setattr(StrictArray, f"__i{_name}__", _binary(_symbol + "=", getattr(operator, f"i{_name}")))
for _name, _symbol in _COMPARISONS.items():
    setattr(StrictArray, f"__{_name}__", _binary(_symbol, getattr(operator, _name)))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(StrictArray, f"__{_name}__", _unary(getattr(operator, _name)))


def _checked(name: str, parameters: list[str]) -> Any:
    """A function that raises TypeError for what CuPy's function of these parameters does not take."""
    positional, keywords, any_positional, any_keyword = 0, set(), False, False
    keyword_only = False
    for parameter in parameters:
        if parameter == "*":
            keyword_only = True
        elif parameter == "/":
            keywords.clear()
        elif parameter.startswith("**"):
            any_keyword = True
        elif parameter.startswith("*"):
            any_positional = keyword_only = True
        else:
            positional += not keyword_only
            keywords.add(parameter)

    def check(arguments: tuple[Any, ...], settings: dict[str, Any]) -> None:
        if len(arguments) > positional and not any_positional:
            raise TypeError(f"cupy's {name} takes {positional} positional arguments, got {len(arguments)}")
        for setting in settings:
            if setting not in keywords and not any_keyword:
                raise TypeError(f"cupy's {name} has no argument {setting!r}")

    return check


def _method(name: str, parameters: str) -> Any:
    check = _checked(name, parameters.split())

    def call(self: StrictArray, *arguments: Any, **settings: Any) -> Any:
        check(arguments, settings)
        out = settings.get("out")
        return _result(getattr(_unwrap(self), name)(*_unwrap(arguments), **_unwrap(settings)), out)

    call.__name__ = name
    return call


for _name, _parameters in METHODS.items():
    setattr(StrictArray, _name, _method(_name, _parameters))


class _Function:
    """A module function or ufunc with CuPy's arguments."""

    def __init__(self, name: str, parameters: list[str]) -> None:
        self.__name__, self._function = name, getattr(np, name)
        self._check = _checked(name, parameters)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        self._check(arguments, settings)
        counts[self.__name__] += 1
        out = settings.get("out")
        if out is not None and not isinstance(out, StrictArray):
            raise TypeError("out must be a device array")
        host_allowed = self.__name__ in TAKES_HOST_ARRAYS
        value = self._function(*_unwrap(arguments, host_allowed), **_unwrap(settings, host_allowed))
        if host_allowed and any(value is x for x in arguments):
            value = value.copy()  # a transfer never shares memory with the host
        return _result(value, out)


class _Ufunc(_Function):
    def __init__(self, name: str) -> None:
        super().__init__(name, ["x"] * getattr(np, name).nin + ["/", "out", "*", "casting", "dtype"])
        if name in ("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"):
            self.at = self._at  # the ufuncs whose CuPy counterpart has it

    def _at(self, a: Any, indices: Any, b: Any) -> None:
        counts[f"{self.__name__}.at"] += 1
        self._function.at(_unwrap(a), _unwrap(indices), _unwrap(b))


def read_names() -> dict[str, str]:
    """Name to the rest of its line in cupy_names.txt: "(...)", "ufunc" or "constant"."""
    lines = [line for line in NAMES.read_text().splitlines() if line and not line.startswith("#")]
    return {line.partition("(" if "(" in line else " ")[0]: line for line in lines}


def parameters_of(line: str) -> list[str]:
    """The parameters in a "name(a, b)" line."""
    inside = line[line.index("(") + 1 : line.rindex(")")]
    return [part.strip() for part in inside.split(",") if part.strip()]


def _make_module() -> SimpleNamespace:
    module = SimpleNamespace(__name__="strict")
    for name, line in read_names().items():
        if line.endswith(" constant"):
            value = getattr(np, name)
        elif line.endswith(" ufunc"):
            value = _Ufunc(name)
        else:
            value = _Function(name, parameters_of(line))
        setattr(module, name, value)
    module.ndarray = StrictArray
    return module


strict = _make_module()

BACKEND = ArrayBackend(
    kind="strict",
    array_type=StrictArray,
    module=strict,
    from_numpy=lambda x, _: StrictArray(np.array(x)),
    to_numpy=lambda x: np.array(_unwrap(x)),
    index_of=lambda _: 0,
)
"""The backend that the fixture ``strict`` registers, by the same interface as CuPy."""
