"""Updates worked out on paper; the numbers are exact in binary where nothing else is said."""

import numpy as np
import pytest

from seqkit.autograd import Tensor
from seqkit.optim import SGD, AdaGrad, Adam, AdamW, AveragedSGD, RMSprop, make_optimizer


def descend(optimizer, p, steps):
    """The values of p after each step on f(p) = p² / 2, whose gradient is p."""
    values = []
    for _ in range(steps):
        p.grad = p.data.copy()
        optimizer.step()
        values.append(p.item())
    return values


def test_sgd(leaf):
    p = leaf([1.0])
    assert descend(SGD([p], lr=0.25), p, 2) == [3 / 4, 9 / 16]


def test_momentum(leaf):
    p = leaf([1.0])  # b = 1, p = 1/2; b = 1/2 + 1/2 = 1, p = 0; b = 1/2, p = -1/4
    assert descend(SGD([p], lr=0.5, momentum=0.5), p, 3) == [1 / 2, 0, -1 / 4]


def test_nesterov_steps_along_the_updated_momentum(leaf):
    p = leaf([1.0])
    # b = 1, step along 1 + 1/2: p = 1 - 3/4; then b = 1/2 + 1/4, step along 1/4 + 3/8: p = 1/4 - 5/16
    assert descend(SGD([p], lr=0.5, momentum=0.5, nesterov=True), p, 2) == [1 / 4, -1 / 16]


def test_nesterov_is_the_gradient_at_the_point_looked_ahead_to(leaf):
    """Sutskever et al.: v ← μv - lr·f'(θ + μv), θ ← θ + v. Ours stores θ + μv."""
    lr, mu, theta, v = 0.3, 0.8, 2.0, 0.0
    p = leaf([theta])
    optimizer = SGD([p], lr=lr, momentum=mu, nesterov=True)
    for _ in range(10):
        v = mu * v - lr * np.sin(theta + mu * v)
        theta += v
        p.grad = np.sin(p.data)
        optimizer.step()
        assert p.item() == pytest.approx(theta + mu * v, rel=1e-12)


def test_adagrad(leaf):
    p = leaf([0.0], [3.0])
    optimizer = AdaGrad([p], lr=2.0)
    optimizer.step()
    assert p.item() == pytest.approx(-2.0, rel=1e-9)  # √9 = 3
    p.grad = np.array([-4.0])
    optimizer.step()
    assert p.item() == pytest.approx(-2.0 + 2 * 4 / 5, rel=1e-9)  # √(9 + 16) = 5


def test_rmsprop(leaf):
    p = leaf([0.0], [2.0])
    optimizer = RMSprop([p], lr=1.0, alpha=0.75, eps=1e-12)
    optimizer.step()
    assert p.item() == pytest.approx(-2.0, rel=1e-9)  # s = 4/4
    p.grad = np.array([1.0])
    optimizer.step()
    assert p.item() == pytest.approx(-3.0, rel=1e-9)  # s = 3/4 + 1/4


def test_centered_rmsprop_divides_by_the_standard_deviation(leaf):
    p = leaf([0.0], [2.0])
    RMSprop([p], lr=1.0, alpha=0.5, eps=1e-12, centered=True).step()
    assert p.item() == pytest.approx(-2.0, rel=1e-9)  # s = 2, a = 1, √(2 - 1) = 1


def test_centered_rmsprop_survives_a_variance_rounded_below_zero(leaf):
    p = leaf([0.0, 0.0], [0.1, 1e5], np.float32)
    optimizer = RMSprop([p], lr=1e-6, alpha=0.5, eps=1.0, centered=True)
    for _ in range(100):
        optimizer.step()
    assert np.isfinite(p.data).all()


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_adam_with_a_constant_gradient_steps_by_lr(leaf, size):
    p = leaf([0.0, 0.0], [size, -size])  # the corrected moments are g and g² from the first step on
    optimizer = Adam([p], lr=0.125, eps=1e-20)
    for t in range(1, 4):
        optimizer.step()
        np.testing.assert_allclose(p.data, [-0.125 * t, 0.125 * t], rtol=1e-12)


