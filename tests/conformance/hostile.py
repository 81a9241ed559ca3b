"""Every op, layer and model with every argument as nobody should give it, in a process that may crash.

    python -m tests.conformance.hostile PROGRESS_FILE ops|models

walks the table of ops, or layers and methods of models: each argument and each gradient of an output
strided, reversed, broadcast, Fortran-ordered, read-only, of another dtype, absent; each axis empty, of one
element, one too short and one too long. All products take the tiles, and all arrays lie against pages that
must not be touched, so that a kernel that reads or writes beside its arrays ends the process. What comes out,
forward and backward, must be what the references make of the same numbers in float64, or an error of seqkit's
tree from both. It prints what is otherwise, one line each.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor, to_dense
from seqkit.errors import SeqkitError
from tests import guarded_memory
from tests.conformance.module_rows import MODULE_ROWS
from tests.conformance.table import ARITHMETIC, OPS, SHAPING, Row
from tests.exhaustive import some
from tests.guarded_memory import guarded, placed

FOLLOW_NUMPY = {row.name for row in (*ARITHMETIC, *SHAPING)}
"""Operators of tensors: they broadcast, promote and raise as NumPy does."""

BROADCAST = {
    "rotary positions",
    "RotaryPositions positions",
    "Attention mask",
    "MultiHeadAttention mask",
    "TransformerEncoderStack mask",
    "TransformerDecoderStack mask",
    "attention mask",
    "additive_attention mask",
    "scaled_dot_product_attention mask",
}
"""Arguments of ops that are documented to be broadcast."""

TABLES = {
    "softmax_cross_entropy 0", "linear_cross_entropy 1", "negative_sampling 1", "embedding_bag 0", "pack 0",
}  # fmt: skip
"""Arguments that may be longer than the ids in the table of rows ask for, and no shorter."""

PADDED = {"ids", "source", "letters"}
"""Ids of models that may be longer than the lengths beside them."""

_TARGETS = np.random.default_rng(5).integers(0, 97, 67)
LARGE = [
    Row("linear: large", ops.linear, ((67, 131), (97, 131), (97,))),
    Row("lstm: large", ops.lstm, ((5, 2, 67), (5, 71), (5, 71), (284, 67), (284, 71), (284,))),
    Row("linear_cross_entropy: large", lambda *given: ops.linear_cross_entropy(*given, _TARGETS),
        ((67, 131), (97, 131), (97,))),
]  # fmt: skip
"""Products above the size from which they are our own, whatever it is set to."""

Values = tuple[list[Any], list[Any]]


# Forms of an argument


def layouts(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The same values, elsewhere or in another order of memory."""
    yield "at the start of a page", placed(x, at_end=False)
    read_only = placed(x)
    read_only.flags.writeable = False
    yield "read-only", read_only
    if not x.size or not x.ndim:
        return
    wide = guarded((*(2 * n for n in x.shape[:-1]), 3 * x.shape[-1]), x.dtype)
    strided = wide[(*(slice(None, None, 2),) * (x.ndim - 1), slice(None, None, 3))]
    rows = guarded((x.shape[0] * 2, *x.shape[1:]), x.dtype)[1::2]
    fortran = guarded(x.shape[::-1], x.dtype).T
    backwards = guarded(x.shape, x.dtype)[(slice(None, None, -1),) * x.ndim]
    records = guarded(x.size * (x.itemsize + 1), np.uint8)  # at odd addresses
    odd = np.ndarray(x.shape, np.dtype([("odd", "u1"), ("x", x.dtype)]), records)["x"]
    for label, view in (
        ("strided", strided), ("with gaps between rows", rows), ("Fortran", fortran), ("reversed", backwards),
        ("unaligned", odd),
    ):  # fmt: skip
        view[...] = x
        yield label, view


