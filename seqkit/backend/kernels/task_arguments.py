"""The arguments of a task: declared once, checked when it is called, read by name inside.

A declaration maps names to scalars (``int64``, ``float32``, …) and arrays, whose shapes are written in
letters: ``float32("N, E")``. The first array with a letter gives it its value, the others must agree::

    @task(x=float32("N, E"), weights=float32("N").optional(), sums=float32("chunks, W").written())
    def _add(a, chunk, chunks):
        first, last = chunk_bounds(a.N, chunk, chunks)
        rows = a.x[first:last]  # an array (n, E); a.weights_given says whether there are weights

From a declaration two things are made at import: a Python function that checks the number, type, dtype,
layout and shape of everything and gives the values of the slots (written as source, since a loop over fields
would cost more than many a kernel), and a Numba type whose attributes read the slots. They are the only way
from arrays to compiled code.

Slots are of 8 bytes: those of the thread pool first, then a letter's value, a scalar, an array's address, or
an axis's stride in bytes. An array that is not given has the address 0 and no elements.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

from seqkit.backend.kernels.intrinsics import I64, as_pointer
from seqkit.errors import ShapeError, UsageError

HEADER = ("step", "start", "stop", "stride", "chunks", "function", "control")
"""Slots of the thread pool, before a task's own."""
MOST_SLOTS = 128


@dataclass(frozen=True)
class ArrayField:
    """An array: its dtype, its axes as expressions, and what the caller may give."""

    dtype: np.dtype[Any]
    axes: tuple[str, ...]
    is_optional: bool = False
    is_written: bool = False
    is_strided: bool = False
    is_flat: bool = False

    def optional(self) -> ArrayField:
        """None may be given."""
        return replace(self, is_optional=True)

    def written(self) -> ArrayField:
        """The task writes it: it must be writable, and is never replaced by a contiguous copy."""
        return replace(self, is_written=True)

    def strided(self) -> ArrayField:
        """Any layout will do."""
        return replace(self, is_strided=True)

    def flat(self) -> ArrayField:
        """An array of any shape is seen as one vector."""
        return replace(self, is_flat=True)


@dataclass(frozen=True)
class Scalar:
    """The type of a scalar; called with axes, of an array's elements."""

    name: str
    slot: str  # as ``struct`` writes it

    def __call__(self, axes: str) -> ArrayField:
        return ArrayField(np.dtype(self.name), tuple(axis.strip() for axis in axes.split(",")))


float32, float64 = Scalar("float32", "d"), Scalar("float64", "d")
int32, int64 = Scalar("int32", "q"), Scalar("int64", "q")
uint32, uint64 = Scalar("uint32", "q"), Scalar("uint64", "Q")
uint8, boolean = Scalar("uint8", "q"), Scalar("bool", "q")

Field = Scalar | ArrayField


class Layout:
    """The slots of a declaration: where each value lies, and how Python fills them."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = dict(fields)
        self.slots: dict[str, int] = {name: slot for slot, name in enumerate(HEADER)}
        self.formats = ["q"] * len(HEADER)
        self.values: list[str] = []  # Python expressions, one a slot behind the header
        for name, field in self.fields.items():
            axes = () if isinstance(field, Scalar) else field.axes
            if taken := {name, *axes} & {*HEADER, "steps"}:
                raise UsageError(f"expected another name in a task than {', '.join(sorted(taken))}")
            if isinstance(field, Scalar):
                self._add(name, field.slot, name)
                continue
            for axis in field.axes:
                if axis not in self.slots:
                    self._add(axis, "q", axis if axis.isidentifier() else f"({axis})")
            self._add(f"&{name}", "q", f"at_{name}")
            if field.is_strided:
                for i in range(len(field.axes)):
                    self._add(f"{name}/{i}", "q", f"strides_{name}[{i}]")
        self.format = "=" + "".join(self.formats)
        if len(self.formats) > MOST_SLOTS:
            raise UsageError(f"expected at most {MOST_SLOTS} slots of a task, got {len(self.formats)}")
        self.key = " ".join(f"{name}={field}" for name, field in self.fields.items())

    def _add(self, name: str, kind: str, value: str) -> None:
        if name in self.slots:
            raise UsageError(f"two arguments of a task are called {name}")
        self.slots[name] = len(self.formats)
        self.formats.append(kind)
        self.values.append(value)


# From Python: the generated function


def _readable(x: Any, dtype: np.dtype[Any], field: ArrayField) -> tuple[Any, int]:
    """An array that compiled code can read, ``x`` or a copy, and its address. TypeError if there is none."""
    if type(x) is not np.ndarray or x.dtype != dtype:
        raise TypeError
    if field.is_written and not x.flags.writeable:
        raise TypeError
    if not field.is_strided and not x.flags.c_contiguous:
        if field.is_written:
            raise TypeError
        x = np.ascontiguousarray(x)
    return x, int(x.__array_interface__["data"][0]) or 1  # an empty array may have no address, but is given


def _array_lines(name: str, field: ArrayField, bound: set[str], careful: bool) -> tuple[list[str], list[str]]:
    """Source that gives an array's address and binds its letters, and source that checks its shape."""
    lines = []
    if careful:
        lines.append(f"{name}, at_{name} = readable({name}, dtype_{name}, field_{name})")
    else:
        lines.append(f"if {name}.dtype is not dtype_{name} and {name}.dtype != dtype_{name}: raise TypeError")
        if field.is_strided:
            lines.append(f"at_{name} = address({name})")
        else:  # refuses what is read-only or not contiguous; the careful function looks why
            lines.append(f"at_{name} = addressof(from_buffer({name}))")
    if field.is_strided:
        lines.append(f"strides_{name} = {name}.strides")
        together = " | ".join(f"strides_{name}[{i}]" for i in range(len(field.axes)))
        lines.append(f"if ({together}) % {field.dtype.itemsize}: raise TypeError")
    shape = f"({name}.size,)" if field.is_flat else f"{name}.shape"
    targets, checks = [], []
    for i, axis in enumerate(field.axes):
        if axis.isidentifier() and axis not in bound:
            bound.add(axis)
            targets.append(axis)
        else:
            targets.append(f"{name}_{i}")
            checks.append(f"{name}_{i} != {axis}")
    if len(checks) < len(targets):
        lines.append(f"{', '.join(targets)}, = {shape}")
        return lines, [f"if {' or '.join(checks)}: raise ValueError"] if checks else []
    return lines, [f"if {shape} != ({', '.join(field.axes)},): raise ValueError"]


