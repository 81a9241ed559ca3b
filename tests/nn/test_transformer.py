"""Layers of a Transformer: values by hand, the numbers of PyTorch's, and packed against padded."""

import contextlib
import math
from typing import Any

import numpy as np
import pytest

from seqkit import nn
from seqkit.autograd import Tensor, no_grad
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.nn.positions import sinusoidal

B, T, S, E, N, H = 3, 5, 7, 12, 3, 10
LENGTHS = np.array([5, 2, 3])
SOURCE_LENGTHS = np.array([4, 7, 1])


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def set_weights(module: Any, dtype: Any = np.float64) -> Any:
    """The module with biases and norms that are not what they start as, so that each counts."""
    for index, (name, parameter) in enumerate(module.astype(dtype).named_parameters()):
        parameter.data[...] = 0.3 * normal(*parameter.shape, seed=index) + name.endswith("norm.weight")
    return module


def make(kind: str, dtype: Any = np.float64, **settings: Any) -> Any:
    return set_weights(getattr(nn, kind)(E, N, H, generator=Generator(1), **settings), dtype)


# Against PyTorch

NAMES = {
    "attention.qkv.weight": "self_attn.in_proj_weight",
    "attention.qkv.bias": "self_attn.in_proj_bias",
    "attention.output.weight": "self_attn.out_proj.weight",
    "attention.output.bias": "self_attn.out_proj.bias",
    "attention_norm.weight": "norm1.weight",
    "attention_norm.bias": "norm1.bias",
    "cross_attention.output.weight": "multihead_attn.out_proj.weight",
    "cross_attention.output.bias": "multihead_attn.out_proj.bias",
    "cross_attention_norm.weight": "norm2.weight",
    "cross_attention_norm.bias": "norm2.bias",
    "feed_forward.up.weight": "linear1.weight",
    "feed_forward.up.bias": "linear1.bias",
    "feed_forward.down.weight": "linear2.weight",
    "feed_forward.down.bias": "linear2.bias",
    "feed_forward_norm.weight": "norm2.weight",
    "feed_forward_norm.bias": "norm2.bias",
}


DECODER_NAMES = NAMES | {
    "feed_forward_norm.weight": "norm3.weight",
    "feed_forward_norm.bias": "norm3.bias",
    "cross_attention.q.weight": "multihead_attn.in_proj_weight",
    "cross_attention.q.bias": "multihead_attn.in_proj_bias",
    "cross_attention.kv.weight": "multihead_attn.in_proj_weight",
    "cross_attention.kv.bias": "multihead_attn.in_proj_bias",
}
TOLERANCES: dict[Any, dict[str, float]] = {
    np.float64: {"rtol": 1e-8, "atol": 1e-10},
    np.float32: {"rtol": 1e-5, "atol": 1e-5},
}
both_types = pytest.mark.parametrize("dtype", TOLERANCES, ids=["float64", "float32"])


class Peer:
    """A module of PyTorch with our weights, and the comparison of all gradients."""

    def __init__(self, ours: nn.Module, peer: Any, name_of: Any, dtype: Any) -> None:
        import torch

        self.torch, self.module, self.tolerance = torch, peer, TOLERANCES[dtype]
        theirs = dict(peer.named_parameters())
        self.pairs = []
        for name, parameter in ours.named_parameters():
            part = name.split(".")[-2]  # one matrix of theirs is q and kv of ours
            rows = {"q": slice(0, E), "kv": slice(E, 3 * E)}.get(part, slice(None))
            self.pairs.append((name, parameter, theirs[name_of(name)], rows))
        assert {id(weight) for _, _, weight, _ in self.pairs} == {id(weight) for weight in theirs.values()}
        with torch.no_grad():
            for _, parameter, weight, rows in self.pairs:
                weight[rows] = torch.from_numpy(parameter.data)

    def compare(self, y: Tensor, expected: Any, inputs: list[Tensor], peers: list[Any]) -> None:
        """Outputs; for a random gradient of theirs those of the inputs and of all parameters."""
        np.testing.assert_allclose(y.data, expected.detach().numpy(), **self.tolerance)
        gradient = normal(*y.shape, seed=2).astype(y.dtype)
        y.backward(gradient)
        expected.backward(self.torch.tensor(gradient))
        found = [("input", x.grad, p.grad) for x, p in zip(inputs, peers, strict=True)]
        found += [(name, p.grad, weight.grad[rows]) for name, p, weight, rows in self.pairs]
        for name, ours, theirs in found:
            size = float(theirs.abs().max())
            scaled = {"rtol": self.tolerance["rtol"], "atol": self.tolerance["atol"] * max(1, size)}
            np.testing.assert_allclose(ours, theirs.numpy(), **scaled, err_msg=name)


