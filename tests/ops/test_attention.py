"""Attention: values by hand, masks, PyTorch's numbers, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError

B, T, S, D, E, K = 2, 3, 5, 7, 11, 13


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def tensors(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [Tensor(normal(*shape, seed=i), requires_grad=True) for i, shape in enumerate(shapes)]


# By hand: one query, two keys


def test_two_keys_by_hand() -> None:
    """Scores ln 3 and 0 are weights of 3/4 and 1/4."""
    q = np.array([[[math.log(3), 1.0]]])
    k = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    v = np.array([[[4.0, 8.0, 0.0], [0.0, 4.0, -4.0]]])
    context, weights = ops.attention(q, k, v, scale=1.0)
    np.testing.assert_allclose(weights.data, [[[0.75, 0.25]]], rtol=1e-15)
    np.testing.assert_allclose(context.data, [[[3.0, 7.0, -1.0]]], rtol=1e-15)


def test_its_gradients_by_hand() -> None:
    """With weights p and 1 - p the score of the first key has the slope p·(1 - p)·(v₁ - v₂)."""
    q = Tensor(np.array([[[math.log(3)]]]), requires_grad=True)
    k = Tensor(np.array([[[1.0], [0.0]]]), requires_grad=True)
    v = Tensor(np.array([[[10.0], [2.0]]]), requires_grad=True)
    context, _ = ops.attention(q, k, v, scale=1.0)
    context.backward(np.array([[[2.0]]]))
    slope = 2 * 0.75 * 0.25 * 8
    np.testing.assert_allclose(q.grad, [[[slope]]], rtol=1e-14)  # k₁ = 1, k₂ = 0
    np.testing.assert_allclose(k.grad, [[[slope * math.log(3)], [-slope * math.log(3)]]], rtol=1e-14)
    np.testing.assert_allclose(v.grad, [[[1.5], [0.5]]], rtol=1e-14)


def test_the_scale_is_one_over_the_root_of_d() -> None:
    q, k = np.full((1, 1, 4), math.log(3) / 2), np.array([[[1.0] * 4, [0.0] * 4]])
    _, weights = ops.attention(q, k, normal(1, 2, E))  # ½ · 4 · ln(3)/2 = ln 3
    np.testing.assert_allclose(weights.data, [[[0.75, 0.25]]], rtol=1e-14)


def test_additive_by_hand() -> None:
    """tanh(½·ln 3) = ½, so the scores are 2·ln 3·½ = ln 3 and 0."""
    half = 0.5 * math.log(3)
    q, k = np.array([[[half / 2]]]), np.array([[[half / 2], [-half / 2]]])
    context, weights = ops.additive_attention(q, k, np.array([[[4.0], [8.0]]]), np.array([2 * math.log(3)]))
    np.testing.assert_allclose(weights.data, [[[0.75, 0.25]]], rtol=1e-14)
    np.testing.assert_allclose(context.data, [[[5.0]]], rtol=1e-14)


def additive(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    return ops.additive_attention(q, k, v, Tensor(normal(D, seed=7).astype(q.dtype)), mask)


both = pytest.mark.parametrize("op", [ops.attention, additive], ids=["dot", "additive"])


# Masks


@both
def test_masked_keys_have_no_weight_and_no_gradient(op: Any) -> None:
    q, k, v = tensors((B, T, D), (B, S, D), (B, S, E))
    context, weights = op(q, k, v, np.array([2, S]))
    assert (weights.data[0, :, 2:] == 0).all()
    np.testing.assert_allclose(weights.data.sum(axis=-1), 1, rtol=1e-14)
    (context * normal(B, T, E, seed=9)).sum().backward()
    for x in (k, v):
        assert (x.grad[0, 2:] == 0).all()
        assert (x.grad[0, :2] != 0).all()
    alone, _ = op(*(Tensor(x.data[:1, :2] if x is not q else x.data[:1]) for x in (q, k, v)))
    np.testing.assert_allclose(context.data[:1], alone.data, rtol=1e-13, atol=1e-15)


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_a_row_masked_entirely_reads_zeros(op: Any, dtype: Any) -> None:
    q, k, v = (Tensor(x.data.astype(dtype), True) for x in tensors((B, T, D), (B, S, D), (B, S, E)))
    mask = np.ones((B, T, S), bool)
    mask[1, 2] = False
    context, weights = op(q, k, v, mask)
    assert (context.data[1, 2] == 0).all()
    assert (weights.data[1, 2] == 0).all()
    assert weights.dtype == context.dtype == dtype
    ((context * context).sum() + (weights * weights).sum()).backward()
    assert (q.grad[1, 2] == 0).all()
    for x in (q, k, v):
        assert np.isfinite(x.grad).all()
        assert (x.grad[0] != 0).any()
    context, weights = op(q, k, v, np.zeros(B, np.int32))
    assert (context.data == 0).all()
    assert (weights.data == 0).all()


@both
def test_forms_of_a_mask_agree(op: Any) -> None:
    q, k, v = tensors((B, T, D), (B, S, D), (B, S, E))
    lengths = np.array([2, 4])
    keys = np.arange(S) < lengths[:, None]
    expected = op(q, k, v, lengths)[0].data
    for mask in (keys, keys[:, None], np.broadcast_to(keys[:, None], (B, T, S)), lengths.astype(np.int32)):
        np.testing.assert_array_equal(op(q, k, v, mask)[0].data, expected)
    np.testing.assert_array_equal(op(q, k, v, np.ones((1, 1, S), bool))[0].data, op(q, k, v)[0].data)


def test_heads_are_attended_one_by_one() -> None:
    q, k, v = tensors((B, K, T, D), (B, K, S, D), (B, K, S, E))
    mask = np.random.default_rng(3).random((B, T, S)) < 0.5
    context, weights = ops.attention(q, k, v, mask)
    for head in range(K):
        one = ops.attention(*(Tensor(x.data[:, head]) for x in (q, k, v)), mask)
        np.testing.assert_allclose(context.data[:, head], one[0].data, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(weights.data[:, head], one[1].data, rtol=1e-13, atol=1e-15)


def test_large_scores_do_not_overflow() -> None:
    q, k = np.full((1, 1, 1), 1e4, np.float32), np.array([[[-1e4], [1e4], [1e4]]], np.float32)
    _, weights = ops.attention(q, k, np.ones((1, 3, 1), np.float32), np.array([2]))
    np.testing.assert_array_equal(weights.data, [[[0, 1, 0]]])


# Dropout


def test_dropout_thins_out_what_is_read_and_not_what_is_returned() -> None:
    q, k, v = tensors((B, 31, D), (B, 37, D), (B, 37, 37))
    v = Tensor(np.broadcast_to(np.eye(37), v.shape).copy())  # the context is the used weights themselves
    context, weights = ops.attention(q, k, v, rate=0.25, generator=Generator(3))
    np.testing.assert_array_equal(weights.data, ops.attention(q, k, v)[1].data)
    kept = context.data != 0
    np.testing.assert_allclose(context.data[kept], weights.data[kept] / 0.75, rtol=1e-12)
    assert 0.7 < kept.mean() < 0.8
    with pytest.raises(UsageError, match="attention dropout needs a generator"):
        ops.attention(q, k, v, rate=0.25)
    with pytest.raises(UsageError, match="dropout rate"):
        ops.attention(q, k, v, rate=1.0, generator=Generator(3))


# Against PyTorch


@pytest.mark.parametrize("heads", [(), (K,)], ids=["one head", "heads"])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "mask"])
def test_it_equals_scaled_dot_product_attention_of_torch(heads: tuple[int, ...], masked: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
    q, k, v = tensors((B, *heads, T, D), (B, *heads, S, D), (B, *heads, S, E))
    mask = None
    if masked:
        mask = np.random.default_rng(3).random((B, *[1] * len(heads), T, S)) < 0.5
        mask[..., 0] = True  # no row entirely masked: PyTorch's answers to that have changed
    context, _ = ops.attention(q, k, v, mask)
    peers = [torch.tensor(x.data, requires_grad=True) for x in (q, k, v)]
    peer = torch.nn.functional.scaled_dot_product_attention(
        *peers, attn_mask=None if mask is None else torch.tensor(mask)
    )
    np.testing.assert_allclose(context.data, peer.detach().numpy(), rtol=1e-12, atol=1e-13)
    gradient = normal(*context.shape, seed=5)
    context.backward(gradient)
    peer.backward(torch.tensor(gradient))
    for x, theirs in zip((q, k, v), peers, strict=True):
        np.testing.assert_allclose(x.grad, theirs.grad.numpy(), rtol=1e-11, atol=1e-12)


# The layer


def layer(kind: str, memory_size: int = D, **settings: Any) -> nn.Attention:
    return nn.Attention(kind, D, memory_size, generator=Generator(1), **settings).astype(np.float64)


def test_the_scores_of_each_kind() -> None:
    """As the papers write them, one pair at a time."""
    q, m = normal(B, T, D), normal(B, S, E, seed=1)
    general, additive = layer("general", E), layer("additive", E, attention_size=K)
    dot, same = layer("dot"), normal(B, S, D, seed=2)
    assert {name: p.shape for name, p in general.named_parameters()} == {"weight": (D, E)}
    assert {name: p.shape for name, p in additive.named_parameters()} == {
        "weight_query": (K, D),
        "weight_key": (K, E),
        "weight_score": (K,),
    }
    assert list(dot.parameters()) == []
    cases = [
        (dot, same, lambda a, b: a @ b),
        (general, m, lambda a, b: a @ general.weight.data @ b),
        (
            additive,
            m,
            lambda a, b: (
                additive.weight_score.data
                @ np.tanh(additive.weight_query.data @ a + additive.weight_key.data @ b)
            ),
        ),
    ]
    for module, memory, score in cases:
        context, weights = module(Tensor(q), Tensor(memory))
        for b in range(B):
            for t in range(T):
                p = np.exp([score(q[b, t], memory[b, s]) for s in range(S)])
                p /= p.sum()
                np.testing.assert_allclose(weights.data[b, t], p, rtol=1e-12)
                np.testing.assert_allclose(context.data[b, t], p @ memory[b], rtol=1e-12, atol=1e-14)
        again, _ = module(Tensor(q), Tensor(memory), keys=module.keys(Tensor(memory)))
        np.testing.assert_array_equal(context.data, again.data)


def test_dropout_of_the_layer_is_off_in_evaluation() -> None:
    module, q, m = layer("dot", dropout=0.5), Tensor(normal(B, T, D)), Tensor(normal(B, S, D, seed=1))
    with pytest.raises(UsageError, match="generator"):
        module(q, m)
    plain = layer("dot")(q, m)[0].data
    np.testing.assert_array_equal(module.eval()(q, m)[0].data, plain)
    assert (module.train()(q, m, generator=Generator(2))[0].data != plain).any()


# What is refused


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((T, D), (S, D), (S, E)), r"expected q \(B, …, T, [AD]\)"),
        (((B, T, D), (B, S, E), (B, S, E)), r"got \(2, 3, 7\), \(2, 5, 11\)"),
        (((B, T, D), (B, S, D), (B, T, E)), "expected q"),
        (((B, T, D), (T, S, D), (B, S, E)), "expected q"),
        (((B, K, T, D), (B, S, D), (B, S, E)), "expected q"),
        (((B, T, D), (B, 0, D), (B, 0, E)), "expected keys, got none"),
    ],
)
@both
def test_shapes_that_do_not_fit(op: Any, shapes: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        op(*(Tensor(np.ones(shape)) for shape in shapes))


@pytest.mark.parametrize(
    "mask",
    [
        np.ones(B + 1, int),
        np.ones(B),
        np.ones(B, bool),
        np.ones((B, S), int),
        np.ones((B, S + 1), bool),
        np.ones((B, S, T), bool),
        np.ones((B, 1, T, S), bool),
    ],
    ids=["lengths of another batch", "floats", "bools (B,)", "integers", "S + 1", "(B, S, T)", "4 axes"],
)
@both
def test_masks_that_do_not_fit(op: Any, mask: Any) -> None:
    with pytest.raises(ShapeError, match=r"a mask for scores \(2, 3, 5\)"):
        op(*tensors((B, T, D), (B, S, D), (B, S, E)), mask)


def test_settings_that_make_no_attention() -> None:
    with pytest.raises(UsageError, match="dot, general, additive, got 'concat'"):
        layer("concat")
    with pytest.raises(UsageError, match="as wide as the memory, got 7 and 11; use general"):
        layer("dot", E)
    q, k, v = tensors((B, T, D), (B, S, D), (B, S, E))
    with pytest.raises(ShapeError, match=r"expected q .*, w \(A,\), got .*, \(11,\)"):
        ops.additive_attention(q, k, v, np.ones(E))
