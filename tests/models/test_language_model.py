"""The recurrent language model of every kind: it learns, carries its state, and predicts probabilities."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd.sparse_gradient import to_dense
from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.optim import make_optimizer

V, B, T = 11, 2, 7
KINDS = list(itertools.product(["lstm", "gru", "rnn"], [True, False], [True, False]))
NAMES = [
    f"{kind}-{'tied' if tied else 'untied'}{'-locked' if locked else ''}" for kind, tied, locked in KINDS
]


def make(
    kind: str = "lstm", *, tied: bool = True, locked: bool = False, dtype: Any = np.float32, **settings: Any
) -> LanguageModel:
    settings = {"embedding_size": 5, "hidden_size": 6, "num_layers": 2, **settings}
    config = LanguageModelConfig(V, model=kind, tied=tied, locked_dropout=locked, **settings)
    model = LanguageModel(config, generator=Generator(4, "init"))
    model.astype(dtype)
    return model


def tokens(seed: int = 0, shape: tuple[int, ...] = (B, T)) -> np.ndarray:
    return Generator(seed).integers(0, V, shape).astype(np.int32)


@pytest.fixture(params=KINDS, ids=NAMES)
def each(request: pytest.FixtureRequest) -> dict[str, Any]:
    kind, tied, locked = request.param
    return {"kind": kind, "tied": tied, "locked": locked}


def test_it_learns_a_small_batch_by_heart(each: dict[str, Any]) -> None:
    model = make(**each, embedding_size=16, hidden_size=16, num_layers=1)
    ids, targets = tokens(1), tokens(2)
    optimizer = make_optimizer("adam", list(model.named_parameters()), lr=0.03)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss, _ = model.loss(ids, targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(V), rel=0.1)  # it begins by guessing
    assert losses[-1] < 0.02


def test_the_gradient_of_the_whole_model(each: dict[str, Any]) -> None:
    model = make(**each, dtype=np.float64, dropout=0.3)
    ids, targets = tokens(1), tokens(2)
    targets[0, 3] = -1
    state = [
        tuple(Generator(5).normal(a.shape, dtype=np.float64) for a in entry) for entry in model.zero_state(B)
    ]
    parameters = list(model.parameters())

    def loss() -> Any:
        return model.loss(ids, targets, state, generator=Generator(6))[0]

    (loss() * 0.7).backward()  # not 1: a backward that ignores what it is given would pass
    values = [parameter.data.copy() for parameter in parameters]
    for seed in range(3):
        random = np.random.default_rng(seed)
        directions = [random.standard_normal(value.shape) for value in values]
        backward = sum(
            float((to_dense(p.grad) * v).sum()) for p, v in zip(parameters, directions, strict=True)
        )
        sides = []
        for sign in (1, -1):
            for parameter, value, direction in zip(parameters, values, directions, strict=True):
                parameter.data[...] = value + sign * 1e-6 * direction
            sides.append(0.7 * loss().item())
        assert backward == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_a_state_carried_over_equals_one_long_window(each: dict[str, Any]) -> None:
    model = make(**each, dtype=np.float64)
    ids, targets = tokens(1), tokens(2)
    whole, last = model.token_losses(ids, targets)
    parts, state = [], None
    for start, stop in ((0, 3), (3, 4), (4, T)):
        losses, state = model.token_losses(ids[:, start:stop], targets[:, start:stop], state)
        parts.append(losses)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-12)
    for entry, entry_last in zip(state or [], last, strict=True):
        for part, part_last in zip(entry, entry_last, strict=True):
            np.testing.assert_allclose(part, part_last, rtol=1e-12, atol=1e-14)


def test_stepping_equals_forward_and_sums_to_one(each: dict[str, Any]) -> None:
    model = make(**each, dtype=np.float64)
    ids, targets = tokens(1), tokens(2)
    scores, _ = model.forward(ids)
    log_p = scores.data - np.log(np.exp(scores.data).sum(axis=-1, keepdims=True))
    state, losses = model.start(B), model.token_losses(ids, targets)[0]
    for t in range(T):
        log_probs, state = model.step(ids[:, t], state)
        np.testing.assert_allclose(log_probs, log_p[:, t], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(-log_probs[np.arange(B), targets[:, t]], losses[:, t], rtol=1e-12)


def test_a_step_leaves_the_state_that_it_was_given(each: dict[str, Any]) -> None:
    model = make(**each)
    _, state = model.step(np.array([1, 2]), model.start(B))
    kept = [tuple(a.copy() for a in entry) for entry in state]
    first, _ = model.step(np.array([3, 4]), state)
    again, _ = model.step(np.array([3, 4]), state)
    np.testing.assert_array_equal(first, again)
    for entry, entry_kept in zip(state, kept, strict=True):
        for part, part_kept in zip(entry, entry_kept, strict=True):
            np.testing.assert_array_equal(part, part_kept)


def test_rows_are_reordered_dropped_and_repeated(each: dict[str, Any]) -> None:
    model = make(**each)
    ids = tokens(3, (3, 4))
    state = model.start(3)
    for t in range(4):
        expected, state = model.step(ids[:, t], state)
    rows = np.array([2, 0, 0, 2, 1])
    state = model.start(3)
    for t in range(3):
        _, state = model.step(ids[:, t], state)
    got, _ = model.step(ids[rows, 3], model.reorder(state, rows))
    np.testing.assert_allclose(got, expected[rows], rtol=1e-5, atol=1e-6)


def test_losses_are_float64_means_and_ignore_padding() -> None:
    model = make()
    ids, targets = tokens(1), tokens(2)
    targets[1, 4:] = -1
    losses, _ = model.token_losses(ids, targets)
    assert (losses.dtype, losses.shape) == (np.float64, (B, T))
    assert (losses[1, 4:] == 0).all()
    assert (losses[targets >= 0] > 0).all()
    mean, _ = model.loss(ids, targets)
    assert mean.item() == pytest.approx(losses.sum() / (targets >= 0).sum(), rel=1e-6)


def test_evaluation_drops_nothing_and_leaves_the_mode_as_it_was() -> None:
    model = make(dropout=0.5)
    ids, targets = tokens(1), tokens(2)
    for training in (True, False):
        model.train(training)
        one, _ = model.token_losses(ids, targets)
        same, _ = model.token_losses(ids, targets)
        np.testing.assert_array_equal(one, same)
        model.step(ids[:, 0], model.start(B))
        assert model.training == model.recurrent.dropout.training == training
    model.train()
    with pytest.raises(UsageError, match="generator"):
        model.loss(ids, targets)
    assert model.loss(ids, targets, generator=Generator(1))[0].item() != pytest.approx(one.mean(), rel=1e-6)
    with pytest.raises(ShapeError):
        model.train().token_losses(ids + V, targets)
    assert model.training


def test_dropout_has_three_places() -> None:
    """Each single rate replaces the common one in its place."""
    for place in ("input", "hidden", "output"):
        model = make(dropout=0.5, **{f"dropout_{place}": 0.0})
        rates = {
            "input": model.input_dropout.rate,
            "hidden": model.recurrent.dropout.rate,
            "output": model.output_dropout.rate,
        }
        assert rates == {name: 0.0 if name == place else 0.5 for name in rates}


def test_tied_weights_are_one() -> None:
    tied, untied = make(tied=True), make(tied=False)
    assert tied.output.weight is tied.embedding.weight
    assert tied.recurrent.hidden_sizes == [6, 5]  # the last layer is as wide as the embedding
    assert untied.recurrent.hidden_sizes == [6, 6]
    assert len(list(untied.parameters())) == len(list(tied.parameters())) + 1
    recurrent = sum(p.size for p in tied.recurrent.parameters())
    assert tied.parameter_count() == V * 5 + V + recurrent


def test_initial_ranges() -> None:
    for tied in (True, False):
        model = make(tied=tied, num_layers=1, init_range=0.03, embedding_size=20, hidden_size=20)
        for name, parameter in model.named_parameters():
            largest = np.abs(parameter.data).max()
            assert 0.02 < largest <= 0.03, name
    for value in (1.0, 0.0, -2.5):
        model = make(num_layers=2, **({} if value == 1 else {"forget_bias": value}))
        for layer in model.recurrent.layers:
            _, forget, *others = np.split(layer.bias.data, 4)
            assert (forget == value).all()
            assert 0 < np.abs(others).max() < 1 / np.sqrt(len(forget))
    usual = make(tied=False, embedding_size=40, hidden_size=40)
    assert 0.09 < np.abs(usual.embedding.weight.data).max() <= 0.1
    assert 0.09 < np.abs(usual.output.weight.data).max() <= 0.1
    assert (usual.output.bias.data == 0).all()
    assert 0.15 < np.abs(usual.recurrent.layers[0].weight_hh.data).max() <= 1 / math.sqrt(40)


@pytest.mark.parametrize(
    "ids",
    [
        np.full((B, T), V),
        np.full((B, T), -1),
        np.full((B, T), -2),
        np.full((B, T), 2**40),
        np.zeros((B, T)),
        np.zeros(T, int),
        np.zeros((B, T, 1), int),
        [[0, 1], [2, V]],
    ],
    ids=["V", "-1", "-2", "2**40", "floats", "1 axis", "3 axes", "list"],
)
def test_ids_that_are_none(ids: Any) -> None:
    model = make()
    targets = np.zeros(np.shape(ids), np.int32)
    for use in (
        model.forward,
        lambda ids: model.loss(ids, targets),
        lambda ids: model.token_losses(ids, targets),
    ):
        with pytest.raises(ShapeError, match="expected ids"):
            use(ids)
    if np.ndim(ids) == 2 and not isinstance(ids, list):
        with pytest.raises(ShapeError, match="expected ids"):
            model.step(ids[:, 0], model.start(B))


def test_targets_that_are_none() -> None:
    model, ids = make(), tokens()
    for wrong in (np.full((B, T), V), np.full((B, T), -2), np.zeros((B, T))):
        with pytest.raises(ShapeError, match="expected ids"):
            model.loss(ids, wrong)
    with pytest.raises(ShapeError, match=r"expected x .*, targets \(…\), got"):
        model.loss(ids, tokens(1, (B, T - 1)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "transformer"}, "lstm, gru, rnn, got 'transformer'"),
        ({"embedding_size": 0}, "expected embedding_size to be at least 1"),
        ({"num_layers": 0}, "expected num_layers to be at least 1"),
        ({"vocab_size": 0}, "expected vocab_size to be at least 1"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout_hidden": -0.5}, "dropout"),
    ],
)
def test_settings_that_make_no_model(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LanguageModel(
            LanguageModelConfig(**{"vocab_size": V, "embedding_size": 4, "hidden_size": 4, **settings}),
            generator=0,
        )


def test_lists_of_ids_are_welcome() -> None:
    model = make()
    ids = tokens(1)
    np.testing.assert_array_equal(model.forward(ids.tolist())[0].data, model.forward(ids)[0].data)


AWD: dict[str, Any] = {
    "dropout_input": 0.3, "dropout_hidden": 0.25, "dropout_output": 0.4, "dropout_embedding": 0.2,
    "weight_drop": 0.5, "activation_regularization": 2.0, "temporal_regularization": 1.5,
}  # fmt: skip


def plain_lstm(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The outputs (B, T, H) of the equations of an LSTM, step by step from zeros."""
    h, c, outputs = np.zeros((len(x), Wh.shape[1])), np.zeros((len(x), Wh.shape[1])), []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ Wx.T + h @ Wh.T + b, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def test_the_step_of_awd_lstm_equals_its_equations() -> None:
    """Merity et al. (2018): masks of words, weights and features, drawn once for a window, and AR and TAR."""
    model = make(dtype=np.float64, locked=True, embedding_size=6, **AWD)
    ids, targets = tokens(1), tokens(2)
    loss, penalty, _ = model.loss_and_penalty(ids, targets, generator=Generator(6))
    arrays, draws = model.state_dict(), Generator(6)

    def mask(shape: tuple[int, ...], rate: float) -> np.ndarray:
        return (draws.uniform(shape) < 1 - rate) / (1 - rate)

    def dropped(weights: np.ndarray) -> np.ndarray:
        result: np.ndarray = ops.dropout(weights, rate=0.5, generator=draws, weights=True).numpy()
        assert set(np.unique(np.round(result / weights, 9))) == {0, 2}
        return result

    x = arrays["embedding.weight"][ids] * mask((V,), 0.2)[ids][:, :, None]
    x = x * mask((B, 1, 6), 0.3)
    for layer, size in enumerate((6, 6)):
        if layer:
            x = x * mask((B, 1, size), 0.25)
        Wx, Wh, b = (arrays[f"recurrent.layers.{layer}.{n}"] for n in ("weight_ih", "weight_hh", "bias"))
        x = plain_lstm(x, Wx, dropped(Wh), b)
    out = x * mask((B, 1, 6), 0.4)
    scores = out @ arrays["embedding.weight"].T + arrays["output.bias"]
    log_p = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
    expected = -np.take_along_axis(log_p, targets[:, :, None], axis=2).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert penalty is not None
    regular = 2 * (out**2).mean() + 1.5 * ((x[:, 1:] - x[:, :-1]) ** 2).mean()
    assert penalty.item() == pytest.approx(regular, rel=1e-12)


