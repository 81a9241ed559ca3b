"""The arguments of a task: declared once, checked when it is called, read by name inside.

A declaration maps names to scalars (``int64``, ``float32``, …) and arrays, whose shapes are written in
letters: ``float32("N, E")``. The first array with a letter gives it its value, the others must agree; ``4*H``
and ``T + 1`` are sizes too::

    @task(x=float32("N, E"), weights=float32("N").optional(), sums=float32("chunks, W").written())
    def _add(a, chunk, chunks):
        first, last = chunk_bounds(a.N, chunk, chunks)
        rows = a.x[first:last]  # an array (n, E); a.weights_given says whether there are weights

From a declaration two things are made: a program for the gate (``argument_gate.py``), which checks the
number, type, dtype, layout, shape and overlap of all arrays and fills the slots, and a Numba type whose
attributes read the slots. They are the only way from arrays to compiled code.

Slots are of 8 bytes: those of the thread pool first, then the scalars, then a letter's value, an array's
address, or an axis's stride in bytes. An array that is not given has the address 0 and no elements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from seqkit.errors import UsageError

HEADER = ("step", "start", "stop", "stride", "chunks", "control", "program", "arrays")
"""Slots of the thread pool and the gate, before a task's own."""
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
    in_place: tuple[str, ...] = ()

    def optional(self) -> ArrayField:
        """None may be given."""
        return replace(self, is_optional=True)

    def written(self, *in_place: str) -> ArrayField:
        """The task writes it: it must be writable, and is never replaced by a contiguous copy.

        It overlaps no other argument, but may be one of those named ``in_place``: the task then reads each
        element before it writes it.
        """
        return replace(self, is_written=True, in_place=in_place)

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
    """The slots of a declaration: where each value lies, and which sizes must agree."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = dict(fields)
        self.scalars = {name: field for name, field in fields.items() if isinstance(field, Scalar)}
        self.arrays = {name: field for name, field in fields.items() if isinstance(field, ArrayField)}
        self.slots: dict[str, int] = {name: slot for slot, name in enumerate(HEADER)}
        for name, field in self.fields.items():
            axes = () if isinstance(field, Scalar) else field.axes
            if taken := {name, *axes} & {*HEADER, "steps"}:
                raise UsageError(f"expected another name in a task than {', '.join(sorted(taken))}")
        for name in self.scalars:
            self._add(name)
        for name, array in self.arrays.items():
            for axis in dict.fromkeys(array.axes):
                if axis not in self.slots or axis in self.scalars:
                    self._add(axis)
            self._add(f"&{name}")
            if array.is_strided:
                for i in range(len(array.axes)):
                    self._add(f"{name}/{i}")
        if len(self.slots) > MOST_SLOTS:
            raise UsageError(f"expected at most {MOST_SLOTS} slots of a task, got {len(self.slots)}")
        self.key = " ".join(f"{name}={field}" for name, field in self.fields.items())

    def _add(self, name: str) -> None:
        if name in self.slots:
            raise UsageError(f"two arguments of a task are called {name}")
        self.slots[name] = len(self.slots)

    @property
    def format(self) -> str:
        """The slots that Python fills, header and scalars, as ``struct`` writes them."""
        return f"={len(HEADER)}q" + "".join(field.slot for field in self.scalars.values())


def address(x: np.ndarray) -> int:
    """Return the address of an array's first element."""
    return int(x.__array_interface__["data"][0])


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
