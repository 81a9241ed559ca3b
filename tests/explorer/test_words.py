"""The addresses of the view Words, k-means, completions, and maps in the background."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.explorer import maps
from seqkit.explorer.opening import open_items
from seqkit.explorer.word_tables import Completions, words_of
from seqkit.plotting import project_to_plane
from seqkit.vectors import KeyedVectors
from tests.explorer.conftest import WORDS

ITEM = {"item": "words.safetensors"}


def points_of(answer: Any) -> np.ndarray:
    return np.frombuffer(base64.b64decode(answer.json()["points"]), np.float32).reshape(-1, 2)


def test_sets(client: Any) -> None:
    text = client.get("/words").text
    for name in ("words.safetensors", "others.safetensors", "gru"):
        assert f'"name": "{name}"' in text
    assert '"name": "kneser-ney"' not in text  # it has no vectors
    about = client.get("/words/about", params=ITEM).json()
    assert (about["total"], about["dimensions"], about["methods"][0]) == (52, 5, "pca")
    assert client.get("/words/list", params={**ITEM, "words": 12}).json()["words"] == WORDS


def test_vectors_inside_a_language_model(client: Any, runs: Path) -> None:
    (item,) = open_items([runs / "gru"])
    table = words_of(item)
    with item.use() as model:
        assert table.index_to_key == list(model.vocabulary.tokens)
        np.testing.assert_array_equal(table.vectors, model.model.state_dict()["embedding.weight"])
    answer = client.get("/words/neighbours", params={"item": "gru", "plus": "cat"})
    assert len(answer.json()["neighbours"]) == 12


def test_pca_is_that_of_the_plots(client: Any, runs: Path) -> None:
    table = KeyedVectors.load(runs / "words.safetensors")
    points = points_of(client.get("/words/pca", params=ITEM))
    np.testing.assert_allclose(points, project_to_plane(table.vectors), atol=1e-5)
    assert points_of(client.get("/words/pca", params={**ITEM, "words": 7})).shape == (7, 2)


def test_neighbours_are_those_of_the_full_space(client: Any, runs: Path) -> None:
    table = KeyedVectors.load(runs / "words.safetensors")
    answer = client.get("/words/neighbours", params={**ITEM, "plus": "日本語", "count": 5}).json()
    nearest = [word for word, _ in table.most_similar("日本語", topn=5)]
    assert [word for word, _, _ in answer["neighbours"]] == nearest
    assert (answer["rank"], answer["count"]) == (WORDS.index("日本語") + 1, None)
    sums = {"plus": ["the", "dog"], "minus": "cat", "count": 3}
    found = client.get("/words/neighbours", params={**ITEM, **sums}).json()["neighbours"]
    assert [(word, index) for word, _, index in found] == [
        (word, table.key_to_index[word]) for word, _ in table.most_similar(["the", "dog"], ["cat"], topn=3)
    ]


def test_an_unknown_word_names_similar_ones(client: Any) -> None:
    answer = client.get("/words/neighbours", params={**ITEM, "plus": "hous"})
    assert (answer.status_code, answer.json()["error"]) == (
        400, "no vector for 'hous'; did you mean 'house'?"
    )  # fmt: skip
    assert client.get("/words/neighbours", params=ITEM).json()["error"] == "expected a word, got none"


def test_completions() -> None:
    completions = Completions(["the", "Then", "other", "a\nthe", "n"])
    assert completions.find("th", 9) == ["the", "Then", "other", "a\nthe"]
    assert completions.find("TH", 1) == ["the"]
    assert completions.find("x", 9) == []
    assert completions.find("", 2) == ["the", "Then"]
    assert Completions([]).find("a", 3) == []


def test_completions_begin_with_the_word_itself(client: Any) -> None:
    answer = client.get("/words/complete", params={**ITEM, "text": "word1"}).json()["words"]
    assert answer[:3] == ["word1", "word10", "word11"]
    assert client.get("/words/complete", params={**ITEM, "text": "本"}).json()["words"] == ["日本語"]
    assert client.get("/words/complete", params={**ITEM, "text": "x" * 1001}).status_code == 400


def test_k_means_finds_directions(random: np.random.Generator) -> None:
    centres = np.eye(7, dtype=np.float32)[:3]
    truth = random.integers(3, size=211)
    rows = maps.unit_rows(centres[truth] + 0.05 * random.standard_normal((211, 7)))
    group, closeness = maps.k_means(rows, 3)
    assert {(a, b) for a, b in zip(truth.tolist(), group.tolist(), strict=True)} == {
        (each, int(group[truth == each][0])) for each in range(3)
    }
    assert len(set(group.tolist())) == 3
    assert closeness.min() > 0.9


def test_k_means_of_equal_vectors() -> None:
    group, closeness = maps.k_means(np.ones((5, 1), np.float32), 3)
    assert (len(group), closeness.tolist()) == (5, [1.0] * 5)


def test_groups_have_names(client: Any) -> None:
    answer = client.get("/words/groups", params={**ITEM, "groups": 3}).json()
    assert len(answer["names"]) == 3
    assert set(base64.b64decode(answer["groups"])) == {0, 1, 2}


def test_a_map_in_the_background(client: Any) -> None:
    pytest.importorskip("sklearn")
    job = client.post("/words/start", json={**ITEM, "method": "tsne", "words": 30}).json()["job"]
    early = client.get("/words/map", params={"job": job})
    assert early.status_code in (200, 400)
    while (status := client.get("/jobs/status", params={"job": job}).json())["state"] in (
        "waiting",
        "running",
    ):
        time.sleep(0.05)
    assert (status["state"], status["fraction"]) == ("done", 1.0)
    points = points_of(client.get("/words/map", params={"job": job}))
    assert points.shape == (30, 2)
    assert np.isfinite(points).all()


def test_a_map_without_its_package(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "installed_methods", lambda: ["pca"])
    answer = client.post("/words/start", json={**ITEM, "method": "umap"})
    assert answer.json()["remedy"] == "pip install umap-learn"


def test_progress_is_read_from_what_libraries_print() -> None:
    said: list[Any] = []
    patterns = {r"(\d+) of (\d+)": lambda done, of: (done / of, f"{done:.0f}")}
    with maps._progress_of_text(lambda *values: said.append(values), patterns):
        print("at 3 of 4, then 4 of 4")
    assert said == [(0.75, "3"), (0.999, "4")]
