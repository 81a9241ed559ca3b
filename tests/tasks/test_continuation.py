"""Texts continued token by token, and the alternatives of scored tokens, against generation and scores."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.errors import UsageError
from seqkit.tasks.causal_checkpoints import load
from seqkit.tasks.language_modeling import LanguageModelSettings, TrainedLanguageModel, train
from seqkit.tasks.language_modeling.continuation import most_probable
from tests.tasks.test_causal_checkpoints import folder  # noqa: F401
from tests.training.tiny import TINY, write_corpus


@pytest.fixture(params=["lstm", "kneser-ney"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> TrainedLanguageModel:
    settings = {**TINY, "epochs": 1} if request.param == "lstm" else {}
    corpus = str(write_corpus(tmp_path / "text.txt"))
    return train(
        LanguageModelSettings(corpus=corpus, model=request.param, vocab_size=10, **settings), tmp_path / "run"
    )


@pytest.mark.parametrize("settings", [{"top_k": 3}, {"temperature": 0.7, "top_p": 0.8}, {"temperature": 0}])
def test_draws_are_those_of_generate(run: TrainedLanguageModel, settings: dict) -> None:
    [sample] = run.generate("on big", max_new_tokens=6, stop=[], **settings, **_seed(settings))
    text, generator = run.continuation("on big"), Generator(_seed(settings).get("seed", 0), "generate")
    log_prob = 0.0
    for _ in range(6):
        token = text.draw(**settings, generator=generator)
        log_prob += text.log_probs[token]
        text = text.after(token)
    assert text.text == sample.text
    assert log_prob == pytest.approx(sample.log_prob, rel=1e-5)


def _seed(settings: dict) -> dict[str, int]:
    return {"seed": 5} if settings.get("temperature") != 0 else {}


def test_a_continuation_leaves_the_shorter_one_as_it_is(run: TrainedLanguageModel) -> None:
    text = run.continuation("on")
    before = text.log_probs.copy()
    big = run.vocabulary.id("big")
    longer = text.after(big)
    assert (text.ids, longer.ids, longer.text) == ((), (big,), "on big")
    np.testing.assert_array_equal(text.log_probs, before)
    np.testing.assert_allclose(longer.log_probs, run.continuation("on big").log_probs, rtol=1e-4)
    assert np.exp(longer.log_probs).sum() == pytest.approx(1, abs=1e-5)
    unk = run.vocabulary.unk_id
    assert unk not in {text.draw(generator=seed) for seed in range(200)}
    with pytest.raises(UsageError, match="an id between 0 and 9, got 10"):
        text.after(10)


def test_alternatives_are_the_most_probable_tokens(run: TrainedLanguageModel) -> None:
    [tokens] = run.score_tokens(["on big mat"], alternatives=3)
    [plain] = run.score_tokens(["on big mat"])
    assert [len(each.alternatives) for each in plain] == [0] * len(plain)
    for n, each in enumerate(tokens):
        log_probs = run.continuation(" ".join(["on", "big", "mat"][:n])).log_probs
        best = np.argsort(-log_probs)[:3]
        assert [token for token, _ in each.alternatives] == [run.vocabulary.tokens[i] for i in best]
        assert [p for _, p in each.alternatives] == pytest.approx(log_probs[best].tolist(), rel=1e-4)
        assert (each.token, each.log_prob) == (plain[n].token, plain[n].log_prob)
        assert (each.rank == 1) == (each.alternatives[0][0] == each.token)


def test_a_folder_of_gpt2(folder: Path) -> None:  # noqa: F811
    made = load(folder)
    [sample] = made.generate("low", max_new_tokens=4, seed=3, stop=[])
    text, generator = made.continuation("low"), Generator(3, "generate")
    for _ in range(4):
        text = text.after(text.draw(generator=generator))
    assert text.text == sample.text
    [tokens] = made.score_tokens(["low lower"], alternatives=2)
    token, log_prob = tokens[0].alternatives[0]
    assert log_prob >= tokens[0].log_prob
    assert (tokens[0].rank == 1) == (token == tokens[0].token)


def test_the_most_probable_of_equals() -> None:
    values = np.log(np.array([0.1, 0.3, 0.2, 0.3, 0.1]))
    assert [i for i, _ in most_probable(values, 2)] == [1, 3]
    assert [i for i, _ in most_probable(values, 4)] == [1, 3, 2, 0]
    assert len(most_probable(values, 9)) == 5
    assert most_probable(values, 0) == []
    assert math.exp(most_probable(values, 1)[0][1]) == pytest.approx(0.3)