def _source(layout: Layout, careful: bool) -> str:
    """The function of a declaration, as source."""
    bound: set[str] = set()
    body: list[str] = []
    later: list[str] = []  # once all letters are bound
    for name, field in layout.fields.items():
        if isinstance(field, Scalar):
            continue
        before = set(bound)
        lines, checks = _array_lines(name, field, bound, careful)
        if field.is_optional:
            absent = [f"at_{name} = 0", *(f"{letter} = 0" for letter in sorted(bound - before))]
            if field.is_strided:
                absent.append(f"strides_{name} = {(0,) * len(field.axes)}")
            lines = [
                f"if {name} is None:",
                *(f"    {line}" for line in absent),
                "else:",
                *(f"    {line}" for line in lines),
            ]
            checks = [f"if {name} is not None:", *(f"    {line}" for line in checks)] if checks else []
        body += lines
        later += checks
    body += later
    names = ", ".join(layout.fields)
    same = ", ".join(f"{name}={name}" for name in layout.fields)
    otherwise = "explain" if careful else "careful"
    return "\n".join(
        (
            f"def parallel_for(chunks, *, steps=once, {names}):",
            "    try:",
            *(f"        {line}" for line in body or ["pass"]),
            "    except (TypeError, ValueError, AttributeError):",
            f"        return {otherwise}(chunks, steps=steps, {same})",
            f"    return execute(chunks, steps, ({', '.join(layout.values)},))",
        )
    )


def _explain(task: str, layout: Layout, values: Mapping[str, Any]) -> bool:
    """Raise ShapeError if a shape is not as declared; else return False: a dtype or layout is not."""
    known: dict[str, int] = {}
    for name, field in layout.fields.items():  # all letters first: an axis may be an expression of later ones
        x = values[name]
        if isinstance(field, ArrayField) and getattr(x, "ndim", -1) == len(field.axes):
            for axis, size in zip(field.axes, x.shape, strict=True):
                if axis.isidentifier():
                    known.setdefault(axis, size)
    for name, field in layout.fields.items():
        x = values[name]
        if isinstance(field, Scalar) or (x is None and field.is_optional) or not hasattr(x, "shape"):
            continue
        shape = (x.size,) if field.is_flat else x.shape
        if len(shape) == len(field.axes):
            if field.is_flat:
                known.setdefault(field.axes[0], x.size)
            try:
                expected = tuple(eval(axis, {}, known) for axis in field.axes)  # of our own declaration
            except NameError:  # a letter of an array that has no shape at all
                continue
            if shape == expected:
                continue
            sizes = f" = {expected}"
        else:
            sizes = "".join(f", {axis} = {known[axis]}" for axis in field.axes if axis in known)
        raise ShapeError(f"expected {name} ({', '.join(field.axes)}){sizes}, got {x.shape}", where=task)
    return False


