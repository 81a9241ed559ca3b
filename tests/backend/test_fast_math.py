"""The accuracy that fast_math.py states, over a sweep and at the edges.

It is that of processors whose multiply-add rounds once; of the others we know only that they are not far off.
"""

from __future__ import annotations

import numpy as np
import pytest

numba = pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels import fast_math  # noqa: E402
from seqkit.backend.kernels.compiler import SAFE_MATH  # noqa: E402
from seqkit.backend.kernels.processor import TILES  # noqa: E402

jit = numba.njit(fastmath=SAFE_MATH, error_model="numpy")  # as the kernels that inline them, uncached


@jit
def _exp(x, y):
    for i in range(x.shape[0]):
        y[i] = fast_math.exp32(x[i])


@jit
def _sigmoid(x, y):
    for i in range(x.shape[0]):
        y[i] = fast_math.sigmoid32(x[i])


@jit
def _tanh(x, y):
    for i in range(x.shape[0]):
        y[i] = fast_math.tanh32(x[i])


@jit
def _reciprocal(x, y):
    for i in range(x.shape[0]):
        y[i] = fast_math.reciprocal32(x[i])


def apply(function, x: np.ndarray) -> np.ndarray:
    y = np.empty_like(x)
    function(x, y)
    return y


SWEEP = np.concatenate(
    [np.linspace(-87, 88, 200_001), np.linspace(-1, 1, 100_001), [0.0, -0.0, 1e-30, -1e-30]]
).astype(np.float32)


def test_exp_to_one_unit_in_the_last_place() -> None:
    exact = np.exp(SWEEP.astype(np.float64))
    error = np.abs(apply(_exp, SWEEP) - exact) / np.spacing(exact.astype(np.float32))
    assert error.max() < (1 if TILES else 2)


@pytest.mark.parametrize(
    ("function", "exact"),
    [(_sigmoid, lambda x: 1 / (1 + np.exp(-x))), (_tanh, np.tanh)],
    ids=["sigmoid", "tanh"],
)
def test_sigmoid_and_tanh(function, exact) -> None:
    y = apply(function, SWEEP)
    assert np.abs(y - exact(SWEEP.astype(np.float64))).max() < (2e-7 if TILES else 3e-7)
    assert y.min() >= (0 if function is _sigmoid else -1)
    assert y.max() <= 1


def test_reciprocals(random: np.random.Generator) -> None:
    """Rounded as a division would be, or nearly: half a unit in the last place and a thousandth."""
    wide, near = np.exp(random.uniform(-85, 87, 200_000)), np.linspace(1, 4, 100_001)
    x = np.concatenate([wide, near]).astype(np.float32)
    exact = 1 / x.astype(np.float64)
    error = np.abs(apply(_reciprocal, x) - exact) / np.spacing(exact.astype(np.float32))
    assert error.max() < (0.501 if TILES else 2)
    assert np.isnan(apply(_reciprocal, np.array([np.nan], np.float32)))


EDGES = np.array([np.nan, np.inf, -np.inf, 1e38, -1e38], np.float32)


def test_edges() -> None:
    sigmoid, tanh, exp = (apply(function, EDGES) for function in (_sigmoid, _tanh, _exp))
    assert np.isnan([sigmoid[0], tanh[0], exp[0]]).all()
    np.testing.assert_array_equal(sigmoid[[1, 3]], 1)
    assert (np.abs(sigmoid[[2, 4]]) < 1e-37).all()
    np.testing.assert_array_equal(tanh[1:], [1, -1, 1, -1])
    assert (exp[[1, 3]] > 2e38).all()
    assert (exp[[2, 4]] < 1.3e-38).all()
    assert np.isfinite(exp[1:]).all()


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 127, 128, 129, 300])
def test_row_max(n: int, random: np.random.Generator) -> None:
    @jit
    def top(x):
        return fast_math.row_max32(x)

    x = -np.abs(random.standard_normal(n)).astype(np.float32)
    for place in {0, n // 2, n - 1}:
        row = x.copy()
        row[place] = 3
        assert top(row) == 3
    assert top(x) == x.max()
