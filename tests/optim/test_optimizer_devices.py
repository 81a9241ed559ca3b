"""The same steps on another device: the strict stand-in for a GPU array, and CuPy where a GPU is at hand."""

import numpy as np
import pytest

from seqkit.autograd import RowGradient, Tensor
from seqkit.backend import device_of, to_device, to_numpy
from seqkit.optim import clip_grad_norm, clip_grad_value, make_optimizer


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
