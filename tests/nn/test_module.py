"""Modules: what they find among their attributes, save, load and move."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from seqkit import nn, ops
from seqkit.autograd import Tensor, is_grad_enabled
from seqkit.backend.random import Generator, Rows
from seqkit.errors import RunError, ShapeError, UsageError


class Block(nn.Module):
    def __init__(self, generator: Generator) -> None:
        self.second = nn.Linear(3, 5, generator=generator)
        self.scale = nn.Parameter(np.ones(5, np.float32))
        self.parts = [nn.LayerNorm(5), ops.relu, nn.Linear(5, 2, bias=False, generator=generator)]
        self.shift = nn.Parameter(np.zeros(2, np.float32))


class Tied(nn.Module):
    def __init__(self) -> None:
        self.a = nn.Embedding(7, 3, generator=Generator(0))
        self.b = nn.Linear(3, 7, bias=False, generator=Generator(1))
        self.b.weight = self.a.weight


@pytest.fixture
def block() -> Block:
    return Block(Generator(3))


def test_parameters_are_named_in_a_fixed_order(block: Block) -> None:
    names = [
        "scale",
        "shift",
        "second.weight",
        "second.bias",
        "parts.0.weight",
        "parts.0.bias",
        "parts.2.weight",
    ]
    assert [name for name, _ in block.named_parameters()] == names
    assert list(block.state_dict()) == names
    assert [p.shape for p in block.parameters()] == [(5,), (2,), (5, 3), (5,), (5,), (5,), (2, 5)]
    assert block.parameter_count() == 5 + 2 + 15 + 5 + 5 + 5 + 10


def test_a_tied_parameter_counts_once_under_its_first_name() -> None:
    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == ["a.weight"]
    assert tied.parameter_count() == 21
    tied.load_state_dict({"a.weight": np.full((7, 3), 2.0)})
    np.testing.assert_array_equal(tied.b.weight.data, np.full((7, 3), 2, np.float32))
    tied.astype(np.float64)
    assert tied.b.weight is tied.a.weight
    assert tied.b.weight.dtype == np.float64
    tied.a(np.array([1, 2])).sum().backward()
    assert tied.b.weight.grad is tied.a.weight.grad is not None
    tied.zero_grad()
    assert tied.b.weight.grad is None


def test_a_state_goes_round(block: Block) -> None:
    saved = {name: a.copy() for name, a in block.state_dict().items()}
    other = Block(Generator(4))
    before = dict(other.named_parameters())
    assert not np.array_equal(other.second.weight.data, block.second.weight.data)
    other.load_state_dict(saved)
    assert dict(other.named_parameters()) == before  # the same Parameter objects, which an optimiser may hold
    for name, value in other.state_dict().items():
        np.testing.assert_array_equal(value, saved[name])
        assert not np.shares_memory(value, saved[name])


def test_a_state_that_does_not_fit_is_refused_whole(block: Block) -> None:
    saved = {name: a + 1 for name, a in block.state_dict().items()}
    before = {name: a.copy() for name, a in block.state_dict().items()}
    missing = {name: a for name, a in saved.items() if name != "shift"} | {"extra": np.zeros(1)}
    with pytest.raises(
        RunError, match=r"x\.safetensors does not fit Block: missing \['shift'\], extra \['extra'\]"
    ):
        block.load_state_dict(missing, source="x.safetensors")
    with pytest.raises(
        ShapeError, match=r"x\.safetensors: expected second\.weight of shape \(5, 3\), got \(3, 5\)"
    ):
        block.load_state_dict(saved | {"second.weight": np.zeros((3, 5))}, source="x.safetensors")
    for name, value in block.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_train_and_eval_reach_every_part(block: Block) -> None:
    everything = [block, block.second, block.parts[0], block.parts[2]]
    assert all(module.training for module in everything)
    assert block.eval() is block
    assert not any(module.training for module in everything)
    block.train()
    assert all(module.training for module in everything)


def test_dropout_is_for_training() -> None:
    x = Tensor(np.ones((50, 40), np.float32))
    for layer in (nn.Dropout(0.25), nn.LockedDropout(0.25)):
        rows = x.reshape(5, 10, 40)
        with pytest.raises(UsageError, match="generator"):
            layer(rows)
        y = layer(rows, Generator(1)).data
        assert set(np.unique(y)) == {0, np.float32(4 / 3)}
        assert 0.6 < (y > 0).mean() < 0.9
        locked = bool(np.all(y == y[:, :1]))
        assert locked == isinstance(layer, nn.LockedDropout)
        layer.eval()
        assert layer(rows) is rows
    assert nn.Dropout(0.0)(x) is x
    for rate in (1.0, -0.1, float("nan")):
        with pytest.raises(UsageError):
            nn.Dropout(rate)


def test_dropped_weights_are_the_same_for_all_rows_of_a_batch() -> None:
    """A process that has some rows of a batch drops the weights that the others drop."""
    weights, layer = Tensor(np.ones((6, 5), np.float32)), nn.WeightDrop(0.5)
    whole = layer(weights, Generator(3)).data
    assert set(np.unique(whole)) == {0, 2}
    part = Generator(3)
    part.rows = Rows(first=2, count=3)
    np.testing.assert_array_equal(layer(weights, part).data, whole)
    part.load_state(Generator(3).state())
    assert (nn.Dropout(0.5)(weights, part).data != whole).any()
    with pytest.raises(UsageError, match="generator"):
        layer(weights)
    assert layer.eval()(weights) is weights


def test_embedding_dropout_leaves_out_whole_tokens() -> None:
    layer, ids = nn.EmbeddingDropout(0.4), np.arange(60).reshape(3, 20) % 30
    x = Tensor(np.ones((3, 20, 4), np.float32))
    y = layer(x, ids, 30, Generator(2)).data
    assert set(np.unique(y)) == {0, np.float32(1 / 0.6)}
    by_id = y.reshape(60, 4)
    np.testing.assert_array_equal(by_id[:30], by_id[30:])
    assert (by_id == by_id[:, :1]).all()
    assert 5 < (by_id[:30, 0] == 0).sum() < 20
    with pytest.raises(UsageError, match="generator"):
        layer(x, ids, 30)
    assert layer.eval()(x, ids, 30) is x


def test_sequential_passes_results_and_the_generator_on() -> None:
    generator = Generator(2)
    layers = nn.Sequential(
        nn.Linear(3, 4, generator=generator),
        ops.relu,
        nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 2, generator=generator)),
    )
    assert (len(layers), layers[1]) == (3, ops.relu)
    assert [name for name, _ in layers.named_parameters()] == [
        *("layers.0.weight", "layers.0.bias", "layers.2.layers.1.weight", "layers.2.layers.1.bias"),
    ]
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    with pytest.raises(UsageError, match="generator"):
        layers(Tensor(x))
    assert layers(Tensor(x), Generator(0)).shape == (2, 2)
    layers.eval()
    first, last = layers[0], layers[2][1]
    hidden = np.maximum(x @ first.weight.data.T + first.bias.data, 0)
    np.testing.assert_allclose(
        layers(Tensor(x)).data, hidden @ last.weight.data.T + last.bias.data, rtol=1e-5
    )


def test_layers_compute_what_they_say() -> None:
    generator = Generator(5)
    x = Generator(6).normal((2, 3, 5))
    linear = nn.Linear(5, 7, generator=generator)
    np.testing.assert_allclose(
        linear(Tensor(x)).data, x @ linear.weight.data.T + linear.bias.data, rtol=2e-5, atol=1e-6
    )
    norm = nn.LayerNorm(5)
    norm.weight.data[...], norm.bias.data[...] = 3, 1
    y = norm(Tensor(x)).data
    np.testing.assert_allclose(y.mean(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=-1), 3, rtol=1e-3)
    table = nn.Embedding(11, 4, std=0.5, generator=generator)
    ids = np.array([[3, 0, 10], [3, 3, 1]])
    np.testing.assert_array_equal(table(ids).data, table.weight.data[ids])


def test_modules_are_not_pickled(block: Block) -> None:
    for part in (block, block.scale):
        with pytest.raises(TypeError, match="does not pickle"):
            pickle.dumps(part)  # as a user would, or joblib; nothing is ever unpickled


def test_a_deep_copy_has_parameters_of_its_own() -> None:
    model = nn.Sequential(Tied(), nn.BatchNorm(3))
    tied: Any = model[0]
    tied.a(np.array([1, 2])).sum().backward()
    model[1].bias.requires_grad = False
    before = {name: array.copy() for name, array in model.state_dict().items()}
    copied = copy.deepcopy(model.eval())
    assert not copied.training
    twin: Any = copied[0]
    assert twin.b.weight is twin.a.weight
    assert twin.a.weight.grad is None
    assert list(copied.state_dict()) == list(before)
    assert dict(copied.named_buffers()).keys() == dict(model.named_buffers()).keys()
    assert [p.requires_grad for p in copied.parameters()] == [True, True, False]
    for name, array in copied.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
        array += 1
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    twin.a(np.array([0])).sum().backward()
    assert twin.a.weight.grad is not None


def test_a_module_shows_its_parts(block: Block) -> None:
    text = repr(block)
    assert text.startswith("Block(47 parameters)\n")
    assert "  second: Linear(20 parameters)" in text


def test_a_module_without_tensors_has_no_device() -> None:
    assert str(nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2, generator=0)).device) == "cpu"
    with pytest.raises(UsageError, match="Dropout has no parameters or buffers, and so no device"):
        _ = nn.Dropout(0.5).device


def test_moving_to_the_device_keeps_values(gpu: str, block: Block) -> None:
    before = {name: np.array(a) for name, a in block.state_dict().items()}
    block.scale.grad = block.scale.data
    block.to(gpu)
    assert str(block.device).startswith(gpu)
    assert block.scale.grad is None
    moved: Any = block.to("cpu").state_dict()
    for name, value in before.items():
        np.testing.assert_array_equal(moved[name], value)


@pytest.mark.parametrize(
    "make",
    [
        lambda **given: nn.Linear(4, 2, **given),
        lambda **given: nn.Embedding(7, 3, **given),
        lambda **given: nn.LearnedPositions(7, 3, **given),
        lambda **given: nn.Conv2d(2, 3, 3, **given),
        lambda **given: nn.LSTM(4, 3, 2, bidirectional=True, **given),
        lambda **given: nn.Attention("additive", 3, 5, **given),
        lambda **given: nn.MultiHeadAttention(4, 2, **given),
        lambda **given: nn.FeedForward(4, 8, **given),
        lambda **given: nn.TransformerEncoderLayer(4, 2, 8, **given),
        lambda **given: nn.TransformerDecoderStack(2, 4, 2, 8, **given),
    ],
)
def test_weights_are_drawn_by_a_seed_a_generator_or_afresh(make: Any) -> None:
    by_seed, by_generator, *afresh = make(generator=3), make(generator=Generator(3, "init")), make(), make()
    for name, array in by_seed.state_dict().items():
        np.testing.assert_array_equal(by_generator.state_dict()[name], array)
    matrices = [name for name, array in by_seed.state_dict().items() if array.ndim > 1]
    for name in matrices:
        assert not np.array_equal(*(layer.state_dict()[name] for layer in afresh))
        for other in matrices:  # one source for all parts: none is drawn twice
            pair = by_seed.state_dict()[name], by_seed.state_dict()[other]
            assert other == name or not np.array_equal(*pair)


def test_evaluating_restores_what_was_and_nests() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2, generator=0))
    for mode in (True, False):
        model.train(mode)
        with model.evaluating():
            assert not model.training
            with model.evaluating(), pytest.raises(KeyError):
                raise KeyError
            assert not any(child.training for _, child in model.children())
            assert not is_grad_enabled()
        assert [child.training for _, child in model.children()] == [mode, mode]
        assert is_grad_enabled()
    with model.evaluating():  # another one is not covered by it
        other = nn.Sequential(nn.Dropout(0.5))
        with other.evaluating():
            assert not other.training
        assert other.training
