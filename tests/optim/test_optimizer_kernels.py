"""The compiled updates against the plain ones."""

import numpy as np
import pytest

from seqkit.backend.kernels import numba_missing
from seqkit.backend.kernels.optimizer import reference

if (missing := numba_missing()) is not None:
    pytest.skip(missing, allow_module_level=True)

from seqkit.backend.kernels.optimizer import cpu

UPDATES = {
    "sgd": ("sgd", 0, (0.1,)),
    "momentum": ("momentum", 1, (0.1, 0.9, False)),
    "nesterov": ("momentum", 1, (0.1, 0.9, True)),
    "adagrad": ("adagrad", 1, (0.1, 1e-10)),
    "rmsprop": ("rmsprop", 1, (0.1, 0.99, 1e-8, 0.0)),
    "rmsprop-full": ("rmsprop", 3, (0.1, 0.9, 1e-4, 0.9)),
    "adam": ("adam", 2, (0.1, 0.9, 0.999, 0.7, 1e-8)),
}
"""Function, number of state arrays, settings."""

PENALTIES = {
    "plain": (0.0, 0.0, 1.0),
    "l2": (0.1, 0.0, 1.0),
    "l1": (0.0, 0.1, 1.0),
    "shrink": (0.0, 0.0, 0.9),
}


def inputs(shape, update, seed=0):
    """Parameter, gradient and states as three steps of the reference leave them."""
    name, count, settings = UPDATES[update]
    generator = np.random.default_rng(seed)
    p = np.asarray(generator.standard_normal(shape), np.float32)
    states = [np.zeros(shape, np.float32) for _ in range(count)]
    for _ in range(3):
        g = np.asarray(generator.standard_normal(shape), np.float32)
        getattr(reference, name)(p, g, *padded(update, states), *settings, 0.0, 0.0, 1.0)
    p.reshape(-1)[:1] = 0  # sign(0)
    return p, g, states


def padded(update, states):
    return [*states, None, None] if update == "rmsprop" else states


def check(update, p, g, states, penalties, still=False):
    name, _, settings = UPDATES[update]
    results = []
    for module in (reference, cpu):
        own_p, own_states = p.copy(order="K"), [x.copy() for x in states]
        getattr(module, name)(own_p, g, *padded(update, own_states), *settings, *penalties)
        results.append([own_p, *own_states])
    before = [p, *states]
    assert still == all(np.array_equal(x, y) for x, y in zip(results[0], before, strict=True))
    for expected, got in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("absent", [False, True], ids=["gradient", "no gradient"])
@pytest.mark.parametrize("penalties", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize("update", UPDATES)
def test_updates(update, penalties, absent):
    p, g, states = inputs((41, 53), update)  # two blocks and a rest
    still = absent and update in ("sgd", "adagrad") and penalties == PENALTIES["plain"]
    check(update, p, None if absent else g, states, penalties, still)


@pytest.mark.parametrize("shape", [(), (1,), (1024,), (1031,), (3, 5, 7)])
@pytest.mark.parametrize("update", UPDATES)
def test_shapes(update, shape):
    p, g, states = inputs(shape, update)
    check(update, np.asarray(p + 1, np.float32), g, states, (0.01, 0.02, 1.0))


@pytest.mark.parametrize("update", UPDATES)
def test_arrays_that_are_not_contiguous(update):
    p, g, states = inputs((5, 7), update)
    check(update, p, np.asfortranarray(g), states, (0.0, 0.0, 1.0))
    check(update, np.asfortranarray(p), g, states, (0.0, 0.0, 1.0))


@pytest.mark.parametrize("update", ["adagrad", "rmsprop", "rmsprop-full", "adam"])
def test_gradients_whose_squares_underflow(update):
    """Square roots of zero and of numbers below the normal range."""
    g = np.array([0.0, 1e-19, -1e-20, 1e-22, 1e-30, -1e-38, 1e-45] * 11, np.float32)
    states = [np.zeros_like(g) for _ in range(UPDATES[update][1])]
    check(update, np.ones_like(g), g, states, (0.0, 0.0, 0.5))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("update", UPDATES)
def test_a_bad_gradient_shows(update, bad):
    name, _, settings = UPDATES[update]
    p, g, states = inputs((1031,), update)
    g[1027] = bad
    getattr(cpu, name)(p, g, *padded(update, states), *settings, 0.0, 0.0, 1.0)
    assert np.flatnonzero(~np.isfinite(p)).tolist() == [1027]


@pytest.mark.parametrize("shape", [(0,), (), (1,), (1031,), (41, 53)])
def test_sum_of_squares(shape):
    g = np.asarray(np.random.default_rng(0).standard_normal(shape), np.float32)
    for x in (g, g.T):
        got = cpu.sum_of_squares(x)
        assert (type(got), got.shape, got.dtype) == (np.ndarray, (), np.float64)
        np.testing.assert_allclose(got, reference.sum_of_squares(x), rtol=1e-13)
        np.testing.assert_allclose(got, np.sum(x.astype(np.float64) ** 2), rtol=1e-13)
