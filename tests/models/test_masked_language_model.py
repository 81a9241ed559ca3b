"""Masked language model: it learns, padding changes nothing, and it looks both ways."""

import math
from typing import Any

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.errors import ShapeError
from seqkit.models import MaskedLanguageModel, TransformerEncoderConfig
from seqkit.optim import make_optimizer
from tests.models.gradients import assert_slope, gradients

V, B, T = 13, 3, 7
LENGTHS = np.array([T, 4, 5])


def make(dtype: Any = np.float64, **settings: Any) -> MaskedLanguageModel:
    config = TransformerEncoderConfig(
        V, embedding_size=8, num_layers=2, num_heads=2, max_length=11, norm="pre", **settings
    )
    return MaskedLanguageModel(config, generator=Generator(3, "init")).astype(dtype)


def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    ids, targets = random.integers(0, V, (B, T)), random.integers(0, V, (B, T))
    targets[random.random((B, T)) < 0.6] = -1
    targets[np.arange(T) >= LENGTHS[:, None]] = -1
    return ids, targets, LENGTHS


def test_it_learns_a_small_batch_by_heart() -> None:
    model = make(np.float32)
    optimizer = make_optimizer("adam", list(model.named_parameters()), lr=0.02)
    losses = []
    for _ in range(120):
        optimizer.zero_grad()
        loss = model.loss(*batch())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(V), rel=0.1)  # it begins by guessing
    assert losses[-1] < 0.05
    ids, targets, lengths = batch()
    found, right = model.answers(ids, targets, lengths)
    assert right.all()
    assert len(right) == (targets >= 0).sum()
    assert found.mean() == pytest.approx(losses[-1], rel=0.5)


def test_the_loss_is_that_of_the_scores_at_the_hidden_places() -> None:
    model = make()
    ids, targets, lengths = batch()
    scores = model(ids, lengths).data
    log_probs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    asked = targets >= 0
    expected = -log_probs[asked, targets[asked]]
    assert model.loss(ids, targets, lengths).item() == pytest.approx(expected.mean(), rel=1e-12)
    losses, right = model.answers(ids, targets, lengths)
    np.testing.assert_allclose(losses, expected, rtol=1e-10)
    np.testing.assert_array_equal(right, scores[asked].argmax(axis=-1) == targets[asked])


def test_padding_changes_neither_loss_nor_gradients() -> None:
    model = make()
    ids, targets, lengths = batch()
    expected, of = gradients(model, ids, targets, lengths)
    wider = np.pad(ids, ((0, 0), (0, 3)), constant_values=5)
    wider[:, :T][np.arange(T) >= LENGTHS[:, None]] = 2
    found, grads = gradients(model, wider, np.pad(targets, ((0, 0), (0, 3)), constant_values=-1), lengths)
    assert found == pytest.approx(expected, rel=1e-12)
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, of[name], rtol=1e-10, atol=1e-14, err_msg=name)


def test_the_gradient_of_the_loss() -> None:
    model = make()
    assert_slope(model, batch, rel=1e-5)


def test_it_looks_both_ways() -> None:
    model = make()
    ids = batch()[0]
    before = model(ids).data
    for changed, place in ((0, 3), (6, 3)):
        other = ids.copy()
        other[:, changed] = (ids[:, changed] + 1) % V
        assert not np.allclose(model(other).data[:, place], before[:, place])


def test_on_another_device(gpu: str) -> None:
    ids, targets, lengths = batch()
    model = make(np.float32)
    expected = model.answers(ids, targets, lengths)[0]
    loss = model.loss(ids, targets, lengths).item()
    model.to(gpu)
    assert model.loss(ids, targets, lengths).item() == pytest.approx(loss, rel=1e-5)
    model.loss(ids, targets, lengths).backward()
    np.testing.assert_allclose(model.answers(ids, targets, lengths)[0], expected, rtol=1e-4)
    with pytest.raises(ShapeError, match="expected targets between -1 and 12"):
        model.loss(ids, targets + V, lengths)
