"""Vectors as values of compiled code: what they read and write, lane by lane."""

from __future__ import annotations

import numpy as np
import pytest

numba = pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels import fast_math, simd  # noqa: E402
from seqkit.backend.kernels.processor import LANES  # noqa: E402
from seqkit.backend.kernels.simd import SIZE  # noqa: E402

jit = numba.njit(error_model="numpy")
SOME = [-3, 0, 1, LANES - 1, LANES, LANES + 5]


def address(x: np.ndarray) -> int:
    return int(x.ctypes.data)


@jit
def _copy(source, target):
    simd.write(simd.read(source), target)


@jit
def _copy_some(source, target, read, written):
    simd.write_some(simd.read_some(source, read), target, written)


def test_a_vector_is_read_and_written_at_any_address(random: np.random.Generator) -> None:
    x = random.standard_normal(3 * LANES).astype(np.float32)
    for start in (0, 1, 7):
        y = np.full_like(x, 9)
        _copy(address(x) + SIZE * start, address(y) + SIZE * 3)
        np.testing.assert_array_equal(y[3 : 3 + LANES], x[start : start + LANES])
        assert (y[:3] == 9).all()
        assert (y[3 + LANES :] == 9).all()


@pytest.mark.parametrize("read", SOME)
@pytest.mark.parametrize("written", SOME)
def test_some_numbers(read: int, written: int, random: np.random.Generator) -> None:
    x, y = random.standard_normal(LANES).astype(np.float32), np.full(2 * LANES, 9, np.float32)
    _copy_some(address(x), address(y), read, written)
    count = min(max(written, 0), LANES)
    expected = np.where(np.arange(LANES) < read, x, 0)
    np.testing.assert_array_equal(y[:count], expected[:count])
    assert (y[count:] == 9).all()


def test_nothing_is_read_behind_the_last_number() -> None:
    """At an address that nobody may read, none of them is."""
    y = np.full(LANES, 9, np.float32)
    _copy_some(8, address(y), 0, LANES)
    assert not y.any()


@jit
def _arithmetic(a, b, s, out):
    u, v, step = simd.read(a), simd.read(b), SIZE * LANES
    simd.write(u + v, out)
    simd.write(u - v, out + step)
    simd.write(u * v, out + 2 * step)
    simd.write(s + u, out + 3 * step)
    simd.write(u - s, out + 4 * step)
    simd.write(s * u, out + 5 * step)
    simd.write(simd.larger(u, v), out + 6 * step)
    simd.write(simd.everywhere(s), out + 7 * step)
    simd.write(simd.first_of(3, u, s), out + 8 * step)
    simd.write(simd.where_below(u, s, np.float32(7), v), out + 9 * step)


def test_arithmetic(random: np.random.Generator) -> None:
    a, b = random.standard_normal((2, LANES)).astype(np.float32)
    s, lane = np.float32(0.25), np.arange(LANES)
    out = np.empty((10, LANES), np.float32)
    _arithmetic(address(a), address(b), s, address(out))
    expected = [a + b, a - b, a * b, s + a, a - s, s * a, np.maximum(a, b), s + 0 * a]
    expected += [np.where(lane < 3, a, s), np.where(a < s, np.float32(7), b)]
    np.testing.assert_array_equal(out, expected)


@jit
def _folds(a):
    return simd.total(simd.read(a)), simd.largest(simd.read(a))


def test_one_number_of_all_lanes(random: np.random.Generator) -> None:
    for lane in range(LANES):
        x = random.standard_normal(LANES).astype(np.float32)
        x[lane] = 50
        total, largest = _folds(address(x))
        assert largest == 50
        np.testing.assert_allclose(total, x.sum(dtype=np.float64), rtol=1e-6)


def test_what_is_not_a_number_shows_in_the_sum() -> None:
    for lane in range(LANES):
        x = np.ones(LANES, np.float32)
        x[lane] = np.nan
        total, largest = _folds(address(x))
        assert np.isnan(total)
        assert largest == 1 or np.isnan(largest)


@jit
def _exponentials(a, out):
    simd.write(fast_math.exp32_inside(simd.read(a)), out)


@jit
def _one_by_one(x, y):
    for i in range(x.shape[0]):
        y[i] = fast_math.exp32_inside(x[i])


def test_a_formula_for_both() -> None:
    """exp of vectors and of numbers differ in no bit."""
    x = np.linspace(-87.3, 88.3, 64 * LANES).astype(np.float32)
    ours, expected = np.empty_like(x), np.empty_like(x)
    for i in range(0, len(x), LANES):
        _exponentials(address(x[i:]), address(ours[i:]))
    _one_by_one(x, expected)
    np.testing.assert_array_equal(ours, expected)
    np.testing.assert_allclose(ours, np.exp(x.astype(np.float64)), rtol=1.2e-7)