def broadcasts(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Other values: one of each axis, everywhere."""
    for axis, size in enumerate(x.shape):
        if size > 1:
            one = placed(np.take(x, [0], axis))
            yield f"broadcast along axis {axis}", np.broadcast_to(one, x.shape)


def dtypes(x: np.ndarray, floats_alone: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Numbers of another type."""
    floats, others = (
        ("float64", "float32", "float16", ">f4"),
        ("int64", "int32", "uint8", "bool", "complex64"),
    )
    for dtype in floats if floats_alone else (*floats, *others):
        if np.dtype(dtype) != x.dtype:
            yield dtype, placed((3 * x if dtype == "int64" and x.dtype.kind == "f" else x).astype(dtype))


def resized(x: np.ndarray, axis: int, size: int) -> np.ndarray:
    """The first of an axis, and then the first again."""
    return placed(np.take(x, np.arange(size) % x.shape[axis], axis)) if x.shape[axis] else x


# What comes out


def outcome(row: Row, inputs: list[Any], extras: dict[str, Any], gradient: Any = None) -> Values | str:
    """Outputs and gradients in float64, or the name of the error; ``gradient`` is (output, its gradient)."""
    try:
        tensors = [
            Tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x for x in inputs
        ]
        outputs = row.call(*tensors, **extras)
        outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
        if gradient is None:
            total = Tensor(0.0)
            for number, y in enumerate(outputs):
                total = (
                    total + (y * np.random.default_rng(number).standard_normal(y.shape).astype(y.dtype)).sum()
                )
            if total.requires_grad:
                total.backward()
        else:
            outputs[gradient[0]].backward(gradient[1])
    except SeqkitError as error:
        return type(error).__name__
    except (ValueError, IndexError, TypeError, AttributeError, ZeroDivisionError) as error:
        return "NumPy's" if row.name in FOLLOW_NUMPY else f"not of the tree: {type(error).__name__}: {error}"
    gradients = [to_dense(x.grad) if isinstance(x, Tensor) and x.grad is not None else None for x in tensors]
    return [y.data for y in outputs], gradients


def differ(ours: Values | str, expected: Values | str) -> str | None:
    """Return the difference of two outcomes in words, or None."""
    if isinstance(ours, str) or isinstance(expected, str):
        if "not of" in f"{ours}{expected}" or isinstance(ours, str) != isinstance(expected, str):
            first, second = (x if isinstance(x, str) else "a result" for x in (ours, expected))
            return f"{first}, in float64 {second}"
        return None
    for a, b in zip((*ours[0], *ours[1]), (*expected[0], *expected[1]), strict=True):
        if a is None or b is None:
            continue
        if a.shape != b.shape:
            return f"shape {a.shape}, in float64 {b.shape}"
        scale = max(1.0, float(np.abs(b).max(initial=0, where=np.isfinite(b))))
        coarse = 20 if a.dtype == np.float16 else 1
        if not np.allclose(a, b, rtol=coarse * 1e-3, atol=coarse * 2e-4 * scale, equal_nan=True):
            return f"off by {np.abs(a - b).max():.3g}"
    return None


class Walk:
    """The forms of all arguments of one row; ``number`` says which of them are tried in ``make test``."""

    def __init__(self, row: Row, number: int) -> None:
        self.number = number
        self.row, self.op = row, re.split("[:,]| tanh| relu", row.name)[0]
        self.wrong: list[str] = []
        self.inputs = [placed(x) for x in row.inputs(np.float32)]
        self.extras = {name: placed(x) for name, x in row.extras.items()}

    def ours(self, place: Any, x: Any, gradient: Any = None) -> Values | str:
        """With ``x`` in one place, in float32."""
        inputs, extras = list(self.inputs), dict(self.extras)
        (inputs if isinstance(place, int) else extras)[place] = x
        return outcome(self.row, inputs, extras, gradient)

    def outcomes(self, place: Any, x: np.ndarray, gradient: Any = None) -> tuple[Values | str, Values | str]:
        """In float32, and by the references in float64, of contiguous copies."""
        inputs, extras = list(self.inputs), {name: np.array(e) for name, e in self.extras.items()}
        (inputs if isinstance(place, int) else extras)[place] = np.array(x)
        wide = [x.astype(np.float64) if x.dtype.kind in "fiub" else x for x in inputs]
        wide_gradient = None if gradient is None else (gradient[0], gradient[1].astype(np.float64))
        return self.ours(place, x, gradient), outcome(self.row, wide, extras, wide_gradient)

    def note(self, place: Any, label: str, wrong: str | None) -> None:
        if wrong:
            self.wrong.append(f"{self.row.name}: {place} {label}: {wrong}")

    def value(self, place: Any, x: np.ndarray) -> None:
        """An argument of its own shape and dtype."""
        _, expected = self.outcomes(place, x)
        for label, form in some(list(layouts(x)), 3, self.number):
            self.note(place, label, differ(self.ours(place, form), expected))
        for label, form in some(list(broadcasts(x)), 3, self.number):
            self.note(place, label, differ(*self.outcomes(place, form)))

    def others(self, place: Any, x: np.ndarray) -> None:
        """An argument of other dtypes and other shapes."""
        for label, form in some(list(dtypes(x, self.row.name in FOLLOW_NUMPY)), 3, self.number):
            ours = self.ours(place, form)
            if not isinstance(ours, str) or "not of" in ours:  # else a refusal, in float32 alone
                self.note(place, label, differ(*self.outcomes(place, form)))
        for absent in (None, 2.0):
            ours = self.ours(place, absent)
            if isinstance(ours, str) and "not of" in ours:
                self.note(place, str(absent), ours)
        for axis, n in enumerate(x.shape):
            accepted = {}
            for size in {0, 1, n - 1, n + 1} - {n, -1}:
                ours, expected = self.outcomes(place, resized(x, axis, size))
                accepted[size] = not isinstance(ours, str)
                self.note(place, f"{size} for {n} along axis {axis}", differ(ours, expected))
            if n > 2 and self.row.name not in FOLLOW_NUMPY and not accepted[n - 1]:
                argument = f"{self.op} {place}"
                if accepted[1] and argument not in BROADCAST:
                    self.note(place, f"1 for {n} along axis {axis}", "broadcast in silence")
                if accepted[n + 1] and argument not in TABLES and place not in PADDED:
                    self.note(place, f"{n + 1} for {n} along axis {axis}", "cut in silence")

    def gradients(self) -> None:
        """Gradients of outputs that lie as nobody should give them."""
        outputs = outcome(self.row, self.inputs, self.extras)
        assert not isinstance(outputs, str), (self.row.name, outputs)
        for number, y in enumerate(outputs[0]):
            if not self.row.shapes or y.dtype.kind != "f":
                continue
            dy = np.asarray(np.random.default_rng(number).standard_normal(y.shape), y.dtype)
            for label, form in some([*layouts(dy), *broadcasts(dy)], 3, self.number):
                self.note(
                    f"gradient {number}", label, differ(*self.outcomes(0, self.inputs[0], (number, form)))
                )


def main() -> None:
    guarded_memory.install()
    warnings.simplefilter("ignore")
    progress = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    seen = set()
    models = sys.argv[2] == "models"
    for number, row in enumerate(some(MODULE_ROWS, 8) if models else (*OPS, *LARGE)):
        os.pwrite(progress, f"{row.name[:100]:100}".encode(), 0)
        walk = Walk(row, number)
        with np.errstate(all="ignore"):
            inputs = walk.inputs[:-1] if models else walk.inputs
            for place, x in (*enumerate(inputs), *walk.extras.items()):
                walk.value(place, x)
                if (walk.op, place, x.ndim) not in seen:
                    walk.others(place, x)
                    seen.add((walk.op, place, x.ndim))
            if not models:
                walk.gradients()
        for line in walk.wrong:
            print(line)


if __name__ == "__main__":
    main()
