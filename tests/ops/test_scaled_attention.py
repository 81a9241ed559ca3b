"""Attention of many heads: against the plain op and PyTorch, in blocks and packed, in linear memory."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor, no_grad
from seqkit.backend import memory_pool
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.ops import attention_blocks, packed_scaled_attention, scaled_attention

B, N, T, S, D, E = 2, 3, 5, 7, 11, 13
LENGTHS = np.array([4, 7])
PAIRS = np.random.default_rng(3).random((B, 1, T, S)) < 0.6
PAIRS[0, 0, 2] = False
MASKS = {"none": None, "lengths": LENGTHS, "keys": np.arange(S) < LENGTHS[:, None], "pairs": PAIRS}


def tensors(dtype: Any = np.float64) -> list[Tensor]:
    shapes = (B, N, T, D), (B, N, S, D), (B, N, S, E)
    arrays = [np.random.default_rng(i).standard_normal(shape).astype(dtype) for i, shape in enumerate(shapes)]
    return [Tensor(x, requires_grad=True) for x in arrays]


def results(context: Tensor, inputs: list[Tensor]) -> list[np.ndarray]:
    """The context and the gradients of the inputs, for one fixed gradient of the context."""
    for x in inputs:
        x.grad = None
    gradient = np.random.default_rng(9).standard_normal(context.shape)
    context.backward(gradient.astype(context.dtype))
    return [context.data, *(x.grad for x in inputs)]


def assert_equal(one: list[np.ndarray], other: list[np.ndarray], tolerance: float = 1e-11) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def attend(inputs: list[Tensor], mask: Any = None, **settings: Any) -> list[np.ndarray]:
    return results(ops.scaled_dot_product_attention(*inputs, mask, **settings), inputs)


# Values


def test_a_causal_row_by_hand() -> None:
    """Of two queries over three keys the first sees two, with scores ln 3 and 0, the second all three."""
    q = np.array([[[[math.log(3)], [0.0]]]])
    k = np.array([[[[1.0], [0.0], [50.0]]]])
    v = np.array([[[[4.0], [8.0], [12.0]]]])
    context = ops.scaled_dot_product_attention(q, k, v, causal=True, scale=1.0)
    np.testing.assert_allclose(context.data[0, 0, :, 0], [0.75 * 4 + 0.25 * 8, 8.0], rtol=1e-14)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kept", [1 << 18, 0])
def test_it_equals_the_plain_op(name: str, causal: bool, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaled_attention, "KEPT", kept)
    inputs, mask = tensors(), MASKS[name]
    seen = np.ones((1, 1, T, S), bool) if mask is None else mask
    if seen.ndim < 4:
        seen = (np.arange(S) < LENGTHS[:, None])[:, None, None]
    if causal:
        seen = seen & np.tri(T, S, S - T, dtype=bool)
    expected = results(ops.attention(*inputs, np.broadcast_to(seen, (len(seen), 1, T, S)))[0], inputs)
    assert_equal(attend(inputs, mask, causal=causal), expected)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_it_equals_torch(causal: bool, dtype: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
    inputs = tensors(dtype)
    peers = [torch.tensor(x.data, requires_grad=True) for x in inputs]
    seen = torch.ones(T, S, dtype=torch.bool).tril(S - T) if causal else None
    peer = torch.nn.functional.scaled_dot_product_attention(*peers, attn_mask=seen)
    peer.backward(torch.tensor(np.random.default_rng(9).standard_normal(peer.shape).astype(dtype)))
    expected = [peer.detach().numpy(), *(x.grad.numpy() for x in peers)]
    assert_equal(attend(inputs, causal=causal), expected, 1e-11 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("kept", [1 << 18, 0])
def test_rows_that_see_nothing_read_zeros(dtype: Any, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaled_attention, "KEPT", kept)
    inputs = tensors(dtype)
    context, dq, dk, dv = attend(inputs, PAIRS)
    assert (context[0, :, 2] == 0).all()
    assert (dq[0, :, 2] == 0).all()
    assert all(np.isfinite(g).all() for g in (context, dq, dk, dv))
    context, *gradients = attend(inputs, np.zeros(B, int))
    assert not context.any()
    assert not any(g.any() for g in gradients)


def test_large_scores_do_not_overflow() -> None:
    q, k = np.full((1, 1, 1, 1), 1e4, np.float32), np.array([[[[-1e4], [1e4], [1e4]]]], np.float32)
    v = np.array([[[[1.0], [2.0], [9.0]]]], np.float32)
    assert ops.scaled_dot_product_attention(q, k, v, np.array([2])).item() == 2


@pytest.mark.parametrize(("queries", "keys"), [(0, S), (T, 0), (0, 0)])
def test_no_queries_and_no_keys(queries: int, keys: int) -> None:
    shapes = (B, N, queries, D), (B, N, keys, D), (B, N, keys, E)
    inputs = [Tensor(np.ones(shape), requires_grad=True) for shape in shapes]
    context, *gradients = attend(inputs)
    assert context.shape == (B, N, queries, E)
    assert not context.any()
    assert not any(g.any() for g in gradients)
    packed = [Tensor(np.ones((N, 0, width)), requires_grad=True) for width in (D, D, E)]
    assert ops.packed_attention(*packed, lengths=(0, 0)).shape == (N, 0, E)


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_float32_of_large_scores_is_close_to_float64(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of whole numbers are exact in both; their weights are computed twice to the same bits."""
    random, found = np.random.default_rng(5), []
    q, k = (random.integers(-2, 3, (1, N, n, 4)) for n in (T, S))
    v = random.standard_normal((1, N, S, E))
    for dtype, kept in ((np.float64, 1 << 18), (np.float32, 1 << 18), (np.float32, 0)):
        monkeypatch.setattr(scaled_attention, "KEPT", kept)
        inputs = [Tensor(x.astype(dtype), requires_grad=True) for x in (scale * q, k, v)]
        found.append(attend(inputs, scale=1.0))
    for exact, once, twice in zip(*found, strict=True):
        np.testing.assert_array_equal(once, twice)
        np.testing.assert_allclose(once, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max() + 1e-30)


