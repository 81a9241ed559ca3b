"""Tasks read arrays and scalars as declared, and nothing else gets to them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend import kernels
from seqkit.backend.kernels.intrinsics import contiguous
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import (
    HEADER,
    boolean,
    float32,
    float64,
    int32,
    int64,
    uint8,
    uint32,
    uint64,
)
from seqkit.errors import ShapeError, UsageError
from tests.backend.test_kernel_dispatch import run_python
from tests.exhaustive import some


@task(
    x=float32("N, E"),
    weights=float32("N").optional(),
    heads=float32("B, N, D").strided(),
    ids=int64("M").flat(),
    out=float64("N, 2*E").written(),
    factor=float32,
    scale=float64,
    count=int64,
    small=int32,
    word=uint32,
    key=uint64,
    flag=boolean,
    scalars=float64("S").written(),
)
def _read_all(a, chunk, chunks):
    """Copy everything to arrays that the test can see."""
    for n in range(a.N):
        weight = a.weights[n] if a.weights_given else np.float32(1)
        for j in range(a.E):
            a.out[n, j] = weight * a.x[n, j]
            a.out[n, a.E + j] = contiguous(a.heads[a.B - 1, n])[a.D - 1]
    total = 0
    for m in range(a.M):
        total += a.ids[m]
    a.scalars[0], a.scalars[1] = a.factor, a.scale
    a.scalars[2], a.scalars[3], a.scalars[4] = a.count, a.small, a.word
    a.scalars[5] = a.key >> np.uint64(32)
    a.scalars[6] = 1 if a.flag else 0
    a.scalars[7] = total
    a.scalars[8] = a.weights.shape[0]


def arguments(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "x": np.arange(15, dtype=np.float32).reshape(5, 3),
        "weights": np.arange(5, dtype=np.float32),
        "heads": np.arange(7 * 5 * 2, dtype=np.float32).reshape(5, 7, 2).swapaxes(0, 1),
        "ids": np.arange(12).reshape(3, 4),
        "out": np.zeros((5, 6)),
        "factor": 0.1,
        "scale": 0.1,
        "count": -(1 << 40),
        "small": -3,
        "word": (1 << 32) - 1,
        "key": (1 << 64) - 1,
        "flag": True,
        "scalars": np.zeros(9),
    }
    return given | changed


def check(given: dict[str, Any]) -> None:
    """Everything has arrived."""
    x, weights, heads = given["x"], given["weights"], given["heads"]
    expected = x if weights is None else x * weights[:, None]
    np.testing.assert_array_equal(given["out"][:, :3], expected)
    np.testing.assert_array_equal(given["out"][:, 3:], np.repeat(heads[-1, :, -1:], 3, axis=1))
    scalars = [np.float32(0.1), 0.1, -(1 << 40), -3, (1 << 32) - 1, (1 << 32) - 1, given["flag"], 66]
    assert given["scalars"].tolist() == [*scalars, 0 if weights is None else 5]


def layouts() -> Iterator[tuple[str, Any]]:
    base = arguments()
    yield "x", np.asfortranarray(base["x"])
    yield "x", np.repeat(base["x"], 2, axis=1)[:, ::2]
    yield "x", base["x"][::-1]
    yield "x", np.broadcast_to(base["x"][0], (5, 3))
    yield "weights", base["weights"][::-1]
    yield "weights", None
    yield "heads", base["heads"][:, ::-1]
    for name in ("x", "heads"):  # copied, as no processor reads them well
        fields = np.zeros(base[name].shape, [("odd", "u1"), ("value", "f4")])
        fields["value"] = base[name]
        yield name, fields["value"]
    yield "ids", np.asfortranarray(base["ids"])
    yield "flag", False
    for name in ("x", "weights", "heads", "ids"):
        frozen = base[name].copy()
        frozen.flags.writeable = False
        yield name, frozen


@pytest.mark.parametrize(("name", "value"), [("x", arguments()["x"]), *layouts()])
def test_everything_arrives_by_name(name: str, value: Any) -> None:
    """Inputs of any layout: those that are not contiguous are copied."""
    given = arguments(**{name: value})
    assert _read_all.parallel_for(1, **given)
    check(given)


def test_dtypes_that_compare_equal_are_the_same() -> None:
    given = arguments()
    given["x"] = given["x"].view(np.dtype("float32").newbyteorder("="))
    assert _read_all.parallel_for(1, **given)
    check(given)


REFUSED: list[tuple[str, Any]] = [
    ("x", np.zeros((5, 3))),
    ("x", np.zeros((5, 3), ">f4")),
    ("x", [[0.0] * 3] * 5),
    ("weights", np.zeros(5, np.int32)),
    ("heads", np.zeros((7, 5, 2), np.float64)),
    ("out", np.zeros((6, 5)).T),
    ("out", np.zeros((5, 12))[:, ::2]),
    ("out", np.zeros((5, 6), np.float32)),
    ("out", np.broadcast_to(np.zeros(6), (5, 6))),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
@pytest.mark.parametrize("chunks", [1, 2])
def test_other_dtypes_and_layouts_are_left_to_the_reference(name: str, value: Any, chunks: int) -> None:
    given = arguments(**{name: value})
    assert not _read_all.parallel_for(chunks, **given)
    assert not given["scalars"].any()


SHAPES = [
    ("x", (5,), "expected x (N, E), N = 5, got (5,)"),
    ("x", (6, 3), "expected weights (N) = (6,), got (5,)"),
    ("weights", (4,), "expected weights (N) = (5,), got (4,)"),
    ("weights", (1, 5), "expected weights (N), N = 5, got (1, 5)"),
    ("heads", (7, 4, 2), "expected heads (B, N, D) = (7, 5, 2), got (7, 4, 2)"),
    ("out", (5, 7), "expected out (N, 2*E) = (5, 6), got (5, 7)"),
]


@pytest.mark.parametrize(("name", "shape", "message"), SHAPES)
def test_other_shapes_are_refused_by_name(name: str, shape: tuple[int, ...], message: str) -> None:
    given = arguments()
    with pytest.raises(ShapeError) as caught:
        _read_all.parallel_for(1, **{**given, name: np.zeros(shape, given[name].dtype)})
    assert str(caught.value) == f"{message}, tests.backend.test_task_arguments.read_all"
    assert not given["scalars"].any()


# Overlap


@task(
    x=float32("N"),
    y=float32("N").strided(),
    out=float32("N").strided().written("x"),
    more=float32("N").strided().written(),
)
def _shift(a, chunk, chunks):
    """Write before the last is read, which shows in whatever shares memory."""
    for n in range(a.N):
        a.more[n] = a.y[a.N - 1 - n]
        a.out[n] = a.x[n] + 1


def vectors() -> tuple[np.ndarray, ...]:
    return tuple(np.arange(5, dtype=np.float32) + 10 * i for i in range(4))


def test_an_input_that_overlaps_an_output_is_copied() -> None:
    x, _, out, _ = vectors()
    memory = np.arange(12, dtype=np.float32)
    for given, more in (
        (memory[:5], memory[:5]),  # the same array
        (memory[:5], memory[2:7]),
        (memory[4::-1], memory[3:8]),  # its last element is the first of the other
        (memory[:9:2], memory[1:10:2]),  # not one element in common, but in the same place
    ):
        memory[:] = np.arange(12)
        expected = given[::-1].copy()
        assert _shift.parallel_for(1, x=x, y=given, out=out, more=more)
        np.testing.assert_array_equal(more, expected)


def test_an_output_may_be_the_input_that_its_declaration_names() -> None:
    x, y, _, more = vectors()
    before, place = x.copy(), x.ctypes.data
    assert _shift.parallel_for(1, x=x, y=y, out=x, more=more)
    assert x.ctypes.data == place
    np.testing.assert_array_equal(x, before + 1)
    memory = np.arange(6, dtype=np.float32)
    assert _shift.parallel_for(1, x=memory[:5], y=y, out=memory[1:], more=more)  # not the same: copied
    np.testing.assert_array_equal(memory, [0, 1, 2, 3, 4, 5])


def test_outputs_that_overlap_are_refused() -> None:
    x, y, out, _ = vectors()
    memory = np.zeros(12, np.float32)
    with pytest.raises(UsageError, match="expected out and more in memory of their own"):
        _shift.parallel_for(1, x=x, y=y, out=out, more=out)
    with pytest.raises(UsageError, match="expected out and more in memory of their own"):
        _shift.parallel_for(1, x=x, y=y, out=memory[:5], more=memory[4:9])
    assert not memory.any()
    assert not _shift.parallel_for(1, x=x, y=y, out=memory[:9:2], more=memory[1:10:2])  # the reference can
    assert _shift.parallel_for(1, x=x, y=y, out=memory[:5], more=memory[5:10])  # side by side


def test_empty_arrays_overlap_nothing() -> None:
    memory = np.zeros(5, np.float32)
    empty = memory[2:2]
    assert _shift.parallel_for(1, x=empty, y=empty, out=empty, more=empty)


def test_only_sizes_of_one_letter() -> None:
    for axis in ("N*M", "N*N", "N // 2"):
        with pytest.raises(UsageError, match="expected a size such as N, 4"):
            task(n=float32("N"), m=float32("M"), x=float32(axis))(lambda a, chunk, chunks: None)


def test_scalars_of_another_type_are_refused() -> None:
    with pytest.raises(UsageError, match="expected scalars as declared"):
        _read_all.parallel_for(1, **arguments(count=0.5))
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'count'"):
        _read_all.parallel_for(1, **{name: value for name, value in arguments().items() if name != "count"})
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        _read_all.parallel_for(1, **arguments(), other=1)


def test_empty_arrays() -> None:
    given = arguments(
        x=np.zeros((0, 3), np.float32),
        weights=np.zeros(0, np.float32),
        heads=np.zeros((7, 0, 2), np.float32),
        out=np.zeros((0, 6)),
    )
    assert _read_all.parallel_for(1, **given)
    assert given["scalars"][7:].tolist() == [66, 0]


@pytest.mark.parametrize("name", [*HEADER, "steps"])
def test_names_of_the_pool_are_taken(name: str) -> None:
    for fields in ({name: int64}, {"x": float32(f"N, {name}")}):
        with pytest.raises(UsageError, match=f"expected another name in a task than {name}"):
            task(**fields)(lambda a, chunk, chunks: None)


def test_two_arguments_of_one_name() -> None:
    with pytest.raises(UsageError, match="two arguments of a task are called N"):
        task(x=float32("N"), N=int64)(lambda a, chunk, chunks: None)


def test_an_unknown_name_does_not_compile(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so in the log, once, instead of reading something."""
    monkeypatch.setattr(kernels, "_failed", set())

    @task(x=uint8("N"))
    def wrong(a, chunk, chunks):
        a.x[0] = a.y

    for _ in range(3):
        assert not wrong.parallel_for(1, x=np.zeros(1, np.uint8))
    (record,) = (each for each in caplog.records if "do not work" in each.getMessage())
    assert "test_task_arguments do not work (TypingError: " in record.message
    assert "Unknown attribute 'y'" in record.message


