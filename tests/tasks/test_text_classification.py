"""Training text classifiers into run directories: what is learned, resumed, classified and refused."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DamagedFileError, DataError, RunError, TrainingInterrupted, UsageError
from seqkit.tasks.text_classification import TextClassificationSettings, TrainedTextClassifier, load, train
from seqkit.vectors import KeyedVectors
from tests.tasks.test_seq2seq import Notes

GOOD, BAD = ("good", "fine", "great"), ("bad", "poor", "awful")
REST = ("the", "a", "film", "plot", "is", "with", "actor", "and")


def write_reviews(path: Path, count: int = 240, seed: int = 0) -> Path:
    """Sentences with one telling word among others; its place is anywhere."""
    source = random.Random(seed)
    lines = []
    for _ in range(count):
        label, words = source.choice((("pos", GOOD), ("neg", BAD)))
        text = source.choices(REST, k=source.randint(2, 7))
        text.insert(source.randint(0, len(text)), source.choice(words))
        lines.append(f"{label}\t{' '.join(text)}\n")
    path.write_text("".join(lines))
    return path


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return write_reviews(tmp_path / "reviews.tsv")


QUICK: dict[str, Any] = {
    "embedding_size": 16,
    "batch_size": 16,
    "epochs": 2,
    "lr": 0.02,
    "min_count": 1,
}


def trained(data: Path, out: Path, callback: Any = None, **changes: Any) -> TrainedTextClassifier:
    return train(
        TextClassificationSettings(corpus=str(data), **{**QUICK, **changes}), out, callbacks=callback
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "bag"},
        {"model": "bag", "hidden_size": 8, "num_layers": 2, "word_dropout": 0.1},
        {"model": "lstm", "hidden_size": 12},
        {"model": "gru", "hidden_size": 12, "pooling": "last", "bidirectional": False},
        {"model": "transformer", "num_heads": 2, "pooling": "cls", "dropout": 0.0, "epochs": 5},
    ],
    ids=str,
)
def test_it_learns_and_opens_as_what_was_trained(
    reviews: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = trained(reviews, tmp_path / "run", **{"epochs": 4, **changes})
    scores = run.evaluate()
    assert scores.split == "test"
    assert scores.accuracy > 0.9
    assert scores.examples == sum(map(sum, scores.confusion.tolist()))
    assert run.evaluate("valid").accuracy > 0.9
    texts = ["the film is great", "awful plot", "the bad actor"]
    again = seqkit.load(tmp_path / "run")
    assert isinstance(again, TrainedTextClassifier)
    found = again.classify(texts)
    assert [one.label for one in found] == ["pos", "neg", "neg"]
    for one, text in zip(found, texts, strict=True):
        assert one.probability == max(one.probabilities.values())
        assert sum(one.probabilities.values()) == pytest.approx(1)
        alone = run.classify([text])[0]  # as padding changes nothing
        assert alone.probabilities == pytest.approx(one.probabilities, abs=1e-5)


def test_the_log_has_accuracies_and_the_run_its_labels(reviews: Path, tmp_path: Path) -> None:
    notes = Notes()
    run = trained(reviews, tmp_path / "run", notes, model="bag")
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    ends = [record for record in records if "valid_accuracy" in record]
    assert [record["epoch"] for record in ends] == [1, 2]
    assert all(record["valid_macro_f1"] <= 1 for record in ends)
    assert (tmp_path / "run" / "labels.txt").read_text().split() == ["neg", "pos"]
    assert run.labels == ("neg", "pos")
    assert any("train: neg" in text for text in notes.messages)
    best = min(ends, key=lambda record: record["valid_loss"])
    assert run.evaluate("valid").loss == pytest.approx(best["valid_loss"], rel=1e-6)


@pytest.mark.parametrize("model", ["bag", "lstm", "transformer"])
def test_a_stopped_run_goes_on_with_the_same_bits(reviews: Path, tmp_path: Path, model: str) -> None:
    settings = TextClassificationSettings(
        corpus=str(reviews), **{**QUICK, "epochs": 3, "model": model, "hidden_size": 8}
    )
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        train(settings, tmp_path / "run", callbacks=Notes(stop_after=1))
    done = train(settings, tmp_path / "run", resume=True)
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)


@pytest.mark.parametrize("freeze", [False, True])
def test_word_vectors_are_where_it_starts(reviews: Path, tmp_path: Path, freeze: bool) -> None:
    table = KeyedVectors(6)
    words = [*GOOD, *BAD, "film"]
    table.add_vectors(words, np.random.default_rng(0).standard_normal((len(words), 6)).astype(np.float32))
    table.save(tmp_path / "vectors.safetensors")
    notes, path = Notes(), str(tmp_path / "vectors.safetensors")
    settings = {"model": "bag", "embedding_size": None, "vectors": path, "freeze": freeze, "epochs": 3}
    run = trained(reviews, tmp_path / "run", notes, **settings)
    assert any("7 of 15 types start from" in text for text in notes.messages)
    W = run.model.encoder.embedding.weight.data
    assert W.shape == (15, 6)
    kept = np.stack([W[run.vocabulary.id(word)] for word in words])
    assert np.array_equal(kept, table.vectors) == freeze
    with pytest.raises(TrainingInterrupted):
        trained(reviews, tmp_path / "again", Notes(stop_after=1), **settings)
    again = train(TextClassificationSettings(), tmp_path / "again", resume=True)
    np.testing.assert_array_equal(again.model.encoder.embedding.weight.data, W)
    with pytest.raises(UsageError, match=r"expected embedding_size \(--emsize\) to be 6, as in .*, got 16"):
        trained(reviews, tmp_path / "other", model="bag", vectors=path)
    stranger = KeyedVectors(6)
    stranger.add_vectors(["nothing"], np.ones((1, 6), np.float32))
    stranger.save(path)
    with pytest.raises(DataError, match="expected vectors of some of the 15 words, got none"):
        trained(reviews, tmp_path / "other", **settings)
    assert not (tmp_path / "other").exists()


def test_given_splits_without_a_test_part(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_reviews(folder / "train.tsv")
    write_reviews(folder / "valid.tsv", 40, seed=1)
    run = trained(folder, tmp_path / "run", model="bag")
    assert run.evaluate().split == "valid"
    with pytest.raises(DataError, match="expected split to be one of train, valid, got 'test'"):
        run.evaluate("test")


def test_other_texts_are_evaluated_as_a_whole_or_by_split(reviews: Path, tmp_path: Path) -> None:
    run = trained(reviews, tmp_path / "run", model="bag")
    rows = [line.split("\t") for line in reviews.read_text().splitlines()[:40]]
    table = tmp_path / "other.csv"
    table.write_text("".join(f'{n},"{text}",{label}\n' for n, (label, text) in enumerate(rows)))
    with pytest.raises(DataError, match="is not among the 2 training labels"):
        run.evaluate(corpus=table, label_column=2, text_column=3)
    whole = run.evaluate(corpus=table, label_column=3, text_column=2)
    assert (whole.split, whole.examples) == ("test", 40)
    predicted = [each.label for each in run.classify([text for _, text in rows])]
    assert whole.accuracy == np.mean([a == b for a, (b, _) in zip(predicted, rows, strict=True)])
    assert run.evaluate("valid", corpus=table, label_column=3, text_column=2).examples < 40
    assert run.evaluate(corpus=reviews).examples == 240


def test_bad_lines_are_errors_or_told_of(reviews: Path, tmp_path: Path) -> None:
    with reviews.open("a") as file:
        file.write("no tab here\n")
    with pytest.raises(DataError, match=r"reviews\.tsv, line 241"):
        trained(reviews, tmp_path / "run", model="bag")
    assert not (tmp_path / "run").exists()
    notes = Notes()
    trained(reviews, tmp_path / "run", notes, model="bag", on_bad_line="skip")
    assert any("line 241 skipped" in text for text in notes.messages)


def test_damage_is_found(reviews: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained(reviews, run, model="bag")
    for name in ("labels.txt", "vocab.txt", "model.safetensors", "config.json"):
        whole = (run / name).read_bytes()
        (run / name).write_bytes(whole[:-2] + b"x\n")
        with pytest.raises(DamagedFileError, match=name):
            load(run)
        (run / name).write_bytes(whole)
    load(run)


def test_mistakes(reviews: Path, tmp_path: Path) -> None:
    run = trained(reviews, tmp_path / "run", model="bag")
    with pytest.raises(DataError, match="expected a text with a token"):
        run.classify(["fine", " "])
    with pytest.raises(UsageError, match="expected texts to be a list of strings, got a string"):
        run.classify("fine")
    assert run.classify([]) == []
    assert len(run.classify(["never seen"])) == 1
    with pytest.raises(RunError):
        load(tmp_path)
    write_reviews(reviews, seed=9)
    with pytest.raises(DataError, match="has changed since"):
        run.evaluate()
    for values, said in (
        ({"model": "svm"}, "expected model to be one of"),
        ({"dropout": 1.0}, "expected dropout to be at least 0 and below 1"),
        ({"max_length": 1}, "expected max_length to be at least 2"),
        ({"word_dropout": 0.1}, "expected the model bag with word_dropout"),
        ({"freeze": True}, "expected vectors or init with freeze, got neither"),
        (
            {"model": "transformer", "vectors": "x"},
            "expected the model bag, lstm or gru with vectors, got transformer",
        ),
    ):
        with pytest.raises(UsageError, match=said):
            TextClassificationSettings.from_values(values)
    with pytest.raises(UsageError, match="expected pooling to be one of mean"):
        trained(reviews, tmp_path / "other", model="bag", pooling="last")
