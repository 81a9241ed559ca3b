"""Products in tiles equal those of float64, whatever the shape, the layout and the number of threads."""

from __future__ import annotations

import itertools
import platform
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

import llvmlite.binding as llvm
import numba
from numba.core import types

from seqkit.backend.kernels import object_code
from seqkit.backend.kernels.compiler import DEBUG
from seqkit.backend.kernels.lstm_sequence import cpu as sequence_cpu
from seqkit.backend.kernels.lstm_sequence import reference as sequence_reference
from seqkit.backend.kernels.matrix_product import cpu, reference
from seqkit.backend.kernels.matrix_product.tiles import DEEPEST
from seqkit.backend.kernels.processor import LANES, PANEL, TALLEST, TILES
from seqkit.backend.kernels.task import Task

tiles = pytest.mark.skipif(not TILES, reason="the tiles are not made for this processor")
LAYOUTS = list(itertools.product([False, True], repeat=2))
SIZES = [
    (1, 1, 1),
    (2, 3, 5),
    (TALLEST, DEEPEST, PANEL),
    (TALLEST + 1, DEEPEST + 1, PANEL + 1),
    (2 * TALLEST - 1, 2 * DEEPEST - 1, LANES),
    (17, LANES - 1, LANES + 1),
    (3 * TALLEST + 5, 97, 5 * PANEL - 1),
    (300, 31, 401),
    (13, 700, 1009),
    *((rows, 16 * rows + rows % 3, 37 + rows) for rows in range(1, 9)),  # not packed, where b is transposed
    (907, 40, 1009),  # of up to 3 chunks, each has rows enough to pack all columns
]


@pytest.fixture(params=[1, 2, 3])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """All products in tiles, however small, and in this many chunks."""
    for module in (cpu, sequence_cpu):
        monkeypatch.setattr(module, "chunks_for", lambda *_: request.param)
    monkeypatch.setattr(cpu, "LEAST", 0)
    return int(request.param)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def laid(x: np.ndarray, transposed: bool) -> np.ndarray:
    return np.ascontiguousarray(x.T).T if transposed else x


def close(ours: np.ndarray, a: np.ndarray, b: np.ndarray, more: Any = 0.0) -> None:
    """Within what rounding can do: K times the unit of the sum of the magnitudes."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    bound = 4e-7 * (np.abs(a) @ np.abs(b) + np.abs(more)) * np.sqrt(a.shape[-1]) + 1e-30
    assert (np.abs(ours - (a @ b + more)) <= bound).all()


@tiles
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("biased", [False, True])
def test_products(chunks: int, size: tuple[int, int, int], layout: tuple[bool, bool], biased: bool) -> None:
    """Nothing is written beside the result, and nothing of what stood there counts."""
    M, K, N = size
    a, b, bias = laid(normal(M, K), layout[0]), laid(normal(K, N), layout[1]), normal(N) if biased else None
    room = np.full((M + 2, N + 40), np.nan, np.float32)
    out = room[1:-1, 8 : 8 + N]
    cpu.product(a, b, out, bias)
    close(out, a, b, 0.0 if bias is None else bias)
    room[1:-1, 8 : 8 + N] = np.nan
    assert np.isnan(room).all()


@pytest.mark.parametrize("size", [(0, 5, 7), (3, 0, 7), (3, 5, 0), (1, 0, 0), (0, 0, 3)])
def test_products_of_nothing(size: tuple[int, int, int]) -> None:
    M, K, N = size
    out, bias = np.full((M, N), np.nan, np.float32), normal(N)
    cpu.product(normal(M, K), normal(N, K).T, out, bias)
    np.testing.assert_array_equal(out, np.broadcast_to(bias, (M, N)))


@tiles
@pytest.mark.parametrize("size", SIZES)
def test_the_bits_do_not_depend_on_the_threads(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(cpu, "LEAST", 0)
    M, K, N = size
    a, b, results = normal(M, K), normal(N, K).T, []
    for count in (1, 2, 5):
        monkeypatch.setattr(cpu, "chunks_for", lambda *_, count=count: count)
        results.append(np.empty((M, N), np.float32))
        cpu.product(a, b, results[-1])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@tiles
def test_what_is_not_finite_shows_where_it_belongs(chunks: int) -> None:
    a, b = normal(30, 40), normal(40, 50)
    a[3, 7], b[5, 11] = np.nan, np.inf
    out = np.empty((30, 50), np.float32)
    cpu.product(a, b, out)
    odd = ~np.isfinite(out)
    expected = np.zeros_like(odd)
    expected[3], expected[:, 11] = True, True
    np.testing.assert_array_equal(odd, expected)


@tiles
@pytest.mark.parametrize("shape", [(2, 3, 5, 7, 11), (3, 2, 29, 32, 26), (1, 5, 70, 9, 33), (2, 1, 1, 1, 1)])
@pytest.mark.parametrize("views", [False, True])
def test_products_of_heads(chunks: int, shape: tuple[int, ...], views: bool) -> None:
    """Also where heads lie side by side within a row, and for the transposed factors of a backward pass."""
    B, N, M, K, L = shape
    a = normal(B, M, N, K).swapaxes(1, 2) if views else normal(B, N, K, M).swapaxes(2, 3)
    b = normal(B, K, N, L).swapaxes(1, 2) if views else normal(B, N, L, K).swapaxes(2, 3)
    out = np.full((B, M, N, L), np.nan, np.float32).swapaxes(1, 2)
    cpu.products_of_heads(a, b, out)
    close(out, a, b)


def test_other_arrays_go_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mixed dtypes, results with gaps between their columns, factors with gaps in both axes, few numbers."""
    called: list[str] = []

    def counted(function: Callable[..., None]) -> Callable[..., None]:
        return lambda *arguments: (called.append(function.__name__), function(*arguments))[1]

    for name in ("product", "products_of_heads"):
        monkeypatch.setattr(reference, name, counted(getattr(reference, name)))
    a, b, bias = normal(90, 80), normal(80, 70), normal(70)
    expected = np.empty((90, 70), np.float32)
    reference.product(a, b, expected, bias)
    out = np.empty((90, 140), np.float32)[:, ::2]
    cpu.product(a, b, out, bias)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-4)
    spread = np.empty((160, 140), np.float32)[::2, ::2]
    spread[...] = b
    for left, right in ((a.astype(np.float64), b), (a, spread)):
        out = np.empty((90, 70), np.float32)
        cpu.product(left, right, out, bias.astype(left.dtype))
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)
    monkeypatch.setattr(cpu, "TILES", False)
    cpu.product(a, b, expected, bias)
    heads = np.empty((2, 3, 4, 6), np.float32)
    cpu.products_of_heads(normal(2, 3, 4, 5), normal(2, 3, 5, 6), heads)
    close(heads, normal(2, 3, 4, 5), normal(2, 3, 5, 6))
    assert called == ["product"] * 5 + ["products_of_heads"]


