"""Dynamic evaluation against its definition, and that nothing of it stays."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import UsageError
from seqkit.tasks.language_modeling import LanguageModelSettings, TrainedLanguageModel, load, train
from seqkit.tasks.language_modeling.dynamic import DECAYS, RATES, SEGMENT, dynamic_losses, evaluate_dynamic
from seqkit.tasks.language_modeling.mixture import stream_losses
from tests.training.tiny import TINY, write_corpus


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedLanguageModel:
    folder = tmp_path_factory.mktemp("dynamic")
    corpus = str(write_corpus(folder / "text.txt"))
    return train(LanguageModelSettings(**{**TINY, "corpus": corpus, "vocab_size": 12}), folder / "run")


def test_each_segment_is_learned_after_it_was_predicted(trained: TrainedLanguageModel) -> None:
    ids = np.asarray(trained.encoded().splits["train"], np.int64)[: 2 * SEGMENT + 7]
    lr, decay = 0.5, 0.1
    model: Any = load(trained.run.path).model
    start = {name: p.data.copy() for name, p in model.named_parameters()}
    state, before, expected = model.zero_state(1), trained.eos_id, []
    for first in range(0, len(ids), SEGMENT):
        targets = ids[first : first + SEGMENT]
        inputs = np.concatenate(([before], targets[:-1]))[None]
        scores, after = model(inputs, state)
        scores = scores.data[0].astype(np.float64)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        expected += [-scores[t, target] for t, target in enumerate(targets)]
        loss, _ = model.loss(inputs, targets[None], state)
        loss.backward()
        for name, p in model.named_parameters():
            gradient = p.grad if isinstance(p.grad, np.ndarray) else p.grad.to_dense()
            moved = p.data - lr * gradient
            p.data[...] = moved + decay * (start[name] - moved)
            p.grad = None
        state, before = [tuple(x.data for x in entry) for entry in after], int(targets[-1])
    found = dynamic_losses(trained, ids, lr=lr, decay=decay)
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    assert not np.allclose(found[SEGMENT:], stream_losses(trained, ids)[SEGMENT:], rtol=2e-3)
    still = dynamic_losses(trained, ids, lr=0.0, decay=0.5)
    np.testing.assert_allclose(still, stream_losses(trained, ids), rtol=1e-4)


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
    assert len(tried) == len(RATES) * len(DECAYS)
    assert trained.evaluate("test", corpus=str(repeated)).perplexity == before
    assert (trained.run.path / "model.safetensors").read_bytes() == weights
    assert math.isfinite(result.evaluation.loss)


def test_models_without_weights_are_refused(trained: TrainedLanguageModel, tmp_path: Path) -> None:
    settings = LanguageModelSettings(corpus=trained.settings.corpus, model="kneser-ney", order=2)
    counts = train(settings, tmp_path / "kn")
    with pytest.raises(UsageError, match="expected a neural model to evaluate dynamically"):
        evaluate_dynamic(counts)
    small: dict[str, Any] = {"max_steps": 2, "embedding_size": 8, "num_heads": 2, "context_length": 8}
    transformer = train(
        LanguageModelSettings(corpus=trained.settings.corpus, model="transformer", **small), tmp_path / "t"
    )
    ids = np.asarray(transformer.encoded().splits["test"])[:30]
    assert len(dynamic_losses(transformer, ids, lr=0.1, decay=0.01)) == 30
