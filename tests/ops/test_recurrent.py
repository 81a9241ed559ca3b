"""Padding, direction and state of the whole-sequence ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.errors import ShapeError, UsageError

B, T, I, H = 3, 7, 5, 2  # noqa: E741
LENGTHS = np.array([7, 4, 1])
MASK = np.arange(T)[None, :] < LENGTHS[:, None]


class Layer:
    """An op with weights of its own, so that the tests read alike for the three."""

    def __init__(self, name: str, random: np.random.Generator, dtype: Any) -> None:
        gates, self.states, biases = {"rnn": (1, 1, 1), "gru": (3, 1, 2), "lstm": (4, 2, 1)}[name]
        self.op: Callable[..., Any] = getattr(ops, name)
        shapes = [(gates * H, I), (gates * H, H), *[(gates * H,)] * biases]
        self.weights = [random.standard_normal(shape).astype(dtype) for shape in shapes]
        self.x = random.standard_normal((B, T, I)).astype(dtype)
        self.initial = [random.standard_normal((B, H)).astype(dtype) for _ in range(self.states)]

    def __call__(self, x: Any, initial: Any, mask: Any = None, **settings: Any) -> list[np.ndarray]:
        return [y.numpy() for y in self.op(x, *initial, *self.weights, mask, **settings)]


@pytest.fixture(params=["rnn", "gru", "lstm"])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def layer(name: str, request: pytest.FixtureRequest, random: np.random.Generator) -> Layer:
    return Layer(name, random, request.param)


def close(layer: Layer) -> dict[str, float]:
    return {"rtol": 1e-5, "atol": 1e-6} if layer.x.dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}


@pytest.mark.parametrize("reverse", [False, True])
def test_padded_equals_unpadded(layer: Layer, reverse: bool) -> None:
    """In either direction: same outputs, same last states, and 0 where there is padding."""
    x = layer.x.copy()
    x[~MASK] = 1e3  # whatever stands in the padding must not matter
    outputs = layer(x, layer.initial, MASK, reverse=reverse)
    assert not outputs[0][~MASK].any()
    for i, length in enumerate(LENGTHS):
        alone = layer(x[i : i + 1, :length], [s[i : i + 1] for s in layer.initial], reverse=reverse)
        np.testing.assert_allclose(outputs[0][i, :length], alone[0][0], **close(layer))
        for state, state_alone in zip(outputs[1:], alone[1:], strict=True):
            np.testing.assert_allclose(state[i], state_alone[0], **close(layer))


@pytest.mark.parametrize("reverse", [False, True])
def test_padding_gets_no_gradient(layer: Layer, reverse: bool) -> None:
    x = Tensor(layer.x, requires_grad=True)
    y, *states = layer.op(x, *layer.initial, *layer.weights, MASK, reverse=reverse)
    (y.sum() + states[0].sum()).backward()
    assert not x.grad[~MASK].any()
    assert x.grad[MASK].any(axis=-1).all()


def test_a_sequence_of_padding_keeps_its_state(layer: Layer) -> None:
    mask = MASK.copy()
    mask[1] = False
    outputs = layer(layer.x, layer.initial, mask)
    for state, before in zip(outputs[1:], layer.initial, strict=True):
        np.testing.assert_array_equal(state[1], before[1])


def test_a_full_mask_is_no_mask(layer: Layer) -> None:
    masked, plain = layer(layer.x, layer.initial, np.ones((B, T))), layer(layer.x, layer.initial)
    for a, b in zip(masked, plain, strict=True):
        np.testing.assert_allclose(a, b, **close(layer))


def test_reverse_is_the_sequence_turned_round(layer: Layer) -> None:
    turned = layer(layer.x[:, ::-1], layer.initial)
    reverse = layer(layer.x, layer.initial, reverse=True)
    np.testing.assert_allclose(reverse[0], turned[0][:, ::-1], **close(layer))
    for a, b in zip(reverse[1:], turned[1:], strict=True):
        np.testing.assert_allclose(a, b, **close(layer))


def test_the_last_state_is_the_last_output(layer: Layer) -> None:
    y, h = layer(layer.x, layer.initial)[:2]
    np.testing.assert_array_equal(y[:, -1], h)
    y, h = layer(layer.x, layer.initial, reverse=True)[:2]
    np.testing.assert_array_equal(y[:, 0], h)


def test_two_halves_with_the_state_carried(layer: Layer) -> None:
    whole = layer(layer.x, layer.initial)
    first = layer(layer.x[:, :3], layer.initial)
    second = layer(layer.x[:, 3:], first[1:])
    np.testing.assert_allclose(np.concatenate((first[0], second[0]), axis=1), whole[0], **close(layer))
    for a, b in zip(second[1:], whole[1:], strict=True):
        np.testing.assert_allclose(a, b, **close(layer))


def test_a_kept_state_does_not_change_with_the_next_call(layer: Layer) -> None:
    first = layer(layer.x, layer.initial)
    kept = [y.copy() for y in first]
    layer(layer.x + 1, first[1:])
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_shape_errors(name: str, random: np.random.Generator) -> None:
    layer = Layer(name, random, np.float64)
    rows = len(layer.weights[1])
    with pytest.raises(ShapeError, match=rf"{name}: expected a sequence with steps, got \(3, 0, 5\)"):
        layer(layer.x[:, :0], layer.initial)
    with pytest.raises(
        ShapeError, match=rf"{name}: expected x \(B, T, I\), .*, got \(3, 7, 4\), .*, \({rows}, 5\)"
    ):
        layer(layer.x[..., :4], layer.initial)
    with pytest.raises(ShapeError, match=rf"{name}: expected x \(B, T, I\), .*, got \(3, 7\), "):
        layer(layer.x[..., 0], layer.initial)
    with pytest.raises(
        ShapeError, match=rf"{name}: expected x .*, h0 \(B, H\), .*, got \(3, 7, 5\), \(2, 2\)"
    ):
        layer(layer.x, [s[:2] for s in layer.initial])
    layer.weights[0] = layer.weights[0][:-1]
    with pytest.raises(ShapeError, match=rf"got .*, \({rows - 1}, 5\), \({rows}, 2\)"):
        layer(layer.x, layer.initial)


def test_unknown_nonlinearity(random: np.random.Generator) -> None:
    layer = Layer("rnn", random, np.float64)
    with pytest.raises(UsageError, match="expected rnn nonlinearity to be tanh or relu, got 'sigmoid'"):
        layer(layer.x, layer.initial, nonlinearity="sigmoid")


def test_a_state_does_not_hold_on_to_the_whole_sequence(layer: Layer) -> None:
    """It is carried from window to window of a training run, so it must own its memory."""
    for state in layer(layer.x, layer.initial)[1:]:
        assert state.base is None or state.base.nbytes == state.nbytes