@tiles
@pytest.mark.parametrize("shape", [(1, 3, 5), (7, 20, 67), (2, 31, 64), (3, 15, 2 * PANEL + 1)])
@pytest.mark.parametrize("masked", [False, True])
def test_lstm_sequences(chunks: int, shape: tuple[int, int, int], masked: bool) -> None:
    T, B, H = shape
    keep = np.random.default_rng(0).random((T, B)) < (0.6 if masked else 2)
    Wh = normal(4 * H, H) / np.float32(np.sqrt(H))
    forward = [[normal(T, B, 4 * H), normal(T + 1, B, H), normal(T + 1, B, H)] for _ in range(2)]
    for module, (gates, hs, cs) in zip((sequence_cpu, sequence_reference), forward, strict=True):
        module.forward(gates, Wh, keep, hs, cs)
    for ours, expected in zip(forward[0][1:], forward[1][1:], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-6)
    gates, _, cs = forward[1]
    np.testing.assert_allclose(forward[0][0][keep], gates[keep], rtol=2e-5, atol=2e-6)
    views = normal(B, T, H).swapaxes(0, 1)[::-1], normal(T, B, 2 * H)[..., ::2]
    for d_out in (None, normal(T, B, H), *views):
        backward = [
            [normal(B, H), normal(B, H), np.full((T, B, 4 * H), np.nan, np.float32)] for _ in range(2)
        ]
        for module, given in zip((sequence_cpu, sequence_reference), backward, strict=True):
            module.backward(gates, Wh, keep, masked, cs, d_out, *given)
        for ours, expected in zip(*backward, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=2e-5)


def vectors_on_the_stack(kernel: Task) -> list[int]:
    """Return, for each loop of a task's assembly with a tile's products, how often it goes to the stack."""
    signature = types.void(kernel.type, types.intp, types.intp)
    compiled = numba.cfunc(signature, error_model="numpy", fastmath=kernel.fastmath)(kernel.function)
    machine = object_code._target_machine()
    lines = machine.emit_assembly(llvm.parse_assembly(compiled.inspect_llvm())).splitlines()
    found, started = [], 0
    for number, line in enumerate(lines):
        if re.match(r"\.L\w+:", line):
            started = number
        elif re.match(r"\s+j", line) and re.search(r"\.L\w+$", line):
            label = line.split()[-1]
            body = lines[started : number + 1]
            products = sum("vfmadd" in each for each in body)
            kept = sum("mm" in each and "(%rsp)" in each for each in body)
            if body[0].startswith(f"{label}:") and products >= TALLEST:
                found.append(kept)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not TILES or DEBUG, reason="the kernels run without tiles here")
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads the assembly of x86")
@pytest.mark.parametrize(
    "kernel",
    [cpu._product_chunk, sequence_cpu._step_forward, sequence_cpu._step_backward],
    ids=lambda task: task.name,
)
def test_sums_of_tiles_stay_in_registers(kernel: Task) -> None:
    """Where a caller's constants let the compiler reorder a tile, half of its speed is lost."""
    found = vectors_on_the_stack(kernel)
    assert len(found) > 1  # tiles of several heights
    assert not any(found)
