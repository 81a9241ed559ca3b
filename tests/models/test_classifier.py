"""Sequence classifiers of every kind: they learn, padding changes nothing, gradients are right."""

import math
from typing import Any

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models import (
    BagConfig,
    RecurrentConfig,
    SequenceClassifier,
    SequenceClassifierConfig,
    TransformerEncoderConfig,
)
from seqkit.optim import make_optimizer
from tests.models.gradients import assert_slope, gradients

V, B, T, K = 11, 7, 5, 3
LENGTHS = np.array([5, 2, 3, 1, 4, 5, 2])
BAG, LSTM = BagConfig(V, 8), RecurrentConfig(V, 8, 6)
GRU = RecurrentConfig(V, 8, 6, num_layers=2, cell="gru", bidirectional=False)
TRANSFORMER = TransformerEncoderConfig(
    V, embedding_size=8, num_layers=1, num_heads=2, max_length=9, norm="pre", epsilon=1e-5
)
KINDS: dict[str, SequenceClassifierConfig] = {
    "bag": SequenceClassifierConfig(BAG, K),
    "deep bag": SequenceClassifierConfig(BagConfig(V, 8, (6, 5)), K),
    "lstm last": SequenceClassifierConfig(LSTM, K, "last"),
    "lstm max": SequenceClassifierConfig(LSTM, K),
    "gru mean": SequenceClassifierConfig(GRU, K, "mean"),
    "gru last": SequenceClassifierConfig(GRU, K, "last"),
    "transformer mean": SequenceClassifierConfig(TRANSFORMER, K),
    "transformer cls": SequenceClassifierConfig(TRANSFORMER, K, "cls"),
    "transformer max": SequenceClassifierConfig(TRANSFORMER, K, "max"),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def make(kind: str, dtype: Any = np.float64) -> SequenceClassifier:
    return SequenceClassifier(KINDS[kind], generator=Generator(4, "init")).astype(dtype)


def batch(pad: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    ids, labels = random.integers(0, V, (B, T)), random.integers(0, K, B)
    ids[np.arange(T) >= LENGTHS[:, None]] = pad
    return ids, LENGTHS, labels


@kinds
def test_it_learns_a_small_batch_by_heart(kind: str) -> None:
    model = make(kind, np.float32)
    optimizer = make_optimizer("adam", list(model.named_parameters()), lr=0.03)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = model.loss(*batch())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(K), rel=0.25)  # it begins by guessing
    assert losses[-1] < 0.02
    ids, lengths, labels = batch()
    log_probs = model.log_probs(ids, lengths)
    np.testing.assert_array_equal(log_probs.argmax(axis=1), labels)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-5)


@kinds
def test_padding_changes_neither_loss_nor_gradients(kind: str) -> None:
    model = make(kind)
    ids, lengths, labels = batch()
    expected, of = gradients(model, ids, lengths, labels)
    for padded in (batch(pad=7)[0], np.pad(ids, ((0, 0), (0, 4)), constant_values=3)):
        found, grads = gradients(model, padded, lengths, labels)
        assert found == pytest.approx(expected, rel=1e-12)
        for name, gradient in grads.items():
            np.testing.assert_allclose(gradient, of[name], rtol=1e-10, atol=1e-14, err_msg=name)


@kinds
def test_a_batch_equals_its_rows_alone(kind: str) -> None:
    model = make(kind)
    ids, lengths, _ = batch()
    together = model.log_probs(ids, lengths)
    for row, length in enumerate(lengths):
        alone = model.log_probs(ids[row : row + 1, :length])
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-10)


@kinds
def test_the_gradient_of_the_loss(kind: str) -> None:
    model = make(kind)
    assert_slope(model, batch, rel=1e-6)


def test_the_bag_is_the_mean_of_the_vectors() -> None:
    model = make("bag")
    ids, lengths, _ = batch()
    W, output = model.encoder.embedding.weight.data, model.output
    means = np.stack([W[row[:n]].mean(axis=0) for row, n in zip(ids, lengths, strict=True)])
    np.testing.assert_allclose(
        model(ids, lengths).data, means @ output.weight.data.T + output.bias.data, rtol=1e-12
    )


def test_dropout_needs_a_generator_and_stops_in_evaluation() -> None:
    config = SequenceClassifierConfig(BagConfig(V, 8, word_dropout=0.5), K, dropout=0.5)
    model = SequenceClassifier(config, generator=0)
    with pytest.raises(UsageError, match="generator"):
        model(*batch()[:2])
    generator = Generator(0, "dropout")
    one, other = (model(*batch()[:2], generator=generator).data for _ in range(2))
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(model.log_probs(*batch()[:2]), model.log_probs(*batch()[:2]))
    assert model.training


def test_what_is_frozen_is_kept_and_not_learned() -> None:
    for kind in ("bag", "transformer mean"):
        model = make(kind, np.float32)
        names = list(model.state_dict())
        before = {name: array.copy() for name, array in model.state_dict().items()}
        model.encoder.freeze()
        assert sorted(model.state_dict()) == sorted(names)
        assert [name for name, _ in model.named_parameters()] == ["output.weight", "output.bias"]
        optimizer = make_optimizer("adam", list(model.named_parameters()), lr=0.03)
        model.loss(*batch()).backward()
        optimizer.step()
        for name, array in model.state_dict().items():
            assert np.array_equal(array, before[name]) == name.startswith("encoder")
        make(kind, np.float32).load_state_dict(model.state_dict())


def test_on_another_device(gpu: str) -> None:
    ids, lengths, labels = batch()
    for kind in KINDS:
        model = make(kind, np.float32)
        expected = model.log_probs(ids, lengths)
        model.to(gpu)
        model.loss(ids, lengths, labels).backward()
        np.testing.assert_allclose(model.log_probs(ids, lengths), expected, rtol=1e-4, atol=1e-5)


def test_mistakes() -> None:
    model = make("bag")
    ids, lengths, _ = batch()
    for arguments, said in (
        ((ids + V, lengths), "expected ids between 0 and 10, got"),
        ((ids[0], lengths), "expected ids to be integers"),
        ((ids, lengths[:3]), r"expected lengths to be integers of shape \(7,\), got"),
        ((ids, lengths + 9), "expected lengths between 1 and 5, got 1"),
        ((ids, 0 * lengths), "expected lengths between 1 and 5, got 0"),
    ):
        with pytest.raises(ShapeError, match=said):
            model(*arguments)
    for config, said in (
        ({"encoder": BAG, "classes": 0}, "expected classes to be at least 1"),
        ({"encoder": BAG, "classes": 2, "pooling": "cls"}, "expected pooling to be one of mean, got 'cls'"),
        ({"encoder": RecurrentConfig(V, cell="rnn"), "classes": 2}, "expected cell to be one of lstm, gru"),
        (
            {"encoder": RecurrentConfig(V, hidden_size=0), "classes": 2},
            "expected hidden_size to be at least 1",
        ),
    ):
        with pytest.raises(UsageError, match=said):
            SequenceClassifierConfig(**config)
