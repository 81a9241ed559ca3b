"""The addresses of the views of translations, labels, images and tags, against the tasks themselves."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.explorer.answers import Explorer, Values
from seqkit.explorer.background import Jobs
from seqkit.explorer.opening import open_items
from seqkit.explorer.readable import reader
from seqkit.explorer.views import images
from seqkit.explorer.views.tagger import pieces
from seqkit.tasks.attention_maps import attention_maps
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, train
from seqkit.tasks.sequence_labeling.trained import TaggedSpan, TaggedText
from seqkit.tasks.text_classification.contributions import text_without
from tests.explorer.conftest import application, client_of
from tests.tasks.test_sequence_labeling import write_values
from tests.training.tiny import cache_set

# Translation and attention


@pytest.mark.parametrize("name", ["pairs", "aligned"])
def test_translations_and_tree(model_client: Any, models: Path, name: str) -> None:
    question = {"item": name, "text": " abcd ", "beam": 3, "length_penalty": 0.3}
    answer = model_client.post("/translation/translate", json=question).json()
    run = seqkit.load(models / name)
    [expected] = run.translate(["abcd"], beam=3, n_best=3, length_penalty=0.3)
    assert [each["text"] for each in answer["translations"]] == [each.text for each in expected]
    assert [each["score"] for each in answer["translations"]] == pytest.approx(
        [each.score for each in expected], rel=1e-4
    )
    nodes = answer["tree"]
    at = next(i for i, node in enumerate(nodes) if node["rank"] == 1)
    tokens = []
    while at >= 0:
        tokens.insert(0, nodes[at]["token"])
        at = nodes[at]["parent"]
    assert tokens == [*expected[0].tokens, *(["<eos>"] if expected[0].complete else [])]


@pytest.mark.parametrize(
    ("name", "target"), [("pairs", ["A", "B"]), ("aligned", None), ("transformer", None)]
)
def test_attention_of_every_head(model_client: Any, models: Path, name: str, target: Any) -> None:
    text = "abc" if target or name == "aligned" else "on big red"
    question = {"item": name, "text": text, "target": target}
    answer = model_client.post("/translation/attention", json=question).json()
    expected = attention_maps(seqkit.load(models / name), text, target)
    assert [each["name"] for each in answer] == [each.name for each in expected]
    for found, map_ in zip(answer, expected, strict=True):
        weights = np.frombuffer(base64.b64decode(found["weights"]), "<u2").reshape(found["shape"]) / 65535
        np.testing.assert_allclose(weights, map_.weights, atol=1e-4)
        assert (found["queries"], found["keys"]) == (map_.queries, map_.keys)


def test_only_transformers_of_other_tasks_have_attention(model_client: Any) -> None:
    page = model_client.get("/translation").text
    assert '"transformer"' in page
    assert '"lstm"' not in page
    answer = model_client.post("/translation/attention", json={"item": "lstm", "text": "on"})
    assert answer.status_code == 400
    answer = model_client.post("/translation/translate", json={"item": "transformer", "text": "on"})
    assert answer.json()["error"].startswith("expected item to be one of")
    answer = model_client.post("/translation/translate", json={"item": "pairs", "text": "a", "beam": 11})
    assert "from 1 to 10" in answer.json()["error"]
    answer = model_client.post("/translation/translate", json={"item": "pairs", "text": "  "})
    assert "empty" in answer.json()["error"]


def test_byte_level_tokens_are_read() -> None:
    tokenizer = pytest.importorskip("tokenizers") and seqkit.text.get_tokenizer(
        "bpe", lines=lambda: iter(["Männer spielen"] * 9), vocab_size=280
    )
    read = reader(tokenizer)
    tokens = tokenizer.tokenize("Männer spielen 日")
    assert "".join(map(read, tokens)).startswith("Männer spielen")
    assert reader(seqkit.text.get_tokenizer("word"))("Ġ") == "Ġ"


# Labels


def test_a_word_left_out(model_client: Any, models: Path) -> None:
    text = "the film is good , the plot is good"
    answer = model_client.post("/labels/classify", json={"item": "reviews", "text": text}).json()
    run = seqkit.load(models / "reviews")
    [whole] = run.classify([text])
    assert dict(answer["labels"]) == pytest.approx(whole.probabilities, rel=1e-4)
    assert answer["labels"][0][0] == whole.label
    assert "".join(piece["text"] for piece in answer["pieces"]) == text
    done = 0
    for piece in answer["pieces"]:
        end = done + len(piece["text"])
        if "log_odds" in piece:
            [without] = run.classify([text_without(text, done, end)])
            assert piece["without"] == pytest.approx(without.probabilities, rel=1e-4)
            raised = whole.probabilities["pos"] > without.probabilities["pos"]
            assert (piece["log_odds"]["pos"] > 0) is raised
        done = end
    too_long = model_client.post("/labels/classify", json={"item": "reviews", "text": "a " * 500})
    assert too_long.json()["error"] == "expected at most 400 words, got 500"


# Images


def test_mistakes_of_a_split(model_client: Any, models: Path) -> None:
    run = seqkit.load(models / "stripes")
    scores, expected = run.evaluate(), run.mistakes()
    summary = model_client.get("/images/summary", params={"item": "stripes"}).json()
    assert summary["confusion"] == scores.confusion.tolist()
    assert summary["accuracy"] == pytest.approx(scores.accuracy)
    assert (summary["split"], summary["mistakes"]) == ("test", len(expected))
    answer = model_client.get("/images/mistakes", params={"item": "stripes"}).json()
    assert answer["total"] == len(expected)
    assert [each["row"] for each in answer["mistakes"]] == [each.row for each in expected[:60]]
    shown = np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(answer["shape"])
    np.testing.assert_array_equal(shown, [each.image for each in expected[:60]])
    first = expected[0]
    cell = {"item": "stripes", "label": first.label, "predicted": first.predicted, "first": 1}
    rest = model_client.get("/images/mistakes", params=cell).json()
    alike = [each.row for each in expected if (each.label, each.predicted) == (first.label, first.predicted)]
    assert [each["row"] for each in rest["mistakes"]] == alike[1:]
    picture = model_client.get("/images/picture", params={"item": "stripes", "row": first.row}).json()
    assert picture["label"] == first.label
    assert picture["probabilities"][0] == [first.predicted, pytest.approx(first.probability, rel=1e-4)]
    beyond = model_client.get("/images/picture", params={"item": "stripes", "row": 1 << 20})
    assert beyond.status_code == 400


def test_progress_of_a_classification(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_AT_ONCE", 5)
    explorer = Explorer(open_items([models / "stripes"]), Jobs())
    [item] = explorer.items.values()
    values = Values({"item": "stripes"}, explorer)
    seen = []

    def log_probs(some: np.ndarray) -> np.ndarray:
        seen.append((len(some), images.progress(explorer, values)["fraction"]))
        return 2 * some

    trained = SimpleNamespace(settings=SimpleNamespace(eval_batch_size=3), log_probs=log_probs)
    assert images.progress(explorer, values) == {"fraction": 0.0}
    found = images._log_probs(item, trained, np.arange(15.0))
    np.testing.assert_array_equal(found, 2 * np.arange(15.0))
    assert seen == [(6, 0.0), (6, 0.4), (3, 0.8)]


def test_filters(model_client: Any, models: Path) -> None:
    answer = model_client.get("/images/filters", params={"item": "stripes"}).json()
    filters = seqkit.load(models / "stripes").filters()
    found = np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(answer["shape"])
    np.testing.assert_allclose(found / 255, filters, atol=0.01)


# Tagger


def test_spans_and_words(model_client: Any, models: Path) -> None:
    text = "Dr Smith saw New York .\nthe old city"
    answer = model_client.post("/tagger/tag", json={"item": "names", "text": text}).json()
    expected = seqkit.load(models / "names").tag(text.split("\n"))
    assert answer["labels"] == ["LOC", "PER"]
    for line, tagged in zip(answer["lines"], expected, strict=True):
        assert "".join(piece["text"] for piece in line["pieces"]) == tagged.text
        spans = [(piece["text"], span["label"]) for piece in line["pieces"] for span in piece["spans"]]
        assert spans == [(span.text, span.label) for span in tagged.spans]
        words = [(word["text"], word["tag"], word["probability"]) for word in line["words"]]
        assert words == [(each.text, each.tag, pytest.approx(each.probability)) for each in tagged.words]


def test_pieces_of_spans_that_overlap() -> None:
    text = "שלום 東京 abc"
    spans = (TaggedSpan("שלום 東京", 0, 7, "A", 0.5), TaggedSpan("東京 abc", 5, 11, "B", None))
    found = pieces(TaggedText(text, (), spans))
    assert [piece["text"] for piece in found] == ["שלום ", "東京", " abc"]
    labels = [[(span["label"], span["begins"]) for span in piece["spans"]] for piece in found]
    assert labels == [[("A", True)], [("A", False), ("B", True)], [("B", False)]]
    assert pieces(TaggedText("", (), ())) == []


def test_text_in_columns(cache_folder: Path, tmp_path: Path) -> None:
    """A tagger that reads feature columns is given them, a word on each line; a bad line is named."""
    with cache_set(cache_folder):
        data = write_values(tmp_path / "a.conll")
        settings = SequenceLabelingSettings(corpus=str(data), feature_columns="2", epochs=1, hidden_size=4)
        run = train(settings, tmp_path / "runs" / "values")
    with client_of(application(tmp_path / "runs")) as client:
        text = "the\tN\nold\tV\n\ncity N\n"
        answer = client.post("/tagger/tag", json={"item": "values", "text": text}).json()
        assert ["".join(p["text"] for p in line["pieces"]) for line in answer["lines"]] == ["the old", "city"]
        expected = run.tag_words([["the", "old"], ["city"]], [[["N", "V"]], [["N"]]])
        assert [[word["tag"] for word in line["words"]] for line in answer["lines"]] == expected
        wrong = client.post("/tagger/tag", json={"item": "values", "text": "the N\nold\n"}).json()
        assert "the text, line 2: expected 2 columns as in line 1, got 1" in wrong["error"]
