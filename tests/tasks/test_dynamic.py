"""Dynamic evaluation against its definition, and that nothing of it stays."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import UsageError
from seqkit.tasks.language_modeling import LanguageModelSettings, TrainedLanguageModel, load, train
from seqkit.tasks.language_modeling.dynamic import (
    DECAYS,
    RATES,
    SEGMENT,
    AdaptableModel,
    DynamicPass,
    evaluate_dynamic,
)
from seqkit.tasks.language_modeling.mixture import save_mixture
from seqkit.tasks.language_modeling.passes import EvaluationCheckpoint, Pass, StreamPass
from tests.training.tiny import TINY, write_corpus


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedLanguageModel:
    folder = tmp_path_factory.mktemp("dynamic")
    corpus = str(write_corpus(folder / "text.txt"))
    return train(LanguageModelSettings(**{**TINY, "corpus": corpus, "vocab_size": 12}), folder / "run")


def losses(each: Pass) -> np.ndarray:
    """-log P of each token."""
    return -EvaluationCheckpoint(None, [], {}).run("all", each)


def in_double_precision(trained: TrainedLanguageModel) -> AdaptableModel:
    """A copy in whose passes rounding plays no part."""
    made = AdaptableModel(trained)
    made.model.astype(np.float64)
    made.trained = [p.data.copy() for p in made.parameters]
    return made


def test_each_segment_is_learned_after_it_was_predicted(trained: TrainedLanguageModel) -> None:
    ids = np.asarray(trained.encoded().splits["train"], np.int64)[: 2 * SEGMENT + 7]
    lr, decay = 0.5, 0.1
    model: Any = load(trained.run.path).model.astype(np.float64)
    start = {name: p.data.copy() for name, p in model.named_parameters()}
    state, before, expected = model.zero_state(1), trained.eos_id, []
    for first in range(0, len(ids), SEGMENT):
        targets = ids[first : first + SEGMENT]
        inputs = np.concatenate(([before], targets[:-1]))[None]
        scores, after = model(inputs, state)
        scores = scores.data[0] - np.log(np.exp(scores.data[0]).sum(axis=1, keepdims=True))
        expected += [-scores[t, target] for t, target in enumerate(targets)]
        loss, _ = model.loss(inputs, targets[None], state)
        loss.backward()
        for name, p in model.named_parameters():  # θ ← θ - lr·∇L + decay·(θ₀ - θ)
            gradient = p.grad if isinstance(p.grad, np.ndarray) else p.grad.to_dense()
            p.data[...] = p.data - lr * gradient + decay * (start[name] - p.data)
            p.grad = None
        state, before = [tuple(x.data for x in entry) for entry in after], int(targets[-1])
    found = losses(DynamicPass(in_double_precision(trained), ids, lr, decay))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    plain = losses(StreamPass(trained, ids))
    assert not np.allclose(found[SEGMENT:], plain[SEGMENT:], rtol=2e-3)
    still = losses(DynamicPass(AdaptableModel(trained), ids, lr=0.0, decay=0.5))
    np.testing.assert_allclose(still, plain, rtol=1e-4)


def test_a_transformer_predicts_and_learns_with_the_text_before(tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "text.txt"))
    small: dict[str, Any] = {"max_steps": 2, "embedding_size": 8, "num_heads": 2, "context_length": 8}
    trained = train(LanguageModelSettings(corpus=corpus, model="transformer", **small), tmp_path / "run")
    ids = np.asarray(trained.encoded().splits["test"], np.int64)[:30]
    plain = losses(StreamPass(trained, ids))
    still = losses(DynamicPass(AdaptableModel(trained), ids, lr=0.0, decay=0.0))
    np.testing.assert_allclose(still, plain, rtol=1e-5)
    lr, decay, half = 0.3, 0.05, 4
    model: Any = load(trained.run.path).model.astype(np.float64)
    start = {name: p.data.copy() for name, p in model.named_parameters()}
    inputs, expected = np.concatenate(([trained.eos_id], ids[:-1])), []
    for first in range(0, len(ids), half):
        window = slice(max(0, first - half), first + half)
        own = np.arange(window.start, min(window.stop, len(ids))) >= first
        scores = model(inputs[None, window]).data[0]
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        expected += [-row[target] for row, target in zip(scores[own], ids[window][own], strict=True)]
        loss, _ = model.loss(inputs[None, window], np.where(own, ids[window], -1)[None])
        loss.backward()
        for name, p in model.named_parameters():
            gradient = p.grad if isinstance(p.grad, np.ndarray) else p.grad.to_dense()
            p.data[...] = p.data - lr * gradient + decay * (start[name] - p.data)
            p.grad = None
    found = losses(DynamicPass(in_double_precision(trained), ids, lr, decay))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_an_evaluation_adapts_and_leaves_the_run_alone(trained: TrainedLanguageModel, tmp_path: Path) -> None:
    weights = (trained.run.path / "model.safetensors").read_bytes()
    repeated = tmp_path / "text"
    repeated.mkdir()
    for split in ("train", "valid", "test"):
        (repeated / f"{split}.txt").write_text("the cat ran to the cat\n" * 40)
    before = trained.evaluate("test", corpus=str(repeated)).perplexity
    tried: list[str] = []
    result = evaluate_dynamic(trained, "test", corpus=str(repeated), on_message=tried.append)
    assert result.static == pytest.approx(before, rel=1e-4)
    assert result.evaluation.perplexity < 0.8 * before
    assert result.evaluation.protocol == "dynamic"
    assert (result.lr in RATES, result.decay in DECAYS) == (True, True)
    assert len(tried) == 1 + len(RATES) * len(DECAYS)
    assert trained.evaluate("test", corpus=str(repeated)).perplexity == before
    assert (trained.run.path / "model.safetensors").read_bytes() == weights
    assert math.isfinite(result.evaluation.loss)


def test_models_without_weights_are_refused(trained: TrainedLanguageModel, tmp_path: Path) -> None:
    settings = LanguageModelSettings(corpus=trained.settings.corpus, model="kneser-ney", order=2)
    counts = train(settings, tmp_path / "kn")
    with pytest.raises(UsageError, match=r"expected a single neural model .*, got one without weights"):
        evaluate_dynamic(counts)
    save_mixture([trained, trained], [0.5, 0.5], tmp_path / "mix")
    with pytest.raises(UsageError, match=r"expected a single neural model .*, got a mixture"):
        evaluate_dynamic(load(tmp_path / "mix"))


def test_no_adaptation_is_among_the_choices(trained: TrainedLanguageModel, monkeypatch: Any) -> None:
    """Where every rate harms, none is taken."""
    monkeypatch.setattr("seqkit.tasks.language_modeling.dynamic.RATES", (30.0, 100.0))
    result = evaluate_dynamic(trained, "test")
    assert (result.lr, result.decay) == (0, 0)
    assert result.evaluation.perplexity == result.static


def test_a_pass_begins_with_the_trained_weights(trained: TrainedLanguageModel) -> None:
    ids = np.asarray(trained.encoded().splits["test"], np.int64)[:60]
    made = AdaptableModel(trained)
    first, other = losses(DynamicPass(made, ids, 0.3, 0.01)), losses(DynamicPass(made, ids, 1.0, 0.0))
    assert not np.allclose(first[SEGMENT:], other[SEGMENT:])
    np.testing.assert_array_equal(losses(DynamicPass(made, ids, 0.3, 0.01)), first)