# Blocks


@pytest.mark.parametrize("causal", [False, True])
def test_an_odd_length_of_more_than_a_block(causal: bool) -> None:
    """733 queries of 735 keys are a block of 713, and one of 20, of which each shape has its own product."""
    random = np.random.default_rng(6)
    arrays = [random.standard_normal((1, 1, n, 4)).astype(np.float32) for n in (733, 735, 735)]
    inputs = [Tensor(x, requires_grad=True) for x in arrays]
    assert [b.queries[2].start for b in attention_blocks.blocks(1, 1, 733, 735, causal)] == [0, 713]
    seen = np.tri(733, 735, 2, dtype=bool) if causal else np.ones((733, 735), bool)
    mask = np.array([400])
    expected = results(ops.attention(*inputs, (seen & (np.arange(735) < 400))[None, None])[0], inputs)
    assert_equal(attend(inputs, mask, causal=causal), expected, 2e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("block", [1, 14, 40, 80, 250])
def test_blocks_change_nothing(block: int, causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = tensors()
    expected = attend(inputs, PAIRS, causal=causal)
    monkeypatch.setattr(attention_blocks, "BLOCK", block)
    monkeypatch.setattr(attention_blocks, "ROWS", 2)
    for kept in (1 << 18, 0):
        monkeypatch.setattr(scaled_attention, "KEPT", kept)
        assert_equal(attend(inputs, PAIRS, causal=causal), expected)


@pytest.mark.parametrize("block", [14, 250])
def test_dropout_is_the_same_when_weights_are_made_again(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = tensors()
    monkeypatch.setattr(attention_blocks, "BLOCK", block)
    expected = attend(inputs, PAIRS, rate=0.4, generator=Generator(3))
    assert (expected[0] != attend(inputs, PAIRS)[0]).any()
    monkeypatch.setattr(scaled_attention, "KEPT", 0)
    assert_equal(attend(inputs, PAIRS, rate=0.4, generator=Generator(3)), expected)


def test_dropout_keeps_the_mean() -> None:
    """Values of one: each context is the sum of its used weights, and their mean stays 1."""
    q, k = (np.random.default_rng(i).standard_normal((1, 4, 64, 8)) for i in range(2))
    v = np.ones((1, 4, 64, 1))
    context = ops.scaled_dot_product_attention(q, k, v, rate=0.25, generator=Generator(3)).data
    assert context.mean() == pytest.approx(1, abs=0.02)
    assert context.std() > 0.05


def _peaks(T: int) -> list[int]:
    """Bytes that forward and backward allocate at most, beside their inputs, for one head and T tokens."""
    inputs = [
        Tensor(x.astype(np.float32), True) for x in np.random.default_rng(0).normal(size=(3, 1, 1, T, 4))
    ]
    tracemalloc.start()
    try:
        context = ops.scaled_dot_product_attention(*inputs, causal=True)
        forward = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        context.backward(np.ones((1, 1, T, 4), np.float32))
        return [forward, tracemalloc.get_traced_memory()[1]]
    finally:
        tracemalloc.stop()


def test_memory_is_linear_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """At T = 8192 against T = 2048; one array of T × T scores would be 16 times as large, and 256 MiB."""
    monkeypatch.setattr(memory_pool, "SMALLEST", 1 << 60)  # tracemalloc does not see recycled maps
    for few, many in zip(_peaks(2048), _peaks(8192), strict=True):
        assert many <= 4.4 * few
        assert many < 16 << 20


def test_without_gradients_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_pool, "SMALLEST", 1 << 60)
    inputs = [Tensor(np.random.default_rng(i).standard_normal((8, 4, 128, 4)), True) for i in range(3)]
    held = []
    for record in (True, False):
        tracemalloc.start()
        if record:
            context = ops.scaled_dot_product_attention(*inputs)
        else:
            with no_grad():
                context = ops.scaled_dot_product_attention(*inputs)
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del context
    weights = 8 * 4 * 128 * 128 * 8
    assert held[0] > weights
    assert held[1] < weights / 4


@pytest.mark.parametrize("block", [1, 100, 1 << 19])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", [None, (3, 1, 1, 9), (1, 2, 7, 9), (3, 2, 7, 9)])
def test_without_gradients_contexts_are_the_same(
    mask: tuple[int, ...] | None, causal: bool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_blocks, "BLOCK", block)
    monkeypatch.setattr(attention_blocks, "ROWS", 2)
    random = np.random.default_rng(0)
    q, k, v = (Tensor(random.standard_normal((3, 2, n, 4)).astype(np.float32), True) for n in (7, 9, 9))
    shown = None if mask is None else random.random(mask) < 0.7
    expected = ops.scaled_dot_product_attention(q, k, v, shown, causal=causal).data
    with no_grad():
        context = ops.scaled_dot_product_attention(q, k, v, shown, causal=causal).data
    np.testing.assert_allclose(context, expected, rtol=2e-5, atol=2e-6)


# Packed


@pytest.mark.parametrize("most", [1, 30, 1 << 16])
@pytest.mark.parametrize("lengths", [(2, 1, 5), (2, 0, 5), (0, 0), ()])
@pytest.mark.parametrize("causal", [False, True])
def test_without_gradients_packed_contexts_are_the_same(
    causal: bool, lengths: tuple[int, ...], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one has too many scores to be made at once, or none."""
    monkeypatch.setattr(packed_scaled_attention, "IN_CACHE", most)
    random, key_lengths = np.random.default_rng(0), tuple(n + 2 for n in lengths)
    q, k, v = (
        Tensor(random.standard_normal((N, sum(n), D)).astype(np.float32), True)
        for n in (lengths, key_lengths, key_lengths)
    )
    settings: Any = {"lengths": lengths, "key_lengths": key_lengths, "causal": causal}
    expected = ops.packed_attention(q, k, v, **settings).data
    with no_grad():
        context = ops.packed_attention(q, k, v, **settings).data
    np.testing.assert_allclose(context, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_packed_sequences_are_read_one_by_one(causal: bool) -> None:
    lengths, key_lengths = (2, 0, 5), (4, 1, 6)
    arrays = [np.random.default_rng(i).standard_normal((N, n, D)) for i, n in enumerate((7, 11, 11))]
    inputs = [Tensor(x, requires_grad=True) for x in arrays]
    context = ops.packed_attention(*inputs, lengths=lengths, key_lengths=key_lengths, causal=causal)
    found = results(context, inputs)
    gradient, expected = (
        np.random.default_rng(9).standard_normal((N, 7, D)),
        [np.zeros_like(x) for x in found],
    )
    start = key_start = 0
    for n, m in zip(lengths, key_lengths, strict=True):
        own, keys = slice(start, start + n), slice(key_start, key_start + m)
        start, key_start = start + n, key_start + m
        if not n:
            continue
        alone = [Tensor(arrays[0][None, :, own], True), *(Tensor(x[None, :, keys], True) for x in arrays[1:])]
        y = ops.scaled_dot_product_attention(*alone, causal=causal)
        y.backward(gradient[None, :, own])
        expected[0][:, own], expected[1][:, own] = y.data[0], alone[0].grad[0]
        expected[2][:, keys], expected[3][:, keys] = alone[1].grad[0], alone[2].grad[0]
    assert_equal(found, expected)


@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize("causal", [False, True])
def test_groups_of_packed_sequences_change_nothing(
    causal: bool, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in one, one or two in each, or none: one sequence has too many scores then."""
    lengths, key_lengths = (2, 0, 5, 3), (4, 1, 6, 4)
    arrays = [np.random.default_rng(i).standard_normal((N, n, D)) for i, n in enumerate((10, 15, 15))]
    inputs, found = [Tensor(x, requires_grad=True) for x in arrays], []
    settings: Any = {"lengths": lengths, "key_lengths": key_lengths, "causal": causal, "rate": rate}
    for block, count in ((1 << 19, 1), (44 * N, 2), (30 * N, 3), (29 * N, None)):
        monkeypatch.setattr(attention_blocks, "BLOCK", block)
        groups = attention_blocks.packed_groups(N, lengths, key_lengths)
        assert (None if groups is None else len(groups)) == count
        context = ops.packed_attention(*inputs, **settings, generator=Generator(3))
        found.append(results(context, inputs))
    for other in found[1:]:
        assert_equal(other, found[0])


def test_packing_and_unpacking() -> None:
    x, rows = Tensor(np.arange(24.0).reshape(2, 3, 4)), np.array([0, 1, 3])
    packed = ops.pack(x, rows)
    np.testing.assert_array_equal(packed.data, [[0, 1, 2, 3], [4, 5, 6, 7], [12, 13, 14, 15]])
    again = ops.unpack(packed, rows, shape=(2, 3)).data
    np.testing.assert_array_equal(again[0, :2], x.data[0, :2])
    np.testing.assert_array_equal(again[1, 0], x.data[1, 0])
    assert again.sum() == packed.data.sum()


def test_split_heads_gives_views() -> None:
    x = np.arange(24.0).reshape(1, 2, 12)
    q, k, v = (part.data for part in ops.split_heads(Tensor(x), heads=2, parts=3))
    np.testing.assert_array_equal(q[0], [[[0, 1], [12, 13]], [[2, 3], [14, 15]]])
    np.testing.assert_array_equal(v[0, 1], [[10, 11], [22, 23]])
    assert all(np.shares_memory(part, x) for part in (q, k, v))


# What is refused


def ones(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [np.ones(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: ops.scaled_dot_product_attention(*ones((2, 3, 4), (2, 3, 4), (2, 3, 4))),
            r"expected q \(B, N, T, D\)",
        ),
        (
            lambda: ops.scaled_dot_product_attention(
                *ones((1, 1, 3, 4), (1, 1, 2, 4), (1, 1, 2, 4)), causal=True
            ),
            "expected at least 3 keys for 3 queries, got 2",
        ),
        (
            lambda: ops.scaled_dot_product_attention(*tensors(), np.ones((B, S + 1), bool)),
            r"a mask for scores \(2, 3, 5, 7\)",
        ),
        (
            lambda: ops.packed_attention(*ones((2, 5, 4), (2, 5, 4), (2, 5, 4)), lengths=(2, 2)),
            "expected 4 queries and 4 keys by the lengths, got 5 and 5",
        ),
        (
            lambda: ops.packed_attention(*ones((1, 2, 5, 4), (1, 2, 5, 4), (1, 2, 5, 4)), lengths=(5,)),
            r"expected q \(N, P, D\)",
        ),
        (
            lambda: ops.packed_attention(
                *ones((2, 3, 4), (2, 3, 4), (2, 3, 4)), lengths=(2, 1), key_lengths=(1, 2), causal=True
            ),
            "in every sequence",
        ),
        (
            lambda: ops.split_heads(np.ones((2, 3, 10)), heads=2, parts=3),
            "expected columns for 3 parts of 2 heads, got 10",
        ),
        (lambda: ops.unpack(np.ones((2, 3)), np.array([1]), shape=(1, 4)), r"got \(2, 3\), \(1,\)"),
    ],
)
def test_shapes_that_do_not_fit(call: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        call()


def test_settings_that_are_none() -> None:
    with pytest.raises(UsageError, match="attention dropout needs a generator"):
        ops.scaled_dot_product_attention(*tensors(), rate=0.1)
    with pytest.raises(UsageError, match="dropout rate"):
        ops.scaled_dot_product_attention(*tensors(), rate=1.0, generator=Generator(1))
    with pytest.raises(
        UsageError, match="expected activation to be one of relu, gelu, gelu-tanh, got 'swish'"
    ):
        ops.activation(np.ones(3), kind="swish")
    with pytest.raises(UsageError, match="dropout needs a generator"):
        ops.add_layer_norm(*ones((2, 3), (2, 3), (3,), (3,)), rate=0.5)
