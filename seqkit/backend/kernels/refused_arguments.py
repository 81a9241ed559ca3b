"""Arrays that the gate has refused: copies of inputs where that is what is missing, or the error."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit.backend.kernels.argument_gate import linear_size, may_be_same
from seqkit.backend.kernels.task_arguments import ArrayField, Layout, address
from seqkit.errors import ShapeError, UsageError


def _explain(task: str, layout: Layout, arrays: Sequence[Any]) -> None:
    """Raise ShapeError if a shape is not as declared."""
    known: dict[str, int] = {}
    for x, field in zip(arrays, layout.arrays.values(), strict=True):
        shape = _shape(x, field)
        if shape is not None and len(shape) == len(
            field.axes
        ):  # all letters first: a size may need a later one
            for axis, size in zip(field.axes, shape, strict=True):
                if axis.isidentifier():
                    known.setdefault(axis, size)
    for x, (name, field) in zip(arrays, layout.arrays.items(), strict=True):
        shape = _shape(x, field)
        if shape is None:
            continue
        if len(shape) == len(field.axes):
            sizes = [linear_size(axis) for axis in field.axes]
            if any(letter is not None and letter not in known for letter, _, _ in sizes):
                continue  # a letter of an array that has no shape at all
            expected = tuple(c if letter is None else k * known[letter] + c for letter, k, c in sizes)
            if shape == expected:
                continue
            text = f" = {expected}"
        else:
            text = "".join(f", {axis} = {known[axis]}" for axis in field.axes if axis in known)
        raise ShapeError(f"expected {name} ({', '.join(field.axes)}){text}, got {x.shape}", where=task)


def _shape(x: Any, field: ArrayField) -> tuple[int, ...] | None:
    shape = getattr(x, "shape", None)
    return (x.size,) if shape is not None and field.is_flat else shape


def _readable(x: Any, field: ArrayField) -> Any:
    """An array that compiled code can read, ``x`` or a copy, or None."""
    if type(x) is not np.ndarray or x.dtype != field.dtype:
        return None
    x, flags = x.view(field.dtype), x.flags
    if (
        flags.aligned
        and (field.is_strided or flags.c_contiguous)
        and (flags.writeable or not field.is_written)
    ):
        return x
    return None if field.is_written else np.array(x, order="C")


def settle(task: str, layout: Layout, arrays: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return arrays that the gate lets through, with copies of inputs where that is what is missing, or None.

    Raises:
        ShapeError: A shape is not as declared.
        UsageError: Two outputs overlap.

    """
    fields = list(layout.arrays.items())
    found: list[Any] = []
    for x, (_, field) in zip(arrays, fields, strict=True):
        absent = x is None and field.is_optional
        found.append(None if absent else _readable(x, field))
        if found[-1] is None and not absent:
            _explain(task, layout, arrays)
            return None
    _explain(task, layout, arrays)
    for a, b in itertools.permutations(range(len(fields)), 2):
        (name, output), (other, field), x, y = fields[a], fields[b], found[a], found[b]
        if not output.is_written or x is None or y is None or not np.may_share_memory(x, y):
            continue
        same = (x.shape, x.strides, address(x)) == (y.shape, y.strides, address(y))
        if same and may_be_same(layout, name, other):
            continue
        if not field.is_written:
            found[b] = y.copy()
        elif np.shares_memory(x, y):
            raise UsageError(
                f"expected {name} and {other} in memory of their own, got arrays that overlap", where=task
            )
        else:
            return None
    return tuple(found)