def test_the_gradient_of_awd_lstm() -> None:
    model = make(dtype=np.float64, locked=True, **AWD)
    ids, targets = tokens(1), tokens(2)
    parameters = dict(model.named_parameters())

    def objective() -> Any:
        loss, penalty, _ = model.loss_and_penalty(ids, targets, generator=Generator(6))
        return loss + penalty

    objective().backward()
    for name, parameter in parameters.items():
        random = np.random.default_rng(parameter.size)
        direction, value = random.standard_normal(parameter.shape), parameter.data.copy()
        sides = []
        for sign in (1, -1):
            parameter.data[...] = value + sign * 1e-6 * direction
            sides.append(objective().item())
        parameter.data[...] = value
        backward = float((to_dense(parameter.grad) * direction).sum())
        assert backward == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-8), name


def test_regularisation_is_for_training() -> None:
    model, plain = make(locked=True, **AWD), make(locked=True)
    plain.load_state_dict(model.state_dict())
    ids, targets = tokens(1), tokens(2)
    np.testing.assert_array_equal(model.token_losses(ids, targets)[0], plain.token_losses(ids, targets)[0])
    assert plain.loss_and_penalty(ids, targets)[1] is None
    short = make(temporal_regularization=1.0)
    assert short.loss_and_penalty(ids[:, :1], targets[:, :1])[1] is None  # one step changes nothing