def test_l2_joins_the_gradient(leaf):
    p = leaf([2.0], [1.0])
    SGD([p], lr=0.5, weight_decay=0.25).step()
    assert p.item() == 2 - 0.5 * (1 + 0.25 * 2)


def test_l1_adds_the_sign(leaf):
    p = leaf([2.0, -2.0, 0.0], [0.0, 0.0, 0.0])
    SGD([p], lr=0.5, l1=0.25).step()
    assert p.data.tolist() == [1.875, -1.875, 0.0]


def test_decoupled_decay_does_not_go_through_the_moments(leaf):
    coupled, decoupled = leaf([2.0], [0.0]), leaf([2.0], [0.0])
    Adam([coupled], lr=0.125, weight_decay=0.5, eps=1e-20).step()
    AdamW([decoupled], lr=0.125, weight_decay=0.5).step()
    assert coupled.item() == pytest.approx(2 - 0.125, rel=1e-12)  # scaled to lr, whatever the decay
    assert decoupled.item() == 2 * (1 - 0.125 * 0.5)


def test_decoupled_decay_of_sgd_stays_out_of_the_momentum(leaf):
    p = leaf([2.0], [1.0])
    optimizer = SGD([p], lr=0.5, momentum=0.5, weight_decay=0.25, decoupled=True)
    optimizer.step()
    assert p.item() == 2 * 0.875 - 0.5
    assert optimizer.state_dict()[0]["momentum.0"].tolist() == [1.0]


def test_decay_applies_where_the_predicate_says(leaf):
    W, b = leaf([[2.0]], [[0.0]]), leaf([2.0], [0.0])
    SGD([("W", W), ("b", b)], lr=0.5, weight_decay=0.5, l1=0.5, decay=lambda name, p: p.ndim > 1).step()
    assert (W.item(), b.item()) == (2 - 0.5 * (1 + 0.5), 2.0)


def test_the_rate_of_the_moment_counts(leaf):
    p = leaf([1.0], [1.0])
    optimizer = SGD([p], lr=1.0)
    optimizer.lr = 0.25
    optimizer.step()
    assert p.item() == 0.75


def test_tied_parameters_move_once(form, leaf):
    name, settings = form
    once, tied = leaf([1.0, -2.0], [0.5, 0.25]), leaf([1.0, -2.0], [0.5, 0.25])
    make_optimizer(name, [("a", once)], **settings).step()
    optimizer = make_optimizer(name, [("a", tied), ("b", tied)], **settings)
    optimizer.step()
    assert list(optimizer.parameters) == ["a"]
    np.testing.assert_array_equal(tied.data, once.data)


def test_gradients_are_read_not_written(form, leaf):
    name, settings = form
    p = leaf([1.0, -2.0], [0.5, 0.25])
    make_optimizer(name, [p], **settings, l1=0.5).step()
    assert p.grad.tolist() == [0.5, 0.25]


def test_a_parameter_without_gradient_rests(form, leaf):
    name, settings = form
    still, moving = leaf([1.0]), leaf([1.0], [1.0])
    optimizer = make_optimizer(name, [("still", still), ("moving", moving)], **settings)
    optimizer.step()
    assert still.item() == 1.0
    assert moving.item() < 1.0
    assert optimizer.state_dict()[1]["steps"] == {"still": 0, "moving": 1}


def test_zero_grad_forgets_gradients(leaf):
    p = leaf([1.0], [1.0])
    SGD([p], lr=1.0).zero_grad()
    assert p.grad is None


def test_a_parameter_without_axes_takes_numpys_scalar_gradient(leaf):
    p = leaf(3.0)
    p.grad = np.float64(1.0)
    SGD([p], lr=0.5).step()
    assert p.data.shape == ()
    assert p.item() == 2.5


