"""Updates by row gradients, for each optimiser."""

import numpy as np
import pytest

from seqkit.autograd import RowGradient
from seqkit.optim import SGD, AdaGrad, make_optimizer

SHAPE = (7, 3)
PENALTIES = [{}, {"weight_decay": 0.1, "l1": 0.01}]


def state_of(optimizer):
    return optimizer.state_dict()[0]


@pytest.mark.parametrize("penalties", PENALTIES, ids=["plain", "penalties"])
def test_dense_is_exactly_a_dense_gradient(form, penalties, leaf, row_gradient):
    name, settings = form
    generator = np.random.default_rng(0)
    by_rows, dense = (leaf(np.random.default_rng(1).standard_normal(SHAPE)) for _ in range(2))
    optimizers = [make_optimizer(name, [p], **(settings | penalties)) for p in (by_rows, dense)]
    for _ in range(5):
        by_rows.grad = row_gradient(generator, SHAPE)
        dense.grad = by_rows.grad.to_dense()
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_array_equal(by_rows.data, dense.data)
    for key, x in state_of(optimizers[0]).items():
        np.testing.assert_array_equal(x, state_of(optimizers[1])[key], err_msg=key)


@pytest.mark.parametrize("penalties", PENALTIES, ids=["plain", "penalties"])
def test_dense_in_float32(form, penalties, leaf, row_gradient):
    """A matrix longer than a block of the compiled kernels, and not a multiple of it."""
    name, settings = form
    shape = (607, 5)
    generator = np.random.default_rng(0)
    start = generator.standard_normal(shape)
    by_rows, dense = leaf(start, dtype=np.float32), leaf(start, dtype=np.float32)
    optimizers = [make_optimizer(name, [p], **(settings | penalties)) for p in (by_rows, dense)]
    for _ in range(3):
        by_rows.grad = row_gradient(generator, shape, np.float32)
        dense.grad = by_rows.grad.to_dense()
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_allclose(by_rows.data, dense.data, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("penalties", PENALTIES, ids=["plain", "penalties"])
def test_lazy_is_an_optimizer_of_those_rows_alone(form, penalties, leaf):
    name, settings = form
    generator = np.random.default_rng(0)
    start = generator.standard_normal(SHAPE)
    rows = np.array([1, 4])
    whole, part = leaf(start), leaf(start[rows])
    lazy = make_optimizer(name, [whole], rows="lazy", **(settings | penalties))
    alone = make_optimizer(name, [part], **(settings | penalties))
    for _ in range(5):
        part.grad = generator.standard_normal((2, 3))
        whole.grad = RowGradient(rows, part.grad.copy(), SHAPE)
        lazy.step()
        alone.step()
    others = np.setdiff1d(np.arange(7), rows)
    np.testing.assert_array_equal(whole.data[rows], part.data)
    np.testing.assert_array_equal(whole.data[others], start[others])
    for key, x in state_of(lazy).items():
        np.testing.assert_array_equal(x[rows], state_of(alone)[key])
        assert not x[others].any()


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "adamw"])
def test_a_row_coasts_when_dense_and_rests_when_lazy(name, leaf):
    moved = {}
    for rows in ("dense", "lazy"):
        p = leaf(np.zeros((2, 1)))
        optimizer = make_optimizer(name, [p], lr=0.1, rows=rows)
        p.grad = RowGradient(np.array([0]), np.ones((1, 1)), (2, 1))
        optimizer.step()
        before = p.data[0, 0]
        p.grad = RowGradient(np.array([1]), np.ones((1, 1)), (2, 1))
        optimizer.step()
        moved[rows] = p.data[0, 0] - before
    assert moved["dense"] < 0
    assert moved["lazy"] == 0


@pytest.mark.parametrize("make", [SGD, AdaGrad])
@pytest.mark.parametrize("rows", ["dense", "lazy"])
def test_other_rows_are_not_visited(make, rows, leaf, monkeypatch):
    """No update runs over anything but the row that has a gradient, whichever ``rows`` is."""
    p = leaf([[1.0], [np.nan], [2.0]])
    optimizer = make([p], lr=0.5, rows=rows)
    visited = []
    update = optimizer._update
    monkeypatch.setattr(optimizer, "_update", lambda p, *rest: (visited.append(p.shape), update(p, *rest)))
    p.grad = RowGradient(np.array([0]), np.ones((1, 1)), (3, 1))
    optimizer.step()
    assert visited == [(1, 1)]
    np.testing.assert_allclose(p.data, [[0.5], [np.nan], [2.0]], rtol=1e-9)


def test_no_rows_at_all(form, leaf):
    """A batch of nothing but other words: a zero gradient."""
    name, settings = form
    by_rows, dense = leaf(np.ones((2, 3)), np.ones((2, 3))), leaf(np.ones((2, 3)), np.ones((2, 3)))
    optimizers = [make_optimizer(name, [p], **settings) for p in (by_rows, dense)]
    for _ in range(2):
        for optimizer in optimizers:
            optimizer.step()
        by_rows.grad = RowGradient(np.zeros(0, np.int64), np.zeros((0, 3)), (2, 3))
        dense.grad = np.zeros((2, 3))
    np.testing.assert_array_equal(by_rows.data, dense.data)