def address(x: Any) -> int:
    """Return the address of an array's first element."""
    flags = x.flags
    if flags.writeable and flags.forc and x.size:  # a quarter of the time (measured: 0.3 µs against 1.4)
        return ctypes.addressof(ctypes.c_byte.from_buffer(x if flags.c_contiguous else x.T))
    return int(x.__array_interface__["data"][0])


def caller(task: str, layout: Layout, execute: Callable[..., bool]) -> Callable[..., bool]:
    """Make the function that checks a task's arguments and runs it.

    Args:
        task: the task's name, for errors.
        layout: its declaration.
        execute: called with (chunks, steps, values of the slots) once everything is right.

    Returns:
        A function of (chunks, steps=range(1), and the arguments, all by name). It returns what ``execute``
        returns; or False if an array has another dtype or layout than compiled code can read; and raises
        ShapeError if one has another shape than declared.

    """

    def explain(chunks: int, *, steps: range, **values: Any) -> bool:
        return _explain(task, layout, values)

    names: dict[str, Any] = {
        "once": range(1),
        "execute": execute,
        "explain": explain,
        "readable": _readable,
        "address": address,
        "addressof": ctypes.addressof,
        "from_buffer": ctypes.c_byte.from_buffer,
    }
    for name, field in layout.fields.items():
        if isinstance(field, ArrayField):
            names[f"dtype_{name}"], names[f"field_{name}"] = field.dtype, field
    exec(compile(_source(layout, True), f"<arguments of {task}>", "exec"), names)
    names["careful"] = names["parallel_for"]
    exec(compile(_source(layout, False), f"<arguments of {task}>", "exec"), names)
    return names["parallel_for"]


# In compiled code: the type with the names as attributes


class ArgumentsType(types.Type):
    """The arguments of one declaration, at an address."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        super().__init__(name=f"arguments({layout.key})")

    @property
    def mangling_args(self) -> tuple[str, tuple[()]]:
        """A short name for symbols."""
        return re.sub(r"\W", "_", "arguments_" + "_".join(self.layout.fields))[:80], ()


@register_model(ArgumentsType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, I64)


def _array_type(field: ArrayField) -> types.Array:
    return types.Array(from_dtype(field.dtype), len(field.axes), "A" if field.is_strided else "C")


@infer_getattr
class _Attributes(AttributeTemplate):
    key = ArgumentsType

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        layout = kind.layout
        field = layout.fields.get(name)
        if isinstance(field, ArrayField):
            return _array_type(field)
        if isinstance(field, Scalar):
            return from_dtype(np.dtype(field.name))
        given = layout.fields.get(name.removesuffix("_given"))
        if isinstance(given, ArrayField) and given.is_optional:
            return types.boolean
        return types.int64 if name in layout.slots and name not in HEADER[1:] else None


def _slot(builder: Any, base: Any, slot: int, kind: Any = I64) -> Any:
    return builder.load(builder.gep(as_pointer(builder, base, kind), [I64(slot)]))


def _scalar(context: Any, builder: Any, base: Any, slot: int, field: Scalar) -> Any:
    if field.slot == "d":
        value = _slot(builder, base, slot, ir.DoubleType())
        return value if field.name == "float64" else builder.fptrunc(value, ir.FloatType())
    value = _slot(builder, base, slot)
    if field.name == "bool":
        return builder.icmp_signed("!=", value, I64(0))
    kind = context.get_value_type(from_dtype(np.dtype(field.name)))
    return value if kind == I64 else builder.trunc(value, kind)


@lower_getattr_generic(ArgumentsType)
def _read_attribute(context: Any, builder: Any, kind: Any, base: Any, name: str) -> Any:
    layout: Layout = kind.layout
    slots, field = layout.slots, layout.fields.get(name)
    if isinstance(field, Scalar):
        return _scalar(context, builder, base, slots[name], field)
    if field is None:
        if name in slots:
            return _slot(builder, base, slots[name])
        data = _slot(builder, base, slots["&" + name.removesuffix("_given")])
        return builder.icmp_signed("!=", data, I64(0))
    data = _slot(builder, base, slots["&" + name])
    shape = [_slot(builder, base, slots[axis]) for axis in field.axes]
    if field.is_optional:
        given = builder.icmp_signed("!=", data, I64(0))
        shape = [builder.select(given, size, I64(0)) for size in shape]
    array = _array_type(field)
    view = make_array(array)(context, builder)
    itemsize = I64(field.dtype.itemsize)
    if field.is_strided:
        strides = [_slot(builder, base, slots[f"{name}/{i}"]) for i in range(len(shape))]
    else:
        strides = [itemsize]
        for size in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], size))
    pointer = builder.inttoptr(data, view.data.type)
    populate_array(view, data=pointer, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return view._getvalue()
