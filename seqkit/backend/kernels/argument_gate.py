"""The gate between arrays and compiled code: it lets through what a task declares, and fills its slots.

It is compiled itself, since a loop over fields in Python would cost more than many a kernel: it reads the
arrays where Python keeps them, as NumPy's own header lays them out, by a program that a declaration becomes.
It changes no count of references: the caller's tuple holds the arrays.

What it does not let through, Python looks at again (``refused_arguments.py``): inputs of another layout, and
inputs that overlap an output, are copied, as NumPy would have done; another shape is a ShapeError, and two
outputs that overlap are a UsageError. Another dtype, and an output of a layout that the task cannot write,
are left to the reference.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable

import numpy as np

from seqkit.backend.kernels.compiler import jit
from seqkit.backend.kernels.intrinsics import read_int64, write_int64
from seqkit.backend.kernels.task_arguments import (
    HEADER,
    MOST_SLOTS,
    Layout,
    address,
    float32,
)
from seqkit.errors import UsageError

_OPTIONAL, _STRIDED, _FLAT = 1, 2, 4
_CONTIGUOUS, _ALIGNED, _WRITABLE = 0x1, 0x100, 0x400  # NumPy's flags
_DATA, _NDIM, _SHAPE, _STRIDES, _DTYPE, _FLAGS = 0, 8, 16, 24, 40, 48  # PyArrayObject's fields, in bytes
_HEAD, _RECORD, _CHECK, _PAIR = 7, 6, 6, 3  # numbers of each part of a program
_BOUNDS = 8 * MOST_SLOTS
"""Behind the slots: the first byte of each array, and the byte after its last."""

BLOCK_SIZE = 3 * MOST_SLOTS
"""Slots and bounds of a thread's block."""
FUNCTION = 0
"""Where a program has the address of the task's code."""

# A program: the head, a record for each array, the sizes to compare, the pairs that must not overlap.


def linear_size(axis: str) -> tuple[str | None, int, int]:
    """Return the letter of an axis, or None, and k and c in k · letter + c."""
    code = compile(axis, axis, "eval")
    letter = code.co_names[0] if code.co_names else None
    at = [eval(code, {}, dict.fromkeys(code.co_names, n)) for n in range(3)]  # of our own declaration
    if len(code.co_names) > 1 or at[2] - at[1] != at[1] - at[0]:
        raise UsageError(f"expected a size such as N, 4*H or T + 1, got {axis!r}")
    return letter, at[1] - at[0], at[0]