PLANTED = """
import numpy as np
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import float32

@task(x=float32("N, E").written())
def planted(a, chunk, chunks):
    for j in range(a.E + 1):
        a.x[a.N - 1, j] = 1

x = np.zeros((2, 3), np.float32)
for _ in range(2):
    try:
        print(planted.parallel_for(1, x=x))
    except IndexError as error:
        print("IndexError:", error)
"""


def test_bounds_are_checked_on_demand() -> None:
    """An index too far by one is an error in checked code, and silence in the other."""
    first, second = run_python(PLANTED, SEQKIT_KERNELS_DEBUG="1").stdout.splitlines()
    assert first == second
    assert first.startswith("IndexError: index is out of bounds")
    assert run_python(PLANTED.replace("a.N - 1", "0")).stdout == "True\n" * 2


CHECKED = """
import importlib
import numpy as np
from tests.backend.test_thread_pool import CASES
for family in {families}:
    kernel, reference = (
        importlib.import_module(f"seqkit.backend.kernels.{{family}}.{{version}}")
        for version in ("cpu", "reference")
    )
    if hasattr(kernel, "chunks_for"):
        kernel.chunks_for = lambda *_: 3
    for ours, expected in zip(CASES[family](kernel), CASES[family](reference), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
print("checked")
"""


def test_kernels_stay_within_their_arrays() -> None:
    """Some families whose tasks read arrays by index, in code that checks each access."""
    families = some(["layer_norm", "rotary", "softmax_cross_entropy", "column_sums"], 2)
    code = CHECKED.format(families=families)
    assert run_python(code, SEQKIT_KERNELS_DEBUG="1").stdout == "checked\n"


def test_every_kernel_heeds_what_its_task_returns() -> None:
    """A task that has not run returns False: a call of parallel_for is never a statement of its own."""
    calls = 0
    for path in Path(str(kernels.__file__)).parent.rglob("cpu.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "parallel_for":
                calls += 1
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                assert not ast.unparse(node.value.func).endswith(".parallel_for"), path
    assert calls > 40
