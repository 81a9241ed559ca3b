"""Image classifiers: their layers, their input, and that they learn."""

import json
from typing import Any

import numpy as np
import pytest

from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models import (
    MLP,
    DeepConvNet,
    DeepConvNetConfig,
    MLPConfig,
    SimpleConvNet,
    SimpleConvNetConfig,
    image_config,
    make_image_model,
)
from seqkit.models.images import IMAGE_MODELS
from seqkit.optim import Adam

SMALL = {"height": 8, "width": 10, "channels": 2, "classes": 3}


def made(name: str, **settings: Any) -> Any:
    return make_image_model(image_config(name, **(SMALL | settings)), generator=0)


def pictures(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 8, 10, 2)).astype(np.float32)


def test_shapes_of_the_textbooks_networks() -> None:
    """'Deep Learning from Scratch', figures 7-23 and 8-1: 28 by 28 pixels, 10 classes."""
    simple = SimpleConvNet(SimpleConvNetConfig(), generator=0)
    assert [p.shape for p in simple.parameters()] == [
        *((30, 5, 5, 1), (30,), (100, 12 * 12 * 30), (100,), (10, 100), (10,)),
    ]
    deep = DeepConvNet(DeepConvNetConfig(), generator=0)
    assert [conv.weight.shape for conv in deep.convs] == [
        *((16, 3, 3, 1), (16, 3, 3, 16), (32, 3, 3, 16), (32, 3, 3, 32), (64, 3, 3, 32), (64, 3, 3, 64)),
    ]
    assert [conv.padding for conv in deep.convs] == [1, 1, 1, 2, 1, 1]
    assert deep.hidden.weight.shape == (50, 4 * 4 * 64)
    mlp = MLP(MLPConfig(hidden=(50, 30)), generator=0)
    assert [layer.weight.shape for layer in (*mlp.layers, mlp.output)] == [(50, 784), (30, 50), (10, 30)]


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_a_config_goes_through_json(name: str) -> None:
    config = image_config(name, weight_init=0.02, height=8)
    assert image_config(name, **json.loads(json.dumps(config.to_dict()))) == config
    assert type(make_image_model(config, generator=0)) is IMAGE_MODELS[name][1]


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_it_overfits_a_tiny_batch(name: str) -> None:
    model = made(name)
    images, labels = pictures(8), np.array([0, 1, 2, 0, 1, 2, 2, 1])
    optimizer, generator = Adam(model.named_parameters(), lr=0.01), Generator(1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model.loss(images, labels, generator=generator)
        loss.backward()
        optimizer.step()
    assert model.training
    log_probs = model.log_probs(images)
    assert -log_probs[np.arange(8), labels].mean() < 0.05
    np.testing.assert_array_equal(model.predict(images), labels)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-5)
    assert model.training


def test_starting_weights() -> None:
    shapes = {"height": 28, "width": 28}
    for init, std in (
        ("he", np.sqrt(2 / 784)),
        ("xavier", np.sqrt(2 / 884)),
        ("std", 0.01),
        (0.3, 0.3),
        (0.0, 0),
    ):
        model: Any = make_image_model(
            image_config("mlp", hidden=[100], weight_init=init, **shapes), generator=0
        )
        np.testing.assert_allclose(model.layers[0].weight.data.std(), std, rtol=0.02)
        assert not model.layers[0].bias.data.any()
    deep: Any = make_image_model(image_config("deep-cnn", weight_init="he", **shapes), generator=0)
    np.testing.assert_allclose(deep.convs[-1].weight.data.std(), np.sqrt(2 / (9 * 64)), rtol=0.02)
    np.testing.assert_allclose(deep.convs[4].weight.data.std(), np.sqrt(2 / (9 * 32)), rtol=0.02)


def test_images_of_any_usual_shape() -> None:
    model = make_image_model(image_config("simple-cnn", height=8, width=10), generator=0)
    images = pictures(3)[..., :1]
    scores = model(images).numpy()
    for same in (images[..., 0], images.reshape(3, 80), images.astype(np.float64)):
        np.testing.assert_allclose(model(same).numpy(), scores, rtol=1e-6)
    with pytest.raises(ShapeError, match=r"expected images to be \(B, 8, 10, 1\), got \(3, 10, 8\)"):
        model(images[..., 0].transpose(0, 2, 1))
    with pytest.raises(UsageError, match="expected images to be floating-point numbers, got uint8"):
        model.predict(np.zeros((3, 8, 10), np.uint8))


def test_dropout_and_batch_norm_are_for_training() -> None:
    model = made("mlp", batch_norm=True, dropout=0.5, hidden=(50,))
    images = pictures(5)
    with pytest.raises(UsageError, match="generator"):
        model.loss(images, np.zeros(5, int))
    losses = {model.loss(images, np.zeros(5, int), generator=Generator(s)).item() for s in range(3)}
    assert len(losses) == 3
    model.eval()
    together = model(images).numpy()
    np.testing.assert_allclose(model(images[:1]).numpy(), together[:1], rtol=1e-5, atol=1e-6)
    assert len(model.activations(Tensor(images))) == 1


def test_the_deep_network_does_not_drop_scores() -> None:
    """The textbook's does. With one class left out of a softmax, a loss would jump."""
    model = made("deep-cnn", weight_init=0.0)
    loss = model.loss(pictures(4), np.zeros(4, int), generator=Generator(1)).item()
    np.testing.assert_allclose(loss, np.log(3), rtol=1e-6)


def test_moved_to_another_device(gpu: str) -> None:
    model = made("mlp", batch_norm=True)
    images = pictures(3)
    expected = model.log_probs(images)
    np.testing.assert_allclose(model.to(gpu).log_probs(images), expected, rtol=1e-5)
    assert model.predict(images).tolist() == expected.argmax(axis=1).tolist()


def test_errors() -> None:
    with pytest.raises(UsageError, match="expected model to be one of mlp, simple-cnn, deep-cnn, got 'cnn'"):
        image_config("cnn")
    with pytest.raises(UsageError, match="mlp has no setting filters; use height"):
        image_config("mlp", filters=3)
    with pytest.raises(
        UsageError, match="expected weight_init to be one of he, xavier, std, or a deviation, got 'glorot'"
    ):
        MLPConfig(weight_init="glorot")
    with pytest.raises(UsageError, match="expected activation to be one of relu, sigmoid, tanh"):
        MLPConfig(activation="gelu")
    with pytest.raises(UsageError, match="expected classes to be at least 1"):
        SimpleConvNetConfig(classes=0)
    with pytest.raises(UsageError, match="expected filters to be three numbers"):
        DeepConvNetConfig(filters=(3, 5))
    with pytest.raises(UsageError, match="images of 5 by 9 are too small for SimpleConvNet: 1 by 5 is left"):
        SimpleConvNet(SimpleConvNetConfig(height=5, width=9), generator=0)
    with pytest.raises(UsageError, match="images of 3 by 9 are too small for DeepConvNet"):
        DeepConvNet(DeepConvNetConfig(height=3, width=9), generator=0)
