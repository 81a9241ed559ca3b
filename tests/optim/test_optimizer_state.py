"""The state of optimisers: saved and restored, refused if it does not fit, and updated by row gradients."""

import json

import numpy as np
import pytest

from seqkit.autograd import RowGradient, Tensor
from seqkit.backend import device_of, to_device, to_numpy
from seqkit.errors import ShapeError, UsageError
from seqkit.optim import SGD, AdaGrad, Adam, AdamW, RMSprop, clip_grad_norm, clip_grad_value, make_optimizer


def run(optimizer, gradients):
    for step in gradients:
        for p, g in zip(optimizer.parameters.values(), step, strict=True):
            p.grad = g
        optimizer.step()


def built(form, leaf, values):
    name, settings = form
    parameters = {"W": leaf(values[0]), "b": leaf(values[1])}
    return parameters, make_optimizer(name, parameters.items(), **settings)


@pytest.fixture
def gradients():
    generator = np.random.default_rng(0)
    return [(generator.standard_normal((2, 3)), generator.standard_normal(5)) for _ in range(7)]


START = (np.ones((2, 3)), np.ones(5))


def test_a_state_loaded_half_way_continues_the_same(form, leaf, gradients):
    whole, uninterrupted = built(form, leaf, START)
    run(uninterrupted, gradients)
    first, optimizer = built(form, leaf, START)
    run(optimizer, gradients[:3])
    arrays, scalars = optimizer.state_dict()
    second, resumed = built(form, leaf, [p.data for p in first.values()])
    resumed.lr = 123.0
    resumed.load_state_dict({k: x.copy() for k, x in arrays.items()}, json.loads(json.dumps(scalars)))
    run(resumed, gradients[3:])
    for name in whole:
        np.testing.assert_array_equal(second[name].data, whole[name].data)
    assert resumed.state_dict()[1] == uninterrupted.state_dict()[1]


def test_a_begun_average_goes_on(leaf, gradients):
    """Losses, trigger and averages are in the state; a state of other names is refused."""
    form = ("nt-asgd", {"lr": 0.1, "patience": 1})
    whole, uninterrupted = built(form, leaf, START)
    first, optimizer = built(form, leaf, START)
    losses = (3.0, 2.0, 4.0, 5.0)
    for loss, step in zip(losses, gradients[:4], strict=True):
        uninterrupted.observe(loss)
        run(uninterrupted, [step])
    for loss, step in zip(losses[:3], gradients[:3], strict=True):
        optimizer.observe(loss)
        run(optimizer, [step])
    arrays, scalars = optimizer.state_dict()
    second, resumed = built(form, leaf, [p.data for p in first.values()])
    resumed.load_state_dict({k: x.copy() for k, x in arrays.items()}, json.loads(json.dumps(scalars)))
    assert resumed.averaging == optimizer.averaging
    resumed.observe(losses[3])
    run(resumed, gradients[3:4])
    with uninterrupted.averages(), resumed.averages():
        assert uninterrupted.averaging
        for name in whole:
            np.testing.assert_array_equal(second[name].data, whole[name].data)
            assert (second[name].data != first[name].data).any()
    with pytest.raises(UsageError, match=r"scalars do not match; missing \['before', 'losses'\]"):
        resumed.load_state_dict(arrays, {"lr": 1.0, "steps": scalars["steps"]})
    with pytest.raises(UsageError, match="expected losses as numbers"):
        resumed.load_state_dict(arrays, {**scalars, "losses": ["x"]})


@pytest.mark.parametrize("name", ["momentum", "adagrad", "rmsprop", "adam"])
def test_a_lost_state_is_noticed(name, leaf, gradients):
    """The test above can fail: without the state the same steps lead elsewhere."""
    whole, uninterrupted = built((name, {"lr": 0.1}), leaf, START)
    run(uninterrupted, gradients)
    first, optimizer = built((name, {"lr": 0.1}), leaf, START)
    run(optimizer, gradients[:3])
    second, fresh = built((name, {"lr": 0.1}), leaf, [p.data for p in first.values()])
    run(fresh, gradients[3:])
    assert np.abs(second["W"].data - whole["W"].data).max() > 1e-3


