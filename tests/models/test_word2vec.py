"""Word2vec as a differentiable model: it learns, and it is the fast trainer's objective seen another way."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from seqkit import ops
from seqkit.autograd import Tensor, to_dense
from seqkit.backend.kernels.word2vec import reference
from seqkit.backend.kernels.word2vec.reference import Sampling
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.backend.random import Generator
from seqkit.data import ContextWindows, NegativeSampler
from seqkit.errors import ShapeError, UsageError
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.optim import Adam
from seqkit.vectors.word2vec import Word2VecTrainer

V, E = 11, 7
MODELS, LOSSES = ["cbow", "skip-gram"], ["negative-sampling", "softmax"]
KINDS = list(itertools.product(MODELS, LOSSES))
TOY = np.array([0, 1, 2, 3, 4, 1, 5, 6])  # you say goodbye and i say hello .


def make(model: str = "cbow", loss: str = "negative-sampling", **settings: Any) -> Word2VecModel:
    config = Word2VecConfig(**{"vocab_size": V, "vector_size": E, "model": model, "loss": loss, **settings})
    return Word2VecModel(config, generator=Generator(4, "init"))


def drawn(model: Word2VecModel, contexts: np.ndarray, K: int = 5, index: int = 0) -> np.ndarray | None:
    """Negatives for a batch, all words alike."""
    if model.config.loss == "softmax":
        return None
    shape = (len(contexts), K) if model.config.model == "cbow" else (*contexts.shape, K)
    sampler = NegativeSampler(np.ones(model.config.vocab_size, int))
    return sampler.draw(shape, epoch=0, index=index)


@pytest.mark.parametrize(("kind", "loss"), KINDS)
def test_it_learns_a_small_batch_by_heart(kind: str, loss: str) -> None:
    model = make(kind, loss, vector_size=16)
    contexts, centres = np.array([[1, 2], [3, 4], [5, 6]]), np.array([7, 8, 9])
    optimizer = Adam(list(model.named_parameters()), lr=0.05)
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    losses = []
    for step in range(150):
        optimizer.zero_grad()
        value = model.loss(contexts, centres, drawn(model, contexts, index=step))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    for name, p in model.named_parameters():
        assert np.abs(p.data - before[name]).max() > 0.1, name  # training changes every parameter
    scores = model.forward(contexts if kind == "cbow" else centres).numpy()
    if kind == "cbow":
        assert scores.argmax(axis=1).tolist() == centres.tolist()
        assert losses[-1] < 0.1 * losses[0]
    else:
        assert np.sort(np.argsort(scores, axis=1)[:, -2:], axis=1).tolist() == contexts.tolist()
        if loss == "softmax":  # two neighbours, each with probability ½
            assert losses[-1] == pytest.approx(2 * math.log(2), rel=0.05)


@pytest.mark.parametrize("kind", MODELS)
def test_where_training_starts(kind: str) -> None:
    """Output vectors of 0 give every word the same score."""
    predictions = 1 if kind == "cbow" else 2
    contexts, centres = np.array([[1, 2], [3, 4]]), np.array([5, 6])
    model = make(kind)
    negatives = np.zeros((2, 3) if kind == "cbow" else (2, 2, 3), int)
    assert model.loss(contexts, centres, negatives).item() == pytest.approx(predictions * 4 * math.log(2))
    assert make(kind, "softmax").loss(contexts, centres).item() == pytest.approx(predictions * math.log(V))


def test_initial_vectors() -> None:
    usual = make(vocab_size=500, vector_size=20)
    assert 0.024 < np.abs(usual.vectors).max() <= 0.025
    assert not usual.output.weight.data.any()
    textbook = make(vocab_size=500, vector_size=20, weight_init="normal")
    for matrix in (textbook.input.weight.data, textbook.output.weight.data):
        assert matrix.std() == pytest.approx(0.01, rel=0.05)
    assert (textbook.input.weight.data != textbook.output.weight.data).any()
    assert [name for name, _ in textbook.named_parameters()] == ["input.weight", "output.weight"]


def test_a_lookup_is_the_product_with_a_one_hot_row() -> None:
    """Chapter 3's network, with its matrix products written out, on its text."""
    contexts, centres = ContextWindows(TOY, window=1, batch_size=6, shuffle=False).batch(0, 0)
    model = make("cbow", "softmax", vocab_size=7, weight_init="normal").astype(np.float64)
    W, U = (Tensor(p.data.copy(), requires_grad=True) for p in model.parameters())
    eye = np.eye(7)
    h = (Tensor(eye[contexts[:, 0]]) @ W + Tensor(eye[contexts[:, 1]]) @ W) * 0.5
    expected = ops.softmax_cross_entropy(h @ U.T, centres)
    loss = model.loss(contexts, centres)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(to_dense(model.input.weight.grad), W.grad, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(to_dense(model.output.weight.grad), U.grad, rtol=1e-10, atol=1e-16)


def test_skip_gram_adds_up_its_neighbours() -> None:
    contexts, centres = ContextWindows(TOY, window=1, batch_size=6, shuffle=False).batch(0, 0)
    model = make("skip-gram", "softmax", vocab_size=7, weight_init="normal").astype(np.float64)
    scores = model.forward(centres)
    parts = [ops.softmax_cross_entropy(scores, contexts[:, side]).item() for side in (0, 1)]
    assert model.loss(contexts, centres).item() == pytest.approx(sum(parts), rel=1e-12)


@pytest.mark.parametrize(("kind", "loss"), KINDS)
def test_padding_is_a_shorter_window(kind: str, loss: str) -> None:
    model = make(kind, loss, weight_init="normal")
    centres = np.array([5])
    padded, short = np.array([[-1, 2, -1, 3]]), np.array([[2, 3]])
    negatives = drawn(model, padded)
    fewer = negatives if negatives is None or kind == "cbow" else negatives[:, [1, 3]]
    assert model.loss(padded, centres, negatives).item() == model.loss(short, centres, fewer).item()


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("skip_gram", [False, True])
def test_one_objective_two_ways(skip_gram: bool, mean: bool) -> None:
    """The fast trainer's step over its learning rate is the gradient of the model's loss.

    Every draw of the trainer is made to give word 8, so that both see the same negatives; the middle word
    is 8 itself, so that it is passed over. The rate is so small that the examples of a line do not feel each
    other's steps.
    """
    random = np.random.default_rng(11)
    line, window, K, alpha = np.array([5, 6, 8, 6, 9], np.int32), 2, 3, 1e-6
    model = make("skip-gram" if skip_gram else "cbow", mean=mean).astype(np.float64)
    for p in model.parameters():
        p.data[...] = 0.3 * random.standard_normal((V, E))
    sampling = Sampling(np.full(V, 2**32 - 1, np.uint32), np.zeros(V, np.uint32), np.full(V, 8, np.int32))
    settings = Word2VecSettings(
        sg=skip_gram, window=window, shrink_windows=False, negative=K, cbow_mean=mean, true_gradient=True
    )
    after = [p.data.copy() for p in model.parameters()]
    _, examples, total = reference.train_chunk(line, 0, -1, sampling, settings, *after, alpha, 4)

    padded = np.pad(line, window, constant_values=-1)
    contexts = np.stack([padded[[i, i + 1, i + 3, i + 4]] for i in range(len(line))])
    # A pair predicts one way here and the other way there; a line's pairs come in both.
    assert examples == (np.count_nonzero(contexts >= 0) if skip_gram else len(line))
    negatives = np.full((*contexts.shape, K) if skip_gram else (len(line), K), 8)
    loss = model.loss(contexts, line, negatives) * float(len(line))
    assert loss.item() == pytest.approx(total, rel=1e-4)
    loss.backward()
    for p, moved in zip(model.parameters(), after, strict=True):
        gradient = to_dense(p.grad)
        assert np.abs(gradient).max() > 0.1
        np.testing.assert_allclose((p.data - moved) / alpha, gradient, atol=2e-5)


TOPICS = range(1, 6), range(6, 11)


def topic_text(random: np.random.Generator, lines: int = 60) -> np.ndarray:
    """Lines of 20 words of one topic, id 0 behind each."""
    return np.concatenate([[*random.choice(TOPICS[i % 2], 20), 0] for i in range(lines)]).astype(np.int32)


def in_topic(vectors: np.ndarray) -> float:
    """The share of each word's four nearest words that belong to its topic."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = np.argsort(-(unit[1:] @ unit[1:].T), axis=1)[:, 1:5] + 1
    return float(np.mean([near[w - 1] // 6 == w // 6 for w in range(1, V)]))


@pytest.mark.parametrize("kind", MODELS)
def test_both_ways_learn_the_same_of_a_text(kind: str, random: np.random.Generator) -> None:
    ids = topic_text(random)
    counts = np.bincount(ids, minlength=V)
    untrained = make(kind, vector_size=16)
    assert in_topic(untrained.vectors) < 0.8

    settings = Word2VecSettings(
        vector_size=16, alpha=0.1, window=3, sample=0, workers=1, sg=kind == "skip-gram", epochs=6,
        true_gradient=True,
    )  # fmt: skip
    trainer = Word2VecTrainer(ids, counts, settings, eos_id=0)
    trainer.run()
    assert in_topic(trainer.input_vectors) == 1

    model = make(kind, vector_size=16)
    windows = ContextWindows(ids, window=3, batch_size=32, shrink=True)
    sampler = NegativeSampler(counts)
    optimizer = Adam(list(model.named_parameters()), lr=0.03, rows="lazy")
    for epoch, index in itertools.product(range(5), range(len(windows))):
        contexts, centres = windows.batch(epoch, index)
        shape = (len(centres), 5) if kind == "cbow" else (*contexts.shape, 5)
        optimizer.zero_grad()
        model.loss(contexts, centres, sampler.draw(shape, epoch=epoch, index=index)).backward()
        optimizer.step()
    assert in_topic(model.vectors) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "glove"}, "expected model to be one of cbow, skip-gram, got 'glove'"),
        ({"loss": "hs"}, "expected loss to be one of negative-sampling, softmax, got 'hs'"),
        ({"weight_init": "zeros"}, "expected weight_init to be one of uniform, normal, got 'zeros'"),
        ({"vocab_size": 0}, "expected vocab_size to be at least 1"),
        ({"vector_size": 0}, "expected vector_size to be at least 1"),
    ],
)
def test_settings_that_make_no_model(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make(**settings)


def test_ids_that_are_none() -> None:
    model, good = make(), np.zeros((2, 3), int)
    for contexts, centres, negatives, said in (
        (np.full((2, 3), V), good[:, 0], good, f"expected contexts between -1 and {V - 1}, got {V}"),
        (np.full((2, 3), -2), good[:, 0], good, "expected contexts between -1 and"),
        (good, np.array([0, -1]), good, "expected centres between 0 and .*, got -1"),
        (good, good[:, 0], np.full((2, 3), -1), "expected negatives between 0 and"),
        (
            good[0],
            good[:, 0],
            good,
            r"expected contexts to be integers of shape \(any, any\), got int64 \(3,\)",
        ),
        (good, good, good, r"expected centres to be integers of shape \(any\)"),
        (good, good[:, 0], good[:1], r"expected negatives to be integers of shape \(2, any\)"),
        (good * 1.0, good[:, 0], good, "expected contexts to be integers .* got float64"),
    ):
        with pytest.raises(ShapeError, match=said):
            model.loss(contexts, centres, negatives)
    with pytest.raises(UsageError, match="expected negatives for loss 'negative-sampling', got none"):
        model.loss(good, good[:, 0])
    with pytest.raises(UsageError, match="expected no negatives for loss 'softmax', got some"):
        make(loss="softmax").loss(good, good[:, 0], good)


def test_lists_of_ids_are_welcome() -> None:
    model = make(weight_init="normal")
    assert model.loss([[1, 2]], [3], [[4, 5]]).item() > 0
