"""train-classifier, eval-classifier, and classify of texts."""

import tomllib
from pathlib import Path

import pytest

from seqkit.cli.settings_file import read_recipe, recipe_names
from seqkit.tasks.text_classification import TextClassificationSettings
from tests.cli.conftest import Seqkit
from tests.tasks.test_text_classification import write_reviews

QUICK = ("--model", "bag", "--emsize", "16", "--batch-size", "16", "--lr", "0.02", "--min-count", "1")


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return write_reviews(tmp_path / "reviews.tsv")


@pytest.mark.without_numba
def test_train_evaluate_classify(seqkit: Seqkit, reviews: Path) -> None:
    done = seqkit("train-classifier", "reviews.tsv", *QUICK, "--epochs", "2", "--out", "run", "--json")
    assert done.code == 0
    assert [entry["epoch"] for entry in done.json["epochs"]] == [1, 2]
    assert 0.5 < done.json["valid_accuracy"] <= 1
    again = seqkit(
        "train-classifier", "reviews.tsv", *QUICK, "--epochs", "3", "--out", "run", "--resume", "--json"
    )
    assert [entry["epoch"] for entry in again.json["epochs"]] == [1, 2, 3]
    scores = seqkit("eval-classifier", "run", "--json").json
    assert [row["label"] for row in scores["classes"]] == ["neg", "pos"]
    assert sum(map(sum, scores["confusion"])) == scores["examples"]
    shown = seqkit("eval-classifier", "run", "--split", "valid").out
    assert "precision" in shown
    assert "(valid)" in shown
    Path("texts.txt").write_text("a great film\nawful plot\n")
    lines = seqkit("classify", "run", "texts.txt").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["pos", "neg"]


def test_dry_run_can_be_read_again(seqkit: Seqkit, reviews: Path) -> None:
    first = seqkit("train-classifier", reviews, *QUICK[2:], "--model", "transformer", "--dry-run")
    assert first.code == 0
    Path("c.toml").write_text(first.out)
    assert seqkit("train-classifier", "--config", "c.toml", "--dry-run").out == first.out
    settings = TextClassificationSettings.from_values(tomllib.loads(first.out))
    assert (settings.pooling, settings.hidden_size, settings.tokenizer) == ("mean", 64, "word")


def test_every_recipe_is_one(seqkit: Seqkit) -> None:
    names = recipe_names("train-classifier")
    assert {"rt-polarity-bag", "rt-polarity-lstm", "rt-polarity-transformer"} <= set(names)
    for name in names:
        TextClassificationSettings.from_values(read_recipe(name, "train-classifier"))


def test_mistakes_leave_no_run(
    seqkit: Seqkit, tmp_path: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path / "nothing"))
    for arguments, code, said in (
        ((), 1, "seqkit corpora fetch rt-polarity"),
        (("none.tsv",), 1, "none.tsv"),
        ((reviews, "--label-column", "4"), 1, "only 2 columns"),
        ((reviews, "--pooling", "cls"), 2, "expected pooling to be one of mean"),
        ((reviews, "--vectors", "none.bin"), 1, "none.bin"),
        ((reviews, "--model", "svm"), 2, "svm"),
    ):
        done = seqkit("train-classifier", *arguments[:1], *QUICK, *arguments[1:], "--out", "run")
        assert (done.code, done.out) == (code, "")
        assert said in done.err
        assert not Path("run").exists()
    assert seqkit("eval-classifier", "run").code == 1


def test_masked_then_fine_tuned(seqkit: Seqkit, tmp_path: Path, reviews: Path) -> None:
    lines = reviews.read_text().splitlines()
    (tmp_path / "text.txt").write_text("".join(line.split("\t")[1] + "\n" for line in lines))
    quick = ("--emsize", "16", "--nlayers", "1", "--nhead", "2", "--context-length", "10", "--epochs", "1")
    masked = ("train-lm", "text.txt", "--objective", "masked", "--model", "transformer", *quick)
    done = seqkit(*masked, "--out", "encoder", "--json")
    assert done.code == 0
    assert 0 <= done.json["valid_accuracy"] <= 1
    more = seqkit("train-lm", "--out", "encoder", "--resume", "--epochs", "2", "--json").json
    assert [entry["epoch"] for entry in more["epochs"]] == [1, 2]
    scores = seqkit("eval-lm", "encoder", "--json").json
    assert 0 < scores["unigram_accuracy"] < 1
    assert "masked tokens predicted correctly" in seqkit("eval-lm", "encoder").out
    assert seqkit(*masked, "--dry-run").out.count("objective") == 1
    refused = seqkit("train-lm", "text.txt", "--objective", "masked", "--model", "lstm", "--out", "no")
    assert refused.code == 2
    assert "expected model to be one of transformer" in refused.err
    tuned = seqkit(
        "train-classifier", reviews, "--init", "encoder", "--freeze", "--epochs", "1", "--out", "run"
    )
    assert tuned.code == 0
    assert seqkit("classify", "run", "text.txt").out.count("\n") == len(lines)
