"""Sizes, rates and seeds that no layer or op can have are refused; arrays given by name act as by place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.errors import UsageError

X, G = np.ones((2, 4), np.float32), np.ones(4, np.float32)
Q = np.ones((1, 2, 3, 4), np.float32)
LAYERS: dict[str, Callable[[Any], object]] = {
    "Linear": lambda n: nn.Linear(n, 3),
    "Linear out": lambda n: nn.Linear(3, n),
    "Embedding": lambda n: nn.Embedding(n, 3),
    "LearnedPositions": lambda n: nn.LearnedPositions(3, n),
    "SinusoidalPositions": lambda n: nn.SinusoidalPositions(n),
    "LayerNorm": lambda n: nn.LayerNorm(n),
    "BatchNorm": lambda n: nn.BatchNorm(n),
    "Conv2d": lambda n: nn.Conv2d(n, 3, 3),
    "LSTM": lambda n: nn.LSTM(n, 3),
    "GRU": lambda n: nn.GRU(3, n),
    "layers": lambda n: nn.RNN(3, 3, n),
    "CRF": lambda n: nn.CRF(n),
    "Attention": lambda n: nn.Attention("general", n, 3),
    "MultiHeadAttention": lambda n: nn.MultiHeadAttention(n, 1),
    "FeedForward": lambda n: nn.FeedForward(3, n),
}


@pytest.mark.parametrize("size", [0, -1, 2.5, "a", True])
@pytest.mark.parametrize("layer", LAYERS)
def test_sizes_are_whole_and_at_least_1(layer: str, size: Any) -> None:
    with pytest.raises(UsageError, match="at least 1, got"):
        LAYERS[layer](size)


@pytest.mark.parametrize("number", [np.nan, np.inf, -1.0, "a", None])
@pytest.mark.parametrize(
    "call",
    [
        lambda n: ops.layer_norm(X, G, G, epsilon=n),
        lambda n: ops.add_layer_norm(X, X, G, G, epsilon=n),
        lambda n: ops.batch_norm(X, G, G, epsilon=n),
        lambda n: ops.batch_norm_inference(X, G, G, G, G, epsilon=n),
        lambda n: ops.rotary(X, np.arange(2), base=n),
        lambda n: ops.softmax_cross_entropy(X, np.zeros(2, int), label_smoothing=n),
        lambda n: nn.LayerNorm(4, epsilon=n),
        lambda n: nn.BatchNorm(4, momentum=n),
        lambda n: nn.RotaryPositions(base=n),
        lambda n: nn.Embedding(3, 4, std=n),
        lambda n: nn.Dropout(n),
    ],
)
def test_numbers_are_finite_and_in_range(call: Callable[[Any], object], number: Any) -> None:
    with pytest.raises(UsageError, match=r"expected .* to be .* got"):
        call(number)


@pytest.mark.parametrize("scale", [np.nan, -np.inf, "a"])
def test_scales_are_finite(scale: Any) -> None:
    for call in (
        lambda: ops.attention(Q[0], Q[0], Q[0], scale=scale),
        lambda: ops.scaled_dot_product_attention(Q, Q, Q, scale=scale),
    ):
        with pytest.raises(UsageError, match="expected scale to be a finite number"):
            call()


@pytest.mark.parametrize("seed", [1.5, "a", np.random.default_rng(0)])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(UsageError, match=r"expected a seqkit.Generator or a whole number"):
        nn.Linear(2, 3, generator=seed)


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.RNN(3, 4, nonlinearity="sin"),
        lambda: nn.MultiHeadAttention(4, 2, memory_size=3),
        lambda: nn.Attention("general", 3, 4, attention_size=5),
        lambda: nn.CRF(3, legal=(np.ones(3), np.ones(3), np.ones(3))),
    ],
)
def test_what_would_be_ignored_or_fail_later_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        call()


def test_arrays_given_by_name_get_their_gradients() -> None:
    weight, bias = nn.Parameter(np.ones((3, 4), np.float32)), nn.Parameter(np.zeros(3, np.float32))
    ops.linear(b=bias, W=weight, x=X).sum().backward()
    np.testing.assert_array_equal(bias.grad, [2, 2, 2])
    np.testing.assert_array_equal(weight.grad, np.full((3, 4), 2))
    scores = nn.CRF(2, generator=0)
    emissions, tags = np.zeros((1, 3, 2), np.float32), np.zeros((1, 3), int)
    start, transitions, end = scores.scores()
    arrays = {"emissions": emissions, "start": start, "transitions": transitions, "end": end, "tags": tags}
    by_name = ops.crf_path_score(mask=np.array([[True, True, False]]), **arrays)
    by_name.sum().backward()
    assert scores.start.grad is not None
    with pytest.raises(UsageError, match="expected the argument W, got none"):
        ops.linear(X, b=bias)
    with pytest.raises(TypeError, match="multiple values"):
        ops.linear(X, weight, W=weight)
