"""The arrays of an op as its docstring describes them: declared once beside it, checked in each call.

A form is a shape in letters, which is optional where it ends with ``or None``. Equal letters are equal
sizes, ``4*H`` is a size, and ``…`` any number of axes, the same in each form. An array has floating-point
numbers, of one dtype in a call, unless its form begins with ``integer`` (ids and positions) or ``mask``
(booleans, or numbers that are 0 where they are False)::

    _check_linear = arguments("linear", x="…, I", W="O, I", b="O or None")

Nothing is broadcast or converted: a bias of one number, or a float64 weight beside float32 inputs, would give
a result, but hardly the one that was meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit.backend import copied
from seqkit.backend.ids import id_range
from seqkit.errors import ShapeError, UsageError

_KINDS = {"float": "f", "constant": "f", "integer": "iu", "mask": "biuf"}
"""NumPy's kinds of dtypes by the first word of a form."""
_WORDS = {"float": "floating-point", "constant": "floating-point", "integer": "integer", "mask": "boolean"}


@dataclass(frozen=True)
class _Form:
    """The form of one array."""

    name: str
    kind: str
    axes: tuple[str, ...]
    is_optional: bool

    @property
    def text(self) -> str:
        return f"{self.name} ({', '.join(self.axes)}{',' * (len(self.axes) == 1 and '…' not in self.axes)})"


def _parse(name: str, form: str) -> _Form:
    match = re.fullmatch(r"(?:(integer|mask|constant) )?(.*?)( or None)?", form)
    assert match is not None
    kind, axes, optional = match.groups()
    return _Form(name, kind or "float", tuple(axis.strip() for axis in axes.split(",")), optional is not None)


def _sized(axis: str) -> str:
    """A size in the source, where letters must not be taken for arrays."""
    return "rest" if axis == "…" else re.sub(r"[A-Za-z]\w*", lambda letter: f"size_{letter[0]}", axis)


def _shape_source(form: _Form, bound: set[str], shares_rest: bool) -> tuple[list[str], list[str]]:
    """Source that binds the letters of a form, and conditions of its shape."""
    x, axes = form.name, form.axes
    if axes == ("…",) and not shares_rest:
        return [], []
    new = {axis for axis in axes if axis == "…" or axis.isidentifier()} - bound
    bound |= new
    if not new:
        sizes = ", ".join("*rest" if axis == "…" else _sized(axis) for axis in axes)
        return [], [f"{x}.shape == {'rest' if axes == ('…',) else f'({sizes},)'}"]
    targets = [_sized(axis) if axis in new else f"{x}_{i}" for i, axis in enumerate(axes)]
    known = [(i, axis) for i, axis in enumerate(axes) if axis not in new and (axis != "…" or shares_rest)]
    conditions = [f"{x}_{i} == {_sized(axis)}" for i, axis in known]
    if "…" not in axes:
        return [f"{', '.join(targets)}, = {x}.shape"], conditions
    before, after = axes.index("…"), len(axes) - axes.index("…") - 1
    lines = [f"shape = {x}.shape"]
    if before + after > 1:
        lines.append(f"if len(shape) < {before + after}: raise ValueError")
    places = [*range(before), f"{before}:{-after or ''}", *range(-after, 0)]
    for target, axis, place in zip(targets, axes, places, strict=True):
        if axis != "…" or shares_rest:
            lines.append(f"{target} = shape[{place}]")
    return lines, conditions


def _source(forms: Sequence[_Form]) -> str:
    """The function that returns if all is right, and else explains what is not."""
    shares_rest = sum("…" in form.axes for form in forms) > 1
    bound: set[str] = set() if shares_rest else {"…"}
    lines: list[str] = []
    conditions: list[str] = []
    dtype = next((form.name for form in forms if form.kind == "float"), None)
    if dtype is not None:
        lines.append(f"dtype = {dtype}.dtype")
        conditions.append("(dtype is float32 or dtype is float64)")
    for form in forms:
        binding, fits = _shape_source(form, bound, shares_rest)
        if form.kind != "float":
            fits.append(f'{form.name}.dtype.kind in "{_KINDS[form.kind]}"')
        elif form.name != dtype:
            fits.append(f"{form.name}.dtype is dtype")
        assert not (form.is_optional and binding), f"{form.text}: a letter that no other array has"
        lines += binding
        together = " and ".join(fits)
        conditions.append(f"({form.name} is None or {together})" if form.is_optional else together)
    names = ", ".join(form.name for form in forms)
    return "\n".join(
        (
            f"def check({names}):",
            "    try:",
            *(f"        {line}" for line in lines),
            f"        if {' and '.join(filter(None, conditions))}:",
            "            return",
            "    except (AttributeError, IndexError, TypeError, ValueError):",
            "        pass",
            f"    explain(({names},))",
        )
    )


