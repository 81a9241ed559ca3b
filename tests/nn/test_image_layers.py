"""Layers for images, and the buffers of BatchNorm."""

from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.errors import RunError


def test_convolution_layer() -> None:
    layer = nn.Conv2d(3, 5, (2, 3), stride=2, padding=1, generator=Generator(1))
    x = Generator(2).normal((2, 7, 11, 3))
    assert (layer.weight.shape, layer.bias.shape) == ((5, 2, 3, 3), (5,))
    assert np.abs(layer.weight.data).max() <= 1 / np.sqrt(18)
    y = layer(Tensor(x))
    expected = ops.conv2d(x, layer.weight, layer.bias, stride=2, padding=1).numpy()
    np.testing.assert_array_equal(y.numpy(), expected)
    np.testing.assert_array_equal(layer(Tensor(x), relu=True).numpy(), np.maximum(expected, 0))
    assert [
        name for name, _ in nn.Conv2d(1, 2, 3, bias=False, generator=Generator(1)).named_parameters()
    ] == ["weight"]


def test_filters_to_look_at() -> None:
    layer = nn.Conv2d(1, 2, 2, generator=Generator(1))
    layer.weight.data[...] = np.array([[-1, 0, 1, 3], [5, 5, 5, 5]], np.float32).reshape(2, 2, 2, 1)
    assert layer.filters()[..., 0].tolist() == [[[0, 0.25], [0.5, 1]], [[0, 0], [0, 0]]]


def test_pooling_layers_have_no_parameters() -> None:
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    for layer, expected in (
        (nn.MaxPool2d(2), [[5, 7], [13, 15]]),
        (nn.AveragePool2d(2), [[2.5, 4.5], [10.5, 12.5]]),
        (nn.MaxPool2d(2, stride=3), [[5]]),
    ):
        assert layer(Tensor(x)).numpy()[0, :, :, 0].tolist() == expected
        assert layer.parameter_count() == 0


def test_running_statistics_by_hand() -> None:
    """Batches (0, 2), then (4, 8): means 1, 6, unbiased variances 2, 8; momentum ½ from 0 and 1."""
    layer = nn.BatchNorm(1, momentum=0.5)
    layer(Tensor(np.array([[0], [2]], np.float32)))
    assert (layer.running_mean.item(), layer.running_var.item()) == (0.5, 1.5)
    layer(Tensor(np.array([[4], [8]], np.float32)))
    assert (layer.running_mean.item(), layer.running_var.item()) == (3.25, 4.75)
    layer.eval()
    layer(Tensor(np.array([[100], [200]], np.float32)))
    assert (layer.running_mean.item(), layer.running_var.item()) == (3.25, 4.75)


def test_training_and_evaluation() -> None:
    layer = nn.BatchNorm(3)
    x = Generator(1).normal((5, 3))
    alone = layer.eval()(Tensor(x[:1])).numpy()
    np.testing.assert_array_equal(layer(Tensor(x)).numpy()[:1], alone)  # the batch does not matter
    np.testing.assert_allclose(alone, x[:1] / np.sqrt(1 + 1e-5), rtol=1e-6)  # mean 0, variance 1 so far
    np.testing.assert_allclose(layer.train()(Tensor(x)).numpy().mean(axis=0), 0, atol=1e-6)


def test_running_statistics_meet_those_of_the_data() -> None:
    random = np.random.default_rng(4)
    layer = nn.BatchNorm(2)
    with no_grad():
        for _ in range(200):
            layer(Tensor((random.standard_normal((64, 3, 3, 2)) * [1, 3] + [5, -2]).astype(np.float32)))
    np.testing.assert_allclose(layer.running_mean.numpy(), [5, -2], atol=0.1)
    np.testing.assert_allclose(layer.running_var.numpy(), [1, 9], rtol=0.05)


def test_against_torch(random: np.random.Generator) -> None:
    """A few steps of training, then evaluation: results and running statistics."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
    ours, theirs = nn.BatchNorm(3).astype(np.float64), torch.nn.BatchNorm2d(3, dtype=torch.float64)
    for step in range(4):
        x = random.standard_normal((5, 2, 7, 3)) * 2 + 1
        if step == 3:
            ours.eval()
            theirs.eval()
        expected = theirs(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).detach().numpy()
        np.testing.assert_allclose(ours(Tensor(x)).numpy(), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(ours.running_mean.numpy(), theirs.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.running_var.numpy(), theirs.running_var.numpy(), rtol=1e-12)


class Normalised(nn.Module):
    def __init__(self) -> None:
        self.norms = [nn.BatchNorm(3), nn.BatchNorm(3)]
        self.weight = nn.Parameter(np.ones((3, 3), np.float32))


def test_buffers_are_saved_and_not_learned() -> None:
    model = Normalised()
    learned = ["weight", "norms.0.weight", "norms.0.bias", "norms.1.weight", "norms.1.bias"]
    kept = [f"norms.{i}.running_{what}" for i in range(2) for what in ("mean", "var")]
    assert [name for name, _ in model.named_parameters()] == learned
    assert [name for name, _ in model.named_buffers()] == kept
    assert list(model.state_dict()) == learned + kept
    assert model.parameter_count() == 9 + 4 * 3
    assert not any(buffer.requires_grad for _, buffer in model.named_buffers())


def test_running_statistics_go_round() -> None:
    model, other = Normalised(), Normalised()
    model.norms[1](Tensor(Generator(1).normal((5, 3))))
    saved = {name: a.copy() for name, a in model.state_dict().items()}
    other.load_state_dict(saved)
    x = Tensor(Generator(2).normal((2, 3)))
    np.testing.assert_array_equal(model.eval().norms[1](x).data, other.eval().norms[1](x).data)
    assert not np.shares_memory(other.norms[1].running_mean.data, saved["norms.1.running_mean"])
    del saved["norms.1.running_mean"]
    with pytest.raises(RunError, match=r"missing \['norms.1.running_mean'\]"):
        other.load_state_dict(saved)


def test_buffers_move_with_the_parameters(gpu: str) -> None:
    layer: Any = nn.BatchNorm(3).to(gpu).astype(np.float64)
    assert layer.running_mean.device == layer.weight.device
    assert layer.running_var.dtype == np.float64
    x = Tensor(Generator(1).normal((5, 3), dtype=np.float64)).to(gpu)
    layer(x)
    y = layer.eval()(x)
    assert y.device == layer.weight.device
    assert str(layer.running_mean).startswith("Buffer(3,)")
    layer.to("cpu")
    assert layer.running_mean.numpy().any()
