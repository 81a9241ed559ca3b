"""The addresses of the view Language model, against scores and generation of the task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.backend.random import Generator
from seqkit.explorer.answers import Explorer, Values
from seqkit.explorer.background import Jobs
from seqkit.explorer.opening import open_items
from seqkit.explorer.views import language_model, translation
from tests.tasks.test_causal_checkpoints import folder  # noqa: F401

MODELS = ["lstm", "kneser-ney", "transformer"]


@pytest.mark.parametrize("name", MODELS)
def test_surprisals_are_those_of_score_tokens(model_client: Any, models: Path, name: str) -> None:
    text = "the cat sat\n\na red zebra\n"
    answer = model_client.post("/language-model/score", json={"item": name, "text": text}).json()
    run = seqkit.load(models / name)
    expected = list(run.score_tokens(["the cat sat", "", "a red zebra"], alternatives=8))
    for line, scores in zip(answer["lines"], expected, strict=True):
        assert [token["text"] for token in line] == [each.token for each in scores]
        assert [token["bits"] for token in line] == pytest.approx([each.surprisal for each in scores])
        assert [token["rank"] for token in line] == [each.rank for each in scores]
        assert [token["unknown"] for token in line] == [each.unknown for each in scores]
        assert [token["top"][0][0] for token in line] == [each.alternatives[0][0] for each in scores]
        assert all(len(token["top"]) == 8 for token in line)
    bits = sum(each.surprisal for line in expected for each in line)
    assert answer["tokens"] == 9
    assert answer["bits"] == pytest.approx(bits)
    assert answer["perplexity"] == pytest.approx(2 ** (bits / 9))
    assert answer["bits_per_character"] is None, "the characters of an unknown word are not predicted"
    word = next(token for token in run.vocabulary.tokens if token.isalpha())
    text = f"{word} {word}\n\n{word} <unk> {word}\n"
    answer = model_client.post("/language-model/score", json={"item": name, "text": text}).json()
    assert answer["bits_per_character"] == pytest.approx(answer["bits"] / len(text))


@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_a_draw_of_generate(model_client: Any, models: Path, name: str) -> None:
    run = seqkit.load(models / name)
    settings = {"temperature": 0.8, "top_k": 4, "top_p": 0.9}
    expected = run.continuation("on big").draw(**settings, generator=Generator(7, "generate"))
    question = {"item": name, "prompt": "on big", "ids": [], "seed": 7, **settings}
    answer = model_client.post("/language-model/next", json=question).json()
    assert answer["chosen"]["id"] == expected
    assert answer["chosen"]["text"] == run.vocabulary.tokens[expected]
    assert answer["ids"] == ([] if answer["stopped"] else [expected])
    log_prob = run.continuation("on big").log_probs[expected]
    assert answer["chosen"]["bits"] == pytest.approx(-log_prob / np.log(2), rel=1e-4)


def test_a_chosen_token_and_its_distribution(model_client: Any, models: Path) -> None:
    run = seqkit.load(models / "lstm")
    red, mat, eos = map(run.vocabulary.id, ("red", "mat", "<eos>"))
    ask = {"item": "lstm", "prompt": "on", "ids": [red]}
    answer = model_client.post("/language-model/next", json={**ask, "choose": mat}).json()
    assert (answer["ids"], answer["text"], answer["stopped"]) == ([red, mat], "on red mat", False)
    expected = np.exp(run.continuation("on red mat").log_probs)
    shown = {each["id"]: np.exp(each["log_prob"]) for each in answer["top"]}
    assert shown == pytest.approx(dict(enumerate(expected)), rel=1e-3)
    assert [each["text"] for each in answer["top"] if each["banned"]] == ["<unk>"]
    ended = model_client.post("/language-model/next", json={**ask, "choose": eos}).json()
    assert (ended["stopped"], ended["ids"]) == (True, [red])


def test_the_other_tokens_are_in_groups(
    model_client: Any, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_model, "TOP", 3)
    monkeypatch.setattr(language_model, "_GROUPS", 2)
    answer = model_client.post("/language-model/next", json={"item": "kneser-ney", "prompt": "on"}).json()
    run = seqkit.load(models / "kneser-ney")
    p = np.sort(np.delete(np.exp(run.continuation("on").log_probs), run.vocabulary.unk_id))[::-1]
    named = sum(not each["banned"] for each in answer["top"])
    counts, logs = zip(*answer["rest"], strict=True)
    assert (len(answer["top"]), sum(counts), len(counts) <= 2) == (3, len(p) - named, True)
    assert sum(n * np.exp(log) for n, log in answer["rest"]) == pytest.approx(p[named:].sum())
    assert list(logs) == sorted(logs, reverse=True)


@pytest.mark.parametrize(
    ("path", "values", "error"),
    [
        ("score", {"text": "x" * 4001}, "expected text of at most 4,000 characters"),
        ("score", {}, "expected text to be a text"),
        ("next", {"ids": ["1"]}, "expected ids to be at most 500 whole numbers"),
        ("next", {"ids": [99]}, "99"),
        ("next", {"choose": 10}, "expected choose to be a number from 0 to 9"),
        ("next", {"seed": 1, "temperature": -1}, "expected temperature"),
        ("next", {"seed": 1, "top_p": 0}, "expected top_p"),
    ],
)
def test_wrong_values_are_sentences(model_client: Any, path: str, values: dict, error: str) -> None:
    answer = model_client.post(f"/language-model/{path}", json={"item": "lstm", **values})
    assert answer.status_code == 400
    assert error in answer.json()["error"]


def test_no_example_of_files_that_a_run_names(model_client: Any) -> None:
    answer = model_client.get("/language-model/example", params={"item": "lstm"})
    assert answer.json() == {"text": None}


def test_a_folder_of_gpt2(folder: Path) -> None:  # noqa: F811
    """Its tokens are pieces of text, and no end of a line is predicted."""
    explorer = Explorer(open_items([folder]), Jobs())

    def ask(function: Any, **values: Any) -> Any:
        return function(explorer, Values({"item": folder.name, **values}, explorer))

    answer = ask(language_model.score, text="low lower")
    [expected] = seqkit.load(folder).score_tokens(["low lower"])
    assert "".join(token["text"] for token in answer["lines"][0]) == "low lower"
    assert answer["bits"] == pytest.approx(sum(each.surprisal for each in expected))
    assert answer["bits_per_character"] == pytest.approx(answer["bits"] / 9)
    first = ask(language_model.next_token, prompt="low", seed=1, top_k=2)
    again = ask(language_model.next_token, prompt="low", ids=first["ids"])
    assert first["text"].startswith("low")
    assert again["top"] == first["top"]
    assert all(each["banned"] for each in first["top"] if each["id"] >= len(seqkit.load(folder).tokenizer))
    maps = ask(translation.attention, text="low lower")
    assert [each["name"] for each in maps] == ["self"]