def _sizes_of(form: _Form, shape: tuple[int, ...]) -> list[tuple[str, Any]] | None:
    """The axes of a form with the sizes that they have in a shape, or None if it has other axes."""
    if "…" not in form.axes:
        return list(zip(form.axes, shape, strict=True)) if len(shape) == len(form.axes) else None
    before, after = form.axes.index("…"), len(form.axes) - form.axes.index("…") - 1
    if len(shape) < before + after:
        return None
    end = len(shape) - after
    return [
        *zip(form.axes[:before], shape[:before], strict=True),
        ("…", shape[before:end]),
        *zip(form.axes[before + 1 :], shape[end:], strict=True),
    ]


def _explain(op: str, forms: Sequence[_Form], arrays: Sequence[Any]) -> None:
    """Raise the error of an op's arrays, if one has none of the accepted dtypes or another shape."""
    given = [
        (form, x) for form, x in zip(forms, arrays, strict=True) if x is not None or not form.is_optional
    ]
    shapes = [getattr(x, "shape", None) for _, x in given]
    sizes: dict[str, Any] = {}
    fits = True
    for letters_alone in (True, False):
        for (form, _), shape in zip(given, shapes, strict=True):
            axes = None if shape is None else _sizes_of(form, shape)
            fits &= axes is not None
            for axis, size in axes or ():
                if axis == "…" or axis.isidentifier():
                    fits &= sizes.setdefault(axis, size) == size
                elif not letters_alone:
                    fits &= eval(axis, {}, sizes) == size if fits else False  # of our own declaration
    if not fits:
        expected = ", ".join(form.text for form, _ in given)
        got = ", ".join(
            str(x if shape is None else shape) for (_, x), shape in zip(given, shapes, strict=True)
        )
        raise ShapeError(f"{op}: expected {expected}, got {got}")
    for form, x in given:
        if x.dtype.kind not in _KINDS[form.kind]:
            raise ShapeError(f"{op}: expected {_WORDS[form.kind]} {form.name}, got {x.dtype}")
    floats = [(form.name, str(x.dtype)) for form, x in given if form.kind == "float"]
    if len({dtype for _, dtype in floats}) > 1:
        names, dtypes = (", ".join(values) for values in zip(*floats, strict=True))
        raise ShapeError(f"{op}: expected {names} of one dtype, got {dtypes}", remedy="convert by astype")


def as_rows(x: Any) -> Any:
    """Return x (…, E) as a matrix, also where E is 0."""
    E = x.shape[-1]
    if isinstance(x, np.ndarray) and x.ndim > 2 and not x.flags.c_contiguous:
        x = copied(np, x)
    return x.reshape(-1, E) if E else x.reshape(math.prod(x.shape[:-1]), 0)


def require_features(op: str, x: Any) -> None:
    """Raise ShapeError if the last axis, of which an op takes a mean or a maximum, has no elements."""
    if not x.shape[-1]:
        raise ShapeError(f"{op}: expected at least 1 value along the last axis, got {x.shape}")


def require_ids(op: str, name: str, ids: Any, size: int, lowest: int = 0) -> None:
    """Raise UsageError if an id on the host is below ``lowest`` or not below ``size``.

    Those on a GPU are not looked at, for the answer would have to be waited for: models check them at their
    boundary.
    """
    if isinstance(ids, np.ndarray) and ids.size:
        low, high = id_range(ids)
        if low < lowest or high >= size:
            raise UsageError(f"{op}: expected {name} between {lowest} and {size - 1}, got {low} to {high}")


def arguments(op: str, **forms: str) -> Callable[..., None]:
    """Return the function that checks the arrays of an op, in the order of their forms.

    Args:
        op: The op's name, for errors.
        forms: The form of each array; see the module.

    Returns:
        A function of the arrays that raises ShapeError, with all shapes or dtypes, where one is not as its
        form says. It takes 0.2 µs (three arrays).
    """
    parsed = [_parse(name, form) for name, form in forms.items()]
    names: dict[str, Any] = {
        "explain": lambda arrays: _explain(op, parsed, arrays),
        "float32": np.dtype(np.float32),
        "float64": np.dtype(np.float64),
    }
    exec(compile(_source(parsed), f"<arguments of {op}>", "exec"), names)
    return names["check"]
