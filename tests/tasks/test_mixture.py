"""Mixtures of language models and the cache, against their definitions on toy models."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.data import LineStreams
from seqkit.errors import RunError, UsageError
from seqkit.models import LanguageModel, LanguageModelConfig, NGramConfig, NGramModel, fit_kneser_ney
from seqkit.models.mixture import MixtureModel
from seqkit.tasks.export import export
from seqkit.tasks.language_modeling import LanguageModelSettings, TrainedLanguageModel, train
from seqkit.tasks.language_modeling import mixture as mixture_module
from seqkit.tasks.language_modeling.evaluation import line_losses, windows_loss
from seqkit.tasks.language_modeling.mixture import (
    FLATNESS,
    CachePass,
    em_weights,
    evaluate_mixture,
    save_mixture,
)
from seqkit.tasks.language_modeling.passes import EvaluationCheckpoint, Pass, StreamPass
from tests.training.tiny import TINY, write_corpus

V, EOS = 9, 4


def log_probs_of(each: Pass) -> np.ndarray:
    return EvaluationCheckpoint(None, [], {}).run("all", each)


def kneser_ney(seed: int = 0, order: int = 3) -> NGramModel:
    return fit_kneser_ney(np.random.default_rng(seed).integers(0, V, 400), NGramConfig(V, order, EOS))


def lstm() -> LanguageModel:
    config = LanguageModelConfig(V, embedding_size=5, hidden_size=6, init_range=1.0)
    return LanguageModel(config, generator=0).eval()


@pytest.mark.parametrize("length", [1, 7, 50])
def test_windows_of_kneser_ney_are_its_stream(length: int) -> None:
    model, ids = kneser_ney(), np.random.default_rng(3).integers(0, V, 101)
    windows = LineStreams(ids, batch_size=1, length=length, end_id=EOS)
    total = windows_loss(model, windows, lambda: None)  # type: ignore[arg-type]
    assert total == pytest.approx(-float(model.log_probs(ids).sum()), rel=1e-12)


def test_a_mixture_is_the_weighted_sum() -> None:
    members: list[Any] = [lstm(), kneser_ney()]
    model = MixtureModel(members, [0.3, 0.7])
    ids = np.random.default_rng(1).integers(0, V, (2, 8))
    state, alone = model.start(2), [member.start(2) for member in members]
    for column in (np.full(2, EOS), *ids.T):
        log_probs, state = model.step(column, state)
        found = [member.step(column, s) for member, s in zip(members, alone, strict=True)]
        alone = [after for _, after in found]
        expected = 0.3 * np.exp(np.float64(found[0][0])) + 0.7 * np.exp(found[1][0])
        np.testing.assert_allclose(np.exp(log_probs), expected, rtol=1e-5)
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-5)
    text = np.concatenate([np.full((2, 1), EOS), ids], axis=1)
    np.testing.assert_allclose(model.prefill(text, model.start(2))[0], log_probs, rtol=1e-4)
    swapped = model.step(ids[::-1, 0], model.reorder(state, np.array([1, 0])))[0]
    np.testing.assert_allclose(swapped[::-1], model.step(ids[:, 0], state)[0], rtol=1e-6)
    lines = [np.append(row, EOS) for row in ids]
    by_line = [list(line_losses(member, lines, EOS)) for member in members]
    for n, losses in enumerate(line_losses(model, lines, EOS)):
        expected = -np.log(0.3 * np.exp(-by_line[0][n]) + 0.7 * np.exp(-by_line[1][n]))
        np.testing.assert_allclose(losses, expected, rtol=1e-4)
    for weights in ([0.5], [0.5, 0.6], [-0.5, 1.5], [math.nan, 1.0]):
        with pytest.raises(UsageError, match="expected"):
            MixtureModel(members, weights)


def test_the_weights_maximise_the_likelihood() -> None:
    p = np.random.default_rng(2).uniform(0.01, 1, (2, 300)) ** [[1.0], [2.0]]
    weights = em_weights(np.log(p))
    grid = np.linspace(0.001, 0.999, 999)
    likelihood = [np.log(w * p[0] + (1 - w) * p[1]).sum() for w in grid]
    assert weights[0] == pytest.approx(grid[int(np.argmax(likelihood))], abs=2e-3)
    assert weights.sum() == pytest.approx(1)
    never = np.vstack([np.log(p[0]), np.full(300, -np.inf)])
    np.testing.assert_allclose(em_weights(never), [1, 0], atol=1e-12)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedLanguageModel, TrainedLanguageModel, Path]:
    folder = tmp_path_factory.mktemp("mixture")
    corpus = str(write_corpus(folder / "text.txt"))
    shared = {"corpus": corpus, "vocab_size": 12}
    first = train(LanguageModelSettings(**{**TINY, **shared}), folder / "lstm")
    second = train(LanguageModelSettings(model="kneser-ney", order=3, **shared), folder / "kn")
    train(LanguageModelSettings(model="kneser-ney", order=3, corpus=corpus, vocab_size=9), folder / "other")
    return first, second, folder


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_the_cache_by_its_definition(runs: Any, size: int) -> None:
    for run, thetas in ((runs[0], FLATNESS), (runs[1], FLATNESS[:1])):
        types = len(run.vocabulary)
        ids = np.asarray(run.encoded().splits["train"], np.int64)[:300]
        inputs = np.concatenate(([run.eos_id], ids[:-1]))
        if run is runs[0]:
            states = run.model.hidden(inputs[None])[0].data[0].astype(np.float64)
        else:
            states = np.ones((len(ids), 1))
        model = run.model if run is runs[0] else None
        looking = CachePass(model, ids, size, thetas, vocab_size=types, eos_id=run.eos_id)
        for theta, found in zip(thetas, log_probs_of(looking), strict=True):
            for t in (0, 1, 2, 7, 255, 256, 257, 299):
                past = range(max(0, t - size), t)
                scores = [math.exp(theta * float(states[t] @ states[i])) for i in past]
                same = [s for i, s in zip(past, scores, strict=True) if ids[i] == ids[t]]
                expected = sum(same) / sum(scores) if scores else 1 / types
                assert math.exp(found[t]) == pytest.approx(expected, rel=1e-4)


def test_perplexities_of_a_mixture(runs: Any) -> None:
    first, second, _ = runs
    result = evaluate_mixture([first, second], "test")
    ids = first.encoded().splits["test"]
    valid = [log_probs_of(StreamPass(run, first.encoded().splits["valid"])) for run in (first, second)]
    np.testing.assert_allclose(result.weights, em_weights(np.stack(valid)))
    assert result.members == (
        pytest.approx(first.evaluate("test").perplexity, rel=1e-5),
        pytest.approx(second.evaluate("test").perplexity),
    )
    p = [np.exp(log_probs_of(StreamPass(run, ids))) for run in (first, second)]
    mixed = np.log(result.weights[0] * p[0] + result.weights[1] * p[1])
    assert result.mixture.perplexity == pytest.approx(math.exp(-mixed.mean()))
    assert (result.mixture.predictions, result.mixture.split, result.flatness) == (len(ids), "test", None)
    on_valid = evaluate_mixture([first, second], "valid")
    best = min(each for each in on_valid.members if each is not None)
    assert on_valid.mixture.perplexity <= best * 1.0001
    cached = evaluate_mixture([first, second], "valid", cache=50)
    assert cached.mixture.perplexity <= on_valid.mixture.perplexity * 1.0001
    assert cached.flatness in FLATNESS
    assert (len(cached.weights), cached.members[2]) == (3, None)


def test_a_mixture_is_a_run(runs: Any, tmp_path: Path) -> None:
    first, second, folder = runs
    save_mixture([first, second], [0.25, 0.75], tmp_path / "mix")
    mixture = seqkit.load(tmp_path / "mix")
    lines = ["the cat sat on the mat", "a dog", "zebra"]
    mixed = [[each.log_prob for each in tokens] for tokens in mixture.score_tokens(lines)]
    alone = [[[each.log_prob for each in t] for t in run.score_tokens(lines)] for run in (first, second)]
    for found, one, other in zip(mixed, *alone, strict=True):
        np.testing.assert_allclose(np.exp(found), 0.25 * np.exp(one) + 0.75 * np.exp(other), rtol=1e-4)
    for whole, tokens in zip(mixture.score(lines), mixed, strict=True):
        assert whole.log_prob == pytest.approx(sum(tokens), rel=1e-4)
    assert mixture.generate("the cat", max_new_tokens=5, seed=1)[0].text.startswith("the cat")
    result = evaluate_mixture([first, second], "test")
    p = [np.exp(log_probs_of(StreamPass(run, first.encoded().splits["test"]))) for run in (first, second)]
    expected = math.exp(-np.log(0.25 * p[0] + 0.75 * p[1]).mean())
    assert mixture.evaluate("test").perplexity == pytest.approx(expected, rel=1e-5)
    assert result.mixture.perplexity <= expected * 1.05
    with pytest.raises(RunError, match="expected a run to go on with, got a mixture of trained runs"):
        train(LanguageModelSettings(corpus=str(folder / "text.txt")), tmp_path / "mix", resume=True)
    started = LanguageModelSettings(corpus=str(folder / "text.txt"), init=str(tmp_path / "mix"))
    with pytest.raises(
        RunError, match=r"expected a run to start from, got a mixture .*; give one of its memb"
    ):
        train(started, tmp_path / "new")
    with pytest.raises(RunError, match="expected a run to export, got a mixture"):
        export(tmp_path / "mix", "safetensors", tmp_path / "out")
    assert export(tmp_path / "mix" / "member-1", "safetensors", tmp_path / "out").is_dir()
    with pytest.raises(UsageError, match="expected models with the vocabulary and tokenizer of"):
        evaluate_mixture([first, seqkit.load(folder / "other")])


def test_a_mixture_of_a_mixture_has_its_members(runs: Any, tmp_path: Path, monkeypatch: Any) -> None:
    first, second, _ = runs
    save_mixture([first, second], [0.25, 0.75], tmp_path / "inner")
    inner = seqkit.load(tmp_path / "inner")
    save_mixture([first, inner], [0.4, 0.6], tmp_path / "outer")
    outer = seqkit.load(tmp_path / "outer")
    assert outer.run.config["mixture"]["weights"] == pytest.approx([0.4, 0.15, 0.45])
    found, one, other = (
        np.exp([token.log_prob for token in next(iter(each.score_tokens(["the cat sat"])))])
        for each in (outer, first, second)
    )
    np.testing.assert_allclose(found, 0.55 * one + 0.45 * other, rtol=1e-4)
    models: list[Any] = []

    class Recorded(CachePass):
        def __init__(self, model: Any, *arguments: Any, **values: Any) -> None:
            models.append(model)
            super().__init__(model, *arguments, **values)

    monkeypatch.setattr(mixture_module, "CachePass", Recorded)
    evaluate_mixture([inner], "test", cache=50)  # by the hidden states of its recurrent member
    assert {id(model) for model in models} == {id(inner.model.members[0])}


def test_a_mixture_that_cannot_be_written_can_be_tried_again(
    runs: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    first, second, _ = runs

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile", full)
        with pytest.raises(RunError, match=r"cannot write .*No space left"):
            save_mixture([first, second], [0.25, 0.75], tmp_path / "mix")
    with pytest.raises(RunError, match="is not a run directory"):
        seqkit.load(tmp_path / "mix")
    save_mixture([first, second], [0.25, 0.75], tmp_path / "mix")
    assert seqkit.load(tmp_path / "mix").run.config["mixture"]["weights"] == [0.25, 0.75]


@pytest.mark.parametrize("occupied", ["notes.txt", "other", "config.json"])
def test_a_folder_that_is_not_free_is_refused_first(runs: Any, tmp_path: Path, occupied: str) -> None:
    first, second, _ = runs
    (tmp_path / "mix").mkdir()
    (tmp_path / "mix" / occupied).write_text("mine")
    with pytest.raises(RunError, match="already holds"):
        evaluate_mixture([first, second], "test", out=tmp_path / "mix", checkpoint=tmp_path / "kept")
    assert [path.name for path in tmp_path.rglob("*")] == ["mix", occupied]
    with pytest.raises(UsageError, match="out has no effect here"):
        evaluate_mixture([first, second], "test", cache=3, out=tmp_path / "new")


def test_a_mixture_in_an_empty_folder_and_behind_a_link(runs: Any, tmp_path: Path) -> None:
    first, second, _ = runs
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty", target_is_directory=True)
    evaluate_mixture([first, second], "test", out=tmp_path / "link")
    assert len(seqkit.load(tmp_path / "empty").model.members) == 2


def test_a_model_that_diverged_is_named(runs: Any, monkeypatch: Any) -> None:
    first, second, _ = runs

    def lost(each: StreamPass, index: int) -> np.ndarray:
        return np.full(len(each.ids), np.nan if each.model is first.model else -1.0)

    monkeypatch.setattr(StreamPass, "piece", lost)
    monkeypatch.setattr(StreamPass, "__len__", lambda _: 1)
    with pytest.raises(
        UsageError, match=r"expected a model that gives each token a probability, got NaN, .*lstm"
    ):
        evaluate_mixture([second, first], "test")