@pytest.mark.parametrize(
    ("make", "slots"),
    [
        (lambda p: SGD(p, lr=1.0), []),
        (lambda p: SGD(p, lr=1.0, momentum=0.5), ["momentum"]),
        (lambda p: AdaGrad(p), ["sum_of_squares"]),
        (lambda p: RMSprop(p), ["mean_square"]),
        (lambda p: RMSprop(p, centered=True, momentum=0.5), ["mean_square", "mean", "momentum"]),
        (lambda p: AdamW(p), ["m", "v"]),
    ],
    ids=["sgd", "momentum", "adagrad", "rmsprop", "rmsprop-full", "adamw"],
)
def test_names_of_the_arrays(make, slots, leaf):
    optimizer = make([("a.W", leaf([1.0], [1.0])), ("b", leaf([1.0]))])
    optimizer.step()
    arrays, scalars = optimizer.state_dict()
    assert list(arrays) == [f"{slot}.a.W" for slot in slots]
    assert scalars == {"lr": optimizer.lr, "steps": {"a.W": 1, "b": 0}}


def test_loading_copies(leaf):
    optimizer = SGD([leaf([1.0], [1.0])], lr=1.0, momentum=0.5)
    given = np.array([4.0])
    optimizer.load_state_dict({"momentum.0": given}, {"lr": 1.0, "steps": {"0": 1}})
    optimizer.step()
    assert given.tolist() == [4.0]
    assert optimizer.state_dict()[0]["momentum.0"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("arrays", "scalars", "error", "message"),
    [
        ({}, {"steps": {"W": 1}}, UsageError, r"scalars do not match; missing \['lr'\], extra \[\]"),
        ({}, {"lr": 1, "steps": {"V": 0}}, UsageError, r"missing \['W'\], extra \['V'\]"),
        (
            {"m.W": np.zeros(3), "s.W": np.zeros(3)},
            {"lr": 1, "steps": {"W": 1}},
            UsageError,
            r"Adam state: arrays do not match; missing \['v.W'\], extra \['s.W'\]; load the state of the",
        ),
        ({"m.W": np.zeros(3)}, {"lr": 1, "steps": {"W": 0}}, UsageError, r"missing \[\], extra \['m.W'\]"),
        (
            {"m.W": np.zeros(3), "v.W": np.zeros(4)},
            {"lr": 1, "steps": {"W": 1}},
            ShapeError,
            r"Adam state: v.W is float64 \(4,\), the parameter float64 \(3,\)",
        ),
        (
            {"m.W": np.zeros(3, np.float32), "v.W": np.zeros(3)},
            {"lr": 1, "steps": {"W": 1}},
            ShapeError,
            r"m.W is float32 \(3,\), the parameter float64 \(3,\)",
        ),
    ],
    ids=["scalars", "parameters", "arrays", "never-updated", "shape", "dtype"],
)
def test_a_state_that_does_not_fit_changes_nothing(arrays, scalars, error, message, leaf):
    optimizer = Adam([("W", leaf([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]))])
    optimizer.step()
    kept = {k: x.copy() for k, x in optimizer.state_dict()[0].items()}
    counted = optimizer.state_dict()[1]
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(arrays, scalars)
    assert optimizer.state_dict()[1] == counted
    for key, x in optimizer.state_dict()[0].items():
        np.testing.assert_array_equal(x, kept[key])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: SGD(p, lr=-1.0), "SGD: expected lr to be finite and at least 0, got -1.0"),
        (lambda p: SGD(p, lr=float("nan")), "expected lr to be finite"),
        (
            lambda p: SGD(p, lr=1.0, weight_decay=-1),
            "expected weight_decay to be finite and at least 0, got -1",
        ),
        (lambda p: SGD(p, lr=1.0, momentum=1.0), r"expected momentum to be in \[0, 1\), got 1.0"),
        (lambda p: SGD(p, lr=1.0, nesterov=True), "expected a momentum above 0 with nesterov, got 0"),
        (lambda p: Adam(p, betas=(0.9, 1.5)), r"Adam: expected beta2 to be in \[0, 1\), got 1.5"),
        (lambda p: AdamW(p, eps=0.0), "AdamW: expected eps to be finite and above 0, got 0.0"),
        (lambda p: SGD(p, lr=1.0, rows="sparse"), "expected rows to be 'dense' or 'lazy', got 'sparse'"),
        (lambda p: SGD([], lr=1.0), "SGD: expected parameters, got none"),
        (lambda p: SGD(p[0], lr=1.0), "got one Tensor"),
        (lambda p: SGD([np.ones(3)], lr=1.0), "expected parameter '0' to be a Tensor, got ndarray"),
        (lambda p: SGD([("y", p[0] * 2)], lr=1.0), "parameter 'y' is the result of multiply"),
        (
            lambda p: SGD([("W", p[0]), ("W", Tensor(1.0))], lr=1.0),
            "two different parameters are called 'W'",
        ),
        (
            lambda p: make_optimizer("adm", p),
            "no optimizer 'adm'; choose one of sgd, momentum, nesterov",
        ),
        (lambda p: make_optimizer("adam", p, mu=1), "optimizer 'adam' has no setting mu; it takes lr, betas"),
        (lambda p: make_optimizer("sgd", p), "optimizer 'sgd' needs lr"),
    ],
)
def test_settings_out_of_range(make, message, leaf):
    with pytest.raises(UsageError, match=message):
        make([leaf([1.0])])


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (np.zeros(4), r"the gradient of 'W' has shape \(4,\), the parameter \(3,\)"),
        (np.zeros(3, np.float32), "the gradient of 'W' is float32, the parameter float64"),
    ],
)
def test_a_gradient_that_does_not_fit(gradient, message, leaf):
    p = leaf([1.0, 2.0, 3.0])
    p.grad = gradient
    with pytest.raises(ShapeError, match=message):
        SGD([("W", p)], lr=1.0).step()


