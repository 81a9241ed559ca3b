"""RNN, GRU and LSTM of several layers and both directions."""

from typing import Any

import numpy as np
import pytest

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.errors import UsageError

B, T, E, H = 3, 7, 5, 4
KINDS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def make(kind: str, **settings: Any) -> Any:
    layer = KINDS[kind](E, H, generator=Generator(1), **settings)
    return layer.astype(np.float64)


def inputs(seed: int = 2) -> np.ndarray:
    return Generator(seed).normal((B, T, E), dtype=np.float64)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_shapes(kind: str, layers: int, bidirectional: bool) -> None:
    model = make(kind, num_layers=layers, bidirectional=bidirectional)
    directions = 2 if bidirectional else 1
    y, state = model(Tensor(inputs()))
    assert y.shape == (B, T, H * directions)
    assert [tuple(part.shape for part in entry) for entry in state] == [
        ((B, H),) * (2 if kind == "lstm" else 1)
    ] * (layers * directions)
    last_h = state[-directions][0].data
    np.testing.assert_array_equal(y.data[:, -1, :H], last_h)
    if bidirectional:
        np.testing.assert_array_equal(y.data[:, 0, H:], state[-1][0].data)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(kind: str, bidirectional: bool) -> None:
    """A row of n tokens in a padded batch gives what it gives alone; padding gets zeros and no gradient."""
    model = make(kind, num_layers=2, bidirectional=bidirectional)
    lengths = (7, 4, 1)
    mask = np.arange(T) < np.array(lengths)[:, None]
    x = inputs()
    x[~mask] = 1e3
    batch = Tensor(x, requires_grad=True)
    y, state = model(batch, mask=mask)
    weights = Generator(9).normal(y.shape, dtype=np.float64)
    (y * weights).sum().backward()
    for row, n in enumerate(lengths):
        alone = Tensor(x[row : row + 1, :n], requires_grad=True)
        y_alone, state_alone = model(alone)
        np.testing.assert_allclose(y.data[row, :n], y_alone.data[0], rtol=1e-12, atol=1e-14)
        assert (y.data[row, n:] == 0).all()
        for entry, entry_alone in zip(state, state_alone, strict=True):
            for part, part_alone in zip(entry, entry_alone, strict=True):
                np.testing.assert_allclose(part.data[row], part_alone.data[0], rtol=1e-12, atol=1e-14)
        (y_alone * weights[row : row + 1, :n]).sum().backward()
        np.testing.assert_allclose(batch.grad[row, :n], alone.grad[0], rtol=1e-10, atol=1e-14)
        assert (batch.grad[row, n:] == 0).all()


def test_a_state_carried_over_equals_one_long_sequence(kind: str) -> None:
    model, x = make(kind, num_layers=2), inputs()
    whole, last = model(Tensor(x))
    parts, state = [], None
    for start, stop in ((0, 3), (3, 4), (4, T)):
        y, state = model(Tensor(x[:, start:stop]), state)
        parts.append(y.data)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole.data, rtol=1e-12, atol=1e-14)
    for entry, entry_last in zip(state or [], last, strict=True):
        np.testing.assert_allclose(entry[0].data, entry_last[0].data, rtol=1e-12, atol=1e-14)


def test_the_reverse_direction_reads_backwards(kind: str) -> None:
    both = make(kind, bidirectional=True)
    alone = make(kind)
    alone.load_state_dict(_second_direction(both))
    x = inputs()
    y, _ = both(Tensor(x))
    mirrored, _ = alone(Tensor(x[:, ::-1].copy()))
    np.testing.assert_allclose(y.data[:, :, H:], mirrored.data[:, ::-1], rtol=1e-12, atol=1e-14)


def _second_direction(model: Any) -> dict[str, np.ndarray]:
    prefix = "layers.1."
    return {
        "layers.0." + name.removeprefix(prefix): a
        for name, a in model.state_dict().items()
        if name.startswith(prefix)
    }