def program(layout: Layout) -> np.ndarray:
    """Return what the gate does for a declaration, as numbers."""
    slots, names = layout.slots, list(layout.arrays)
    types_at, header = object.__basicsize__ - 8, object.__basicsize__
    head = [0, id(None), id(np.ndarray), types_at, tuple.__basicsize__, header, len(names)]
    records: list[int] = []
    checks: list[int] = []
    bound: set[str] = set()
    for number, (name, field) in enumerate(layout.arrays.items()):
        flags = _ALIGNED + _WRITABLE * field.is_written + _CONTIGUOUS * (not field.is_strided)
        options = _OPTIONAL * field.is_optional + _STRIDED * field.is_strided + _FLAT * field.is_flat
        records += [id(field.dtype), flags, options, field.dtype.itemsize, len(field.axes), slots[f"&{name}"]]
        for i, axis in enumerate(field.axes):
            letter, k, c = linear_size(axis)
            binds = axis == letter and axis not in bound
            records.append(slots[axis] if binds else 0)
            if binds:
                bound.add(axis)
            else:
                checks += [
                    number,
                    -1 if field.is_flat else i,
                    0 if letter is None else slots[letter],
                    k,
                    c,
                    slots[axis],
                ]
    pairs: list[int] = []
    for a, b in itertools.permutations(range(len(names)), 2):
        if layout.arrays[names[a]].is_written and (a < b or not layout.arrays[names[b]].is_written):
            pairs += [a, b, may_be_same(layout, names[a], names[b])]
    counts = [len(checks) // _CHECK, len(pairs) // _PAIR]
    return np.array([*head, *records, counts[0], *checks, counts[1], *pairs], np.int64)


def may_be_same(layout: Layout, a: str, b: str) -> bool:
    """Whether one of two arrays is declared to be written in the place of the other."""
    return b in layout.arrays[a].in_place or a in layout.arrays[b].in_place


@jit
def _item(base, number):
    return read_int64(base + 8 * number)


@jit
def _size(array):
    """The number of elements."""
    shape, size = _item(array + _SHAPE, 0), 1
    for i in range(_item(array + _NDIM, 0) & 0xFFFFFFFF):
        size *= _item(shape, i)
    return size


@jit
def _are_same(a, b):
    """Whether two arrays have the same elements in the same places."""
    axes = _item(a + _NDIM, 0) & 0xFFFFFFFF
    if axes != _item(b + _NDIM, 0) & 0xFFFFFFFF or _item(a + _DATA, 0) != _item(b + _DATA, 0):
        return False
    for i in range(axes):
        if _item(_item(a + _SHAPE, 0), i) != _item(_item(b + _SHAPE, 0), i):
            return False
        if _item(_item(a + _STRIDES, 0), i) != _item(_item(b + _STRIDES, 0), i):
            return False
    return True


@jit
def _enter(x, record, none, kind, types_at, header, block, bounds):
    """Fill the slots of one array, and its bounds; whether it has the type, dtype, layout and axes."""
    dtype, flags, options = _item(record, 0), _item(record, 1), _item(record, 2)
    itemsize, axes, slot = _item(record, 3), _item(record, 4), _item(record, 5)
    first, end = 0, 0
    given = x != none
    array = x + header
    if given:
        if _item(x + types_at, 0) != kind or _item(array + _DTYPE, 0) != dtype:
            return False
        if _item(array + _FLAGS, 0) & flags != flags:
            return False
        if not options & _FLAT and _item(array + _NDIM, 0) & 0xFFFFFFFF != axes:
            return False
        first = _item(array + _DATA, 0)
        end = first + itemsize
    elif not options & _OPTIONAL:
        return False
    write_int64(block + 8 * slot, first if first or not given else 1)  # an empty array may have no address
    is_empty = not given
    for i in range(axes):
        size, stride = 0, 0
        if options & _FLAT:
            size, stride = _size(array) if given else 0, itemsize
        elif given:
            size, stride = _item(_item(array + _SHAPE, 0), i), _item(_item(array + _STRIDES, 0), i)
        if _item(record, _RECORD + i):
            write_int64(block + 8 * _item(record, _RECORD + i), size)
        if options & _STRIDED:
            write_int64(block + 8 * (slot + 1 + i), stride if given else 0)
        is_empty |= size == 0
        first += min(0, (size - 1) * stride)
        end += max(0, (size - 1) * stride)
    if is_empty:
        first, end = 0, 0
    write_int64(bounds, first)
    write_int64(bounds + 8, end)
    return True


@jit
def fill(items, program, block):
    """Fill the slots of a block with a tuple of arrays; return 0, or 1 where one is not as declared."""
    none, kind, types_at = _item(program, 1), _item(program, 2), _item(program, 3)
    items, header, arrays = items + _item(program, 4), _item(program, 5), _item(program, 6)
    at = program + 8 * _HEAD
    for i in range(arrays):
        bounds = block + _BOUNDS + 16 * i
        if not _enter(_item(items, i), at, none, kind, types_at, header, block, bounds):
            return 1
        at += 8 * (_RECORD + _item(at, 4))
    checks = _item(at, 0)
    at += 8
    for _ in range(checks):
        size = _item(block, _item(at, 2)) * _item(at, 3) + _item(at, 4)
        x, axis = _item(items, _item(at, 0)), _item(at, 1)
        if x != none:
            array = x + header
            if size != (_size(array) if axis < 0 else _item(_item(array + _SHAPE, 0), axis)):
                return 1
        write_int64(block + 8 * _item(at, 5), size)
        at += 8 * _CHECK
    pairs = _item(at, 0)
    at += 8
    for _ in range(pairs):
        a, b = _item(at, 0), _item(at, 1)
        one, other = block + _BOUNDS + 16 * a, block + _BOUNDS + 16 * b
        overlap = _item(one, 0) < _item(other, 1) and _item(other, 0) < _item(one, 1)
        if overlap and not (_item(at, 2) and _are_same(_item(items, a) + header, _item(items, b) + header)):
            return 1
        at += 8 * _PAIR
    return 0


def probe(run: Callable[[ctypes.c_int64], int]) -> None:
    """Let known arrays through the gate.

    Raises:
        RuntimeError: Python or NumPy keeps its objects in another way than this module knows.

    """
    layout = Layout({"x": float32("N, E").strided(), "y": float32("N").optional().written()})
    numbers, block, results = program(layout), np.ones(BLOCK_SIZE, np.int64), []
    numbers[FUNCTION] = 1  # never called: there are no steps
    x = np.zeros((7, 5), np.float32)[1:4, ::-2]
    for arrays in ((x.astype(np.float64), None), (x[0], None), (x, x[:, 0]), (x, None)):
        block[: len(HEADER)] = 0, 0, 0, 1, 0, 0, address(numbers), id(arrays)
        results.append(run(ctypes.c_int64(address(block))))
    results += block[len(HEADER) : len(layout.slots)].tolist()
    if results != [1, 1, 1, 0, 3, 3, address(x), 20, -8, 0]:
        raise RuntimeError(f"arrays lie in memory in another way than expected: {results}")