def test_repr_shows_the_settings(leaf):
    shown = repr(make_optimizer("nesterov", [leaf([1.0])], lr=0.5))
    assert shown.startswith("SGD(1 parameters, lr=0.5, momentum=0.9, nesterov=True, weight_decay=0.0")


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


@pytest.fixture
def steps(row_gradient):
    """Four pairs of gradients, for an embedding matrix and for a vector."""
    generator = np.random.default_rng(0)
    return [(row_gradient(generator, (7, 3)), generator.standard_normal(5)) for _ in range(4)]


def train(where, form, steps, rows):
    name, settings = form
    generator = np.random.default_rng(1)
    W, b = (
        Tensor(to_device(generator.standard_normal(s), where), requires_grad=True) for s in [(7, 3), (5,)]
    )
    optimizer = make_optimizer(
        name, {"W": W, "b": b}.items(), rows=rows, l1=0.01, **({"weight_decay": 0.1} | settings)
    )
    norms = []
    for dW, db in steps:
        W.grad = RowGradient(
            to_device(dW.rows.copy(), where), to_device(dW.values.copy(), where), tuple(dW.shape)
        )
        b.grad = to_device(db.copy(), where)
        norms.append(clip_grad_norm([W, b], 1.0))
        clip_grad_value([W, b], 0.5)
        optimizer.step()
    return [W.data, b.data, *norms], optimizer


@pytest.mark.parametrize("rows", ["dense", "lazy"])
def test_steps_agree_with_the_cpu(form, rows, steps, gpu):
    expected, _ = train("cpu", form, steps, rows)
    got, optimizer = train(gpu, form, steps, rows)
    for x, y in zip(got, expected, strict=True):
        assert str(device_of(x)) == gpu
        np.testing.assert_allclose(to_numpy(x), y, rtol=1e-12)
    assert {str(device_of(x)) for x in optimizer.state_dict()[0].values()} <= {gpu}


def test_a_state_moves_between_devices(form, steps, gpu):
    _, on_cpu = train("cpu", form, steps, "dense")
    _, on_gpu = train(gpu, form, steps[:1], "dense")
    arrays, scalars = on_cpu.state_dict()
    on_gpu.load_state_dict(arrays, scalars)
    for key, x in on_gpu.state_dict()[0].items():
        assert str(device_of(x)) == gpu
        np.testing.assert_array_equal(to_numpy(x), arrays[key])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_shows(bad, gpu):
    p = Tensor(to_device(np.zeros(2), gpu), requires_grad=True)
    p.grad = to_device(np.array([1.0, bad]), gpu)
    assert not np.isfinite(to_numpy(clip_grad_norm([p], 1.0)))
    assert np.isnan(to_numpy(p.grad)).any()