@pytest.mark.parametrize("locked", [False, True])
def test_dropout_stands_between_the_layers_only(kind: str, locked: bool) -> None:
    x = Tensor(inputs().astype(np.float32))
    single = KINDS[kind](E, H, dropout=0.5, locked=locked, generator=Generator(1))
    single(x)  # one layer: nothing to drop, no generator needed
    double = KINDS[kind](E, H, 2, dropout=0.5, locked=locked, generator=Generator(1))
    with pytest.raises(UsageError, match="generator"):
        double(x)
    one, _ = double(x, generator=Generator(3))
    same, _ = double(x, generator=Generator(3))
    other, _ = double(x, generator=Generator(4))
    np.testing.assert_array_equal(one.data, same.data)
    assert not np.array_equal(one.data, other.data)
    double.eval()
    np.testing.assert_array_equal(double(x)[0].data, double(x)[0].data)


def test_sizes_by_layer(kind: str) -> None:
    model = KINDS[kind](E, [6, 2], 2, generator=Generator(0))
    y, state = model(Tensor(inputs().astype(np.float32)))
    assert y.shape == (B, T, 2)
    assert [entry[0].shape for entry in state] == [(B, 6), (B, 2)]


@pytest.mark.parametrize(("sizes", "layers"), [([3, 4], 3), ([], 0), (4, 0)])
def test_sizes_that_do_not_fit_the_layers(kind: str, sizes: Any, layers: int) -> None:
    with pytest.raises(UsageError, match=r"hidden sizes|expected num_layers to be at least 1, got 0"):
        KINDS[kind](E, sizes, layers, generator=Generator(0))


def test_a_state_of_another_depth_is_refused(kind: str) -> None:
    model = make(kind, num_layers=2)
    with pytest.raises(UsageError, match="1 entries for 2 layers"):
        model(Tensor(inputs()), make(kind).zero_state(B, np.float64))


def test_an_unknown_nonlinearity() -> None:
    with pytest.raises(UsageError, match="tanh, relu, got 'sinus'"):
        nn.RNN(E, H, nonlinearity="sinus", generator=Generator(0))
    model = nn.RNN(E, H, generator=Generator(0))
    model.nonlinearity = "sinus"
    with pytest.raises(UsageError, match="tanh or relu, got 'sinus'"):
        model(Tensor(inputs().astype(np.float32)))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    ("kind", "nonlinearity"), [("rnn", "tanh"), ("rnn", "relu"), ("gru", None), ("lstm", None)]
)
def test_equals_torch(kind: str, nonlinearity: str | None, bidirectional: bool) -> None:
    """Two layers with the same weights: outputs, states and all gradients to float64 rounding."""
    torch = pytest.importorskip("torch")
    settings = {} if nonlinearity is None else {"nonlinearity": nonlinearity}
    ours = make(kind, num_layers=2, bidirectional=bidirectional, **settings)
    theirs = getattr(torch.nn, kind.upper())(
        E, H, 2, batch_first=True, bidirectional=bidirectional, dtype=torch.float64, **settings
    )
    directions = 2 if bidirectional else 1

    def name_of(name: str) -> str:
        return "bias_ih" if name == "bias" else name

    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.zero_()
        for index, layer in enumerate(ours.layers):
            suffix = f"_l{index // directions}" + ("_reverse" if index % directions else "")
            for name, parameter in layer.named_parameters():
                getattr(theirs, name_of(name) + suffix).copy_(torch.from_numpy(parameter.data))
    x = inputs()
    ours_x, theirs_x = Tensor(x, requires_grad=True), torch.from_numpy(x).requires_grad_()
    y, state = ours(ours_x)
    expected, expected_state = theirs(theirs_x)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    parts = expected_state if kind == "lstm" else (expected_state,)
    for index, entry in enumerate(state):
        for part, expected_part in zip(entry, parts, strict=True):
            np.testing.assert_allclose(
                part.data, expected_part[index].detach().numpy(), rtol=1e-10, atol=1e-12
            )
    weights = Generator(8).normal(y.shape, dtype=np.float64)
    (y * weights).sum().backward()
    (expected * torch.from_numpy(weights)).sum().backward()
    np.testing.assert_allclose(ours_x.grad, theirs_x.grad.numpy(), rtol=1e-9, atol=1e-12)
    for index, layer in enumerate(ours.layers):
        suffix = f"_l{index // directions}" + ("_reverse" if index % directions else "")
        for name, parameter in layer.named_parameters():
            gradient = getattr(theirs, name_of(name) + suffix).grad.numpy()
            np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-9, atol=1e-12)