def test_a_diverging_step_gives_infinities_and_no_warning(form, leaf):
    # RMSprop's parameter stands still, its mean square being infinite: as in PyTorch
    name, settings = form
    p = leaf([1e30], [1e30], np.float32)
    optimizer = make_optimizer(name, [p], **settings)
    optimizer.lr = 1e30
    for _ in range(3):
        optimizer.step()
    arrays = [p.data, *optimizer.state_dict()[0].values()]
    assert not all(np.isfinite(x).all() for x in arrays)


def test_parameters_stay_the_same_arrays(form):
    name, settings = form
    data = np.ones(3, np.float32)
    p = Tensor(data, requires_grad=True)
    p.grad = np.ones(3, np.float32)
    make_optimizer(name, [p], **settings).step()
    assert p.data is data
    assert (data < 1).all()


def averaged(leaf, losses, patience):
    """An optimiser that steps once after each loss, its parameter, and all values of it."""
    p = leaf([1.0])
    optimizer = AveragedSGD([("p", p)], lr=0.5, patience=patience)
    values, begun = [], None
    for loss in losses:
        optimizer.observe(loss)
        if optimizer.averaging and begun is None:
            begun = len(values)
        values += descend(optimizer, p, 1)
    return optimizer, p, values, begun


@pytest.mark.parametrize(
    ("losses", "patience", "begun"),
    [
        ([5, 4, 3, 2, 1, 0], 0, None),
        ([5, 4, 4.5, 1], 0, 2),
        ([5, 4, 4, 1], 0, None),  # above, not equal
        ([5, 4, 6, 4.5, 3.9, 3], 2, None),  # when 6 and 4.5 came, 4 was not further back than two
        ([5, 4, 4.5, 4.2, 4.1], 1, 3),
        ([5, 3, 4, 4, 4, 4], 2, 4),
        ([5, float("nan")], 0, 1),
    ],
)
def test_averaging_begins_as_in_algorithm_1_of_merity(leaf, losses, patience, begun):
    assert averaged(leaf, losses, patience)[3] == begun


def test_the_average_is_of_all_steps_since(leaf):
    optimizer, p, values, begun = averaged(leaf, [5, 4, 3, 6, 6, 6, 6], 1)
    assert begun == 3
    with optimizer.averages():
        assert p.item() == pytest.approx(np.mean(values[begun:]), rel=1e-12)
        with optimizer.weights():  # as a checkpoint within a validation needs them
            assert p.item() == values[-1]
            assert optimizer.state_dict()[0]["average.p"].item() == pytest.approx(np.mean(values[begun:]))
        with optimizer.averages():
            assert p.item() == pytest.approx(np.mean(values[begun:]), rel=1e-12)
    assert p.item() == values[-1]


def test_before_the_trigger_the_weights_are_their_own_average(leaf):
    optimizer, p, values, _ = averaged(leaf, [5, 4, 3], 1)
    with optimizer.averages():
        assert p.item() == values[-1]
        optimizer.observe(9.0)  # the trigger, at the end of a validation
    assert optimizer.averaging
    with optimizer.averages():
        assert p.item() == values[-1]


def test_averages_are_of_every_row(leaf, row_gradient):
    """Rows without a gradient count as they stand, as they do with a dense one."""
    generator, tables = np.random.default_rng(1), {}
    gradients = [row_gradient(generator, (6, 3)) for _ in range(4)]
    for kind in ("rows", "dense"):
        p = leaf(np.ones((6, 3)))
        optimizer = AveragedSGD([p], lr=0.1, patience=0, weight_decay=0.1)
        optimizer.observe(1.0)
        optimizer.observe(2.0)
        for gradient in gradients:
            p.grad = gradient if kind == "rows" else gradient.to_dense()
            optimizer.step()
        with optimizer.averages():
            tables[kind] = p.data.copy()
    np.testing.assert_allclose(tables["rows"], tables["dense"], rtol=1e-12)