@both_types
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize(
    ("kind", "activation", "masked"),
    [
        ("TransformerEncoderLayer", "relu", "nothing"),
        ("TransformerEncoderLayer", "gelu", "padding"),
        ("TransformerEncoderLayer", "gelu", "future"),
        ("TransformerEncoderLayer", "gelu", "both"),
        ("TransformerDecoderLayer", "relu", "nothing"),
        ("TransformerDecoderLayer", "gelu", "padding"),
    ],
)
def test_a_layer_equals_torch(kind: str, activation: str, masked: str, norm: str, dtype: Any) -> None:
    """Outputs, gradients of inputs and of all parameters, with the same weights."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
    decoder, kept = kind == "TransformerDecoderLayer", getattr(torch, dtype.__name__)
    ours = make(kind, dtype, norm=norm, activation=activation)
    module = getattr(torch.nn, kind)(
        E, N, H, 0.0, activation, batch_first=True, norm_first=norm == "pre", dtype=kept
    )
    peer = Peer(ours, module, (DECODER_NAMES if decoder else NAMES).__getitem__, dtype)
    arrays = [normal(B, T, E).astype(dtype), normal(B, S, E, seed=1).astype(dtype)][: 1 + decoder]
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    future = torch.nn.Transformer.generate_square_subsequent_mask(T, dtype=kept)
    lengths = SOURCE_LENGTHS if decoder else LENGTHS
    keys = torch.tensor(np.arange(S if decoder else T) >= lengths[:, None])
    padded = masked in ("padding", "both")
    if decoder:
        projected = ours.cross_attention.project_kv(tensors[1])
        y = ours(tensors[0], projected, lengths if padded else None)
        expected = module(*peers, tgt_mask=future, memory_key_padding_mask=keys if padded else None)
    else:
        causal = masked in ("future", "both")
        y = ours(tensors[0], lengths if padded else None, causal=causal)
        float_keys = torch.zeros(keys.shape, dtype=kept).masked_fill(keys, -math.inf)
        expected = module(
            peers[0],
            src_mask=future if causal else None,
            src_key_padding_mask=float_keys if padded else None,
        )
    peer.compare(y, expected, tensors, peers)


class Transformer(nn.Module):
    """Both stacks, named as torch.nn.Transformer names them."""

    def __init__(self, norm: str) -> None:
        settings: dict[str, Any] = {"activation": "relu", "norm": norm, "generator": Generator(1)}
        self.encoder = nn.TransformerEncoderStack(2, E, N, H, **settings)
        self.decoder = nn.TransformerDecoderStack(2, E, N, H, **settings)

    def forward(self, source: Tensor, target: Tensor, lengths: Any) -> Tensor:
        memory = self.encoder(source, lengths)
        return self.decoder(target, self.decoder.project_kv(memory), lengths)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@both_types
def test_encoder_and_decoder_equal_torch(norm: str, dtype: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
    ours, kept = set_weights(Transformer(norm), dtype), getattr(torch, dtype.__name__)
    module = torch.nn.Transformer(E, N, 2, 2, H, 0.0, batch_first=True, norm_first=norm == "pre", dtype=kept)
    if norm == "post":
        module.encoder.norm = module.decoder.norm = None  # theirs stand behind a normalisation

    def name_of(name: str) -> str:
        stack, part, rest = name.split(".", 2)
        if part == "final_norm":
            return f"{stack}.norm.{rest}"
        number, name = rest.split(".", 1)
        return f"{stack}.layers.{number}.{(NAMES if stack == 'encoder' else DECODER_NAMES)[name]}"

    peer = Peer(ours, module, name_of, dtype)
    arrays = [normal(B, S, E).astype(dtype), normal(B, T, E, seed=1).astype(dtype)]
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    hidden = torch.tensor(np.arange(S) >= SOURCE_LENGTHS[:, None])
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    expected = module(*peers, tgt_mask=future, src_key_padding_mask=hidden, memory_key_padding_mask=hidden)
    peer.compare(ours(*tensors, SOURCE_LENGTHS), expected, tensors, peers)


@pytest.mark.parametrize("bias", [True, False])
@both_types
def test_heads_over_another_width_and_a_mask_of_pairs_equal_torch(bias: bool, dtype: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no comparison with it")
    ours = nn.MultiHeadAttention(E, N, cross=True, memory_size=E + 1, bias=bias, generator=Generator(1))
    set_weights(ours, dtype)
    kept = getattr(torch, dtype.__name__)
    module = torch.nn.MultiheadAttention(
        E, N, bias=bias, kdim=E + 1, vdim=E + 1, batch_first=True, dtype=kept
    )
    weights = {"q_proj_weight": ours.q.weight, "out_proj.weight": ours.output.weight}
    parts = {"k_proj_weight": ours.kv.weight.data[:E], "v_proj_weight": ours.kv.weight.data[E:]}
    parts |= {name: parameter.data for name, parameter in weights.items()}
    if bias:
        parts["in_proj_bias"] = np.concatenate((ours.q.bias.data, ours.kv.bias.data))
        parts["out_proj.bias"] = ours.output.bias.data
    theirs = dict(module.named_parameters())
    assert theirs.keys() == parts.keys()
    with torch.no_grad():
        for name, values in parts.items():
            theirs[name][...] = torch.tensor(values)
    arrays = [normal(B, T, E).astype(dtype), normal(B, S, E + 1, seed=1).astype(dtype)]
    x, memory = (Tensor(a, requires_grad=True) for a in arrays)
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    seen = np.random.default_rng(4).random((B, T, S)) < 0.5
    seen[:, :, 0] = True  # a row that sees nothing is NaN in theirs
    y = ours(x, ours.project_kv(memory), seen)
    hidden = torch.tensor(np.repeat(~seen, N, axis=0))
    expected, _ = module(peers[0], peers[1], peers[1], attn_mask=hidden, need_weights=False)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), **TOLERANCES[dtype])
    gradient = normal(B, T, E, seed=2).astype(dtype)
    y.backward(gradient)
    expected.backward(torch.tensor(gradient))
    found = {"x": x.grad, "memory": memory.grad, "k_proj_weight": ours.kv.weight.grad[:E]}
    found |= {name: parameter.grad for name, parameter in weights.items()}
    grads = {"x": peers[0].grad, "memory": peers[1].grad, **{name: p.grad for name, p in theirs.items()}}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, grads[name].numpy(), rtol=1e-5, atol=1e-5, err_msg=name)


# Packed equals padded


def packed(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([row[:n] for row, n in zip(x, lengths, strict=True)])


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("kind", ["TransformerEncoderStack", "TransformerDecoderStack"])
def test_packed_equals_padded(kind: str, rotary: bool) -> None:
    stack = getattr(nn, kind)(2, E, N, H, rotary=rotary, generator=Generator(1)).astype(np.float64)
    x, memory, gradient = normal(B, T, E), normal(B, S, E, seed=1), normal(B, T, E, seed=2)
    gradient[np.arange(T) >= LENGTHS[:, None]] = 0
    positions, results = np.arange(T), []
    lengths, source_lengths = LENGTHS.tolist(), SOURCE_LENGTHS.tolist()
    for pack in (False, True):
        stack.zero_grad()
        inputs = [packed(x, LENGTHS), packed(memory, SOURCE_LENGTHS)] if pack else [x, memory]
        own, read = (Tensor(a, requires_grad=True) for a in inputs)
        where = packed(np.tile(positions, (B, 1)), LENGTHS) if pack else positions
        if kind == "TransformerDecoderStack":
            settings = {"lengths": lengths, "memory_lengths": source_lengths} if pack else {}
            mask = None if pack else SOURCE_LENGTHS
            y = stack(own, stack.project_kv(read), mask, positions=where, **settings)
        else:
            y = stack(own, None if pack else LENGTHS, lengths=lengths if pack else None, positions=where)
        y.backward(packed(gradient, LENGTHS) if pack else gradient)
        found = [y.data, own.grad]
        if not pack:
            found = [packed(a, LENGTHS) for a in found]
        results.append([*found, *(p.grad.copy() for p in stack.parameters())])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


# Attention


def test_equal_keys_are_read_evenly_by_hand() -> None:
    """Queries of zero weigh all keys alike; with identity for values the output is the mean."""
    layer = nn.MultiHeadAttention(4, 2, bias=False, generator=Generator(1)).astype(np.float64)
    layer.qkv.weight.data[...] = np.concatenate((np.zeros((4, 4)), np.eye(4), np.eye(4)))
    layer.output.weight.data[...] = np.eye(4)
    x = normal(1, 3, 4)
    np.testing.assert_allclose(layer(Tensor(x)).data, np.repeat(x.mean(axis=1, keepdims=True), 3, 1))
    running = np.cumsum(x, axis=1) / np.arange(1, 4)[:, None]
    np.testing.assert_allclose(layer(Tensor(x), causal=True).data, running)
    np.testing.assert_allclose(layer(Tensor(x), None, np.array([2])).data[:, :1], running[:, 1:2])


def test_each_head_reads_its_own_columns() -> None:
    """Two heads of half the width, one by one; the second half of each matrix is the second head's."""
    layer = nn.MultiHeadAttention(4, 2, bias=False, generator=Generator(1)).astype(np.float64)
    layer.output.weight.data[...] = np.eye(4)
    x = normal(1, 3, 4)
    q, k, v = (x[0] @ layer.qkv.weight.data[i : i + 4].T for i in (0, 4, 8))
    for columns in (slice(0, 2), slice(2, 4)):
        weights = np.exp(q[:, columns] @ k[:, columns].T / math.sqrt(2))
        weights /= weights.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(layer(Tensor(x)).data[0, :, columns], weights @ v[:, columns])


def test_dropout_thins_out_the_weights_in_training() -> None:
    layer = nn.MultiHeadAttention(E, N, dropout=0.5, generator=Generator(1)).astype(np.float64)
    x = Tensor(normal(B, T, E))
    with pytest.raises(UsageError, match="attention dropout needs a generator"):
        layer(x)
    one, two = (layer(x, generator=Generator(seed)).data for seed in (1, 2))
    assert (one != two).any()
    np.testing.assert_array_equal(layer(x, generator=Generator(1)).data, one)
    plain = nn.MultiHeadAttention(E, N, generator=Generator(1)).astype(np.float64)
    np.testing.assert_array_equal(layer.eval()(x).data, plain(x).data)


def test_what_a_query_reads_sums_to_one() -> None:
    layer = nn.MultiHeadAttention(E, N, cross=True, memory_size=4, generator=Generator(1)).astype(np.float64)
    x, memory = Tensor(normal(B, T, E)), layer.project_kv(Tensor(normal(B, S, 4, seed=1)))
    y, weights = layer.attend(x, memory, SOURCE_LENGTHS)
    np.testing.assert_allclose(y.data, layer(x, memory, SOURCE_LENGTHS).data, rtol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    assert (weights[0, :, 4:] == 0).all()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("pieces", [(1, 1, 1, 1, 1), (3, 2), (1, 4), (5,)])
def test_piece_by_piece_equals_the_causal_whole(
    pieces: tuple[int, ...], rotary: bool, recorded: bool
) -> None:
    """Keys and values of what came before are kept, whatever the number of new tokens."""
    layer = nn.MultiHeadAttention(E, N, rotary=rotary, generator=Generator(1)).astype(np.float64)
    x, positions = normal(B, T, E), np.arange(T)
    expected = layer(Tensor(x), causal=True, positions=positions).data
    start, past = 0, None
    for size in pieces:
        now = slice(start, start + size)
        with contextlib.nullcontext() if recorded else no_grad():
            y, past = layer.decode_step(Tensor(x[:, now]), past, positions[now])
        np.testing.assert_allclose(y.data, expected[:, now], rtol=1e-12, atol=1e-14)
        start += size
    assert past.keys.shape == (B, N, T, E // N)


# Positions


def test_sinusoids_by_hand() -> None:
    found = sinusoidal(np.array([0, 3]), 4, np.float64)
    np.testing.assert_allclose(found[0], [0, 1, 0, 1])
    np.testing.assert_allclose(found[1], [math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)])
    with pytest.raises(ShapeError, match="even size, got 5"):
        nn.SinusoidalPositions(5)


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_scores_know_distances_alone(interleaved: bool) -> None:
    turn = nn.RotaryPositions(interleaved=interleaved)
    q, k = Tensor(normal(1, 6)), Tensor(normal(1, 6, seed=1))

    def score(m: int, n: int) -> float:
        return float((turn(q, np.array([m])).data * turn(k, np.array([n])).data).sum())

    assert score(9, 4) == pytest.approx(score(5, 0), rel=1e-12)
    assert score(9, 4) != pytest.approx(score(4, 9), rel=1e-3)
    assert score(0, 0) == pytest.approx(float((q.data * k.data).sum()), rel=1e-12)


def test_rotary_by_hand() -> None:
    """Of D = 2 there is one pair and ω = 1: a turn by the position in radians."""
    found = nn.RotaryPositions()(Tensor(np.array([[2.0, 0.0]])), np.array([3])).data
    np.testing.assert_allclose(found, [[2 * math.cos(3), 2 * math.sin(3)]])
    with pytest.raises(ShapeError, match=r"even last axis, got \(1, 3\)"):
        nn.RotaryPositions()(Tensor(normal(1, 3)), np.array([3]))


# What is refused


def heads(number: int = N, **settings: Any) -> nn.MultiHeadAttention:
    return nn.MultiHeadAttention(E, number, generator=Generator(1), **settings).astype(np.float64)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: heads(number=5), "expected num_heads to divide embedding_size, got 5 and 12"),
        (lambda: heads(number=0), "expected num_heads to be at least 1, got 0"),
        (lambda: heads(number=4, rotary=True), "heads of an even size, got 3"),
        (lambda: heads(cross=True, rotary=True), "rotary positions are for self-attention"),
        (
            lambda: heads()(Tensor(normal(B, T, E)), LENGTHS),
            "expected no memory with cross=False, got a memory",
        ),
        (lambda: heads(cross=True)(Tensor(normal(B, T, E))), "expected a memory with cross=True, got none"),
        (lambda: heads()(Tensor(normal(T, E)), None, LENGTHS, lengths=[T]), "lengths or a mask"),
        (lambda: nn.MultiHeadAttention(E, N, dropout=1.0, generator=Generator(1)), "dropout rate"),
        (lambda: make("TransformerEncoderLayer", norm="both"), "expected norm to be pre or post, got 'both'"),
        (lambda: make("TransformerEncoderLayer", activation="tanh"), "one of relu, gelu, gelu-tanh"),
        (
            lambda: nn.TransformerEncoderStack(0, E, N, H, generator=Generator(1)),
            "expected num_layers to be at least 1, got 0",
        ),
        (
            lambda: nn.TransformerDecoderStack(0, E, N, H, generator=Generator(1)),
            "expected num_layers to be at least 1, got 0",
        ),
        (
            lambda: make("TransformerEncoderLayer", rotary=True)(Tensor(normal(B, T, E))),
            "expected the positions",
        ),
    ],
)
def test_settings_that_make_no_layer(call: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call()
