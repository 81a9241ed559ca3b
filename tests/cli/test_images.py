"""train-images, eval-images, classify, plot filters and mistakes."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from seqkit.tasks.image_classification import ImageClassificationSettings
from tests.cli.conftest import Seqkit
from tests.tasks.test_image_classification import write_stripes

QUICK = ("--hidden", "16", "--batch-size", "16", "--lr", "0.01", "--validation", "0.2")


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    return write_stripes(tmp_path / "stripes")


@pytest.mark.without_numba
def test_train_evaluate_classify(seqkit: Seqkit, stripes: Path) -> None:
    done = seqkit(
        "train-images", "stripes", *QUICK, "--epochs", "8", "--test-accuracy", "--out", "run", "--json"
    )
    assert done.code == 0
    assert [entry["epoch"] for entry in done.json["epochs"]] == list(range(1, 9))
    assert {"valid_loss", "valid_accuracy", "test_accuracy"} <= done.json["epochs"][0].keys()
    assert done.json["settings"]["corpus"] == str(stripes)
    assert "test accuracy" in done.err
    assert "images of 10×10×1, 3 classes" in done.err
    scores = seqkit("eval-images", "run", "--json").json
    assert (scores["split"], scores["examples"]) == ("test", 40)
    assert sum(map(sum, scores["confusion"])) == 40
    assert {"precision", "recall", "f1"} <= scores["classes"][0].keys()
    said = seqkit("eval-images", "run", "--split", "valid").out
    assert "of 24 (valid)" in said
    assert "macro mean" in said
    more = seqkit("train-images", "stripes", "--out", "run", "--resume", "--epochs", "9")  # a relative path
    assert more.code == 0
    assert "after epoch 9" in more.out


def test_classify_files(seqkit: Seqkit, stripes: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    seqkit("train-images", stripes, *QUICK, "--epochs", "1", "--out", "run")
    Image.new("L", (10, 10), 9).save("a.png")
    Image.new("L", (20, 10), 9).save("b.png")
    said = seqkit("classify", "run", "a.png", "--json").json
    assert said[0]["file"] == "a.png"
    assert sum(said[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    line = seqkit("classify", "run", "a.png").out
    assert line == f"{said[0]['label']}\t{said[0]['probability']:.4f}\ta.png\n"
    assert seqkit("classify", "run", "a.png", "b.png").code == 1
    assert len(seqkit("classify", "run", "a.png", "b.png", "--resize").out.splitlines()) == 2
    assert "expected image files for run, got none" in seqkit("classify", "run").err


def test_classify_wants_a_classifier(seqkit: Seqkit, kneser_ney: Path) -> None:
    refused = seqkit("classify", kneser_ney, "a.png")
    assert refused.code == 1
    assert "expected a run of train-images or train-classifier, got a run of language_modeling" in refused.err


def test_figures(seqkit: Seqkit, stripes: Path) -> None:
    pytest.importorskip("matplotlib")
    seqkit("train-images", stripes, *QUICK, "--epochs", "1", "--out", "run")
    assert seqkit("plot", "filters", "run", "--out", "f.png").out == "f.png\n"
    done = seqkit("plot", "mistakes", "run", "--top", "3", "--out", "m.png", "--json")
    assert done.code == 0
    assert len(done.json["shown"]) == 3 <= done.json["mistakes"]
    for name in ("f.png", "m.png"):
        assert os.stat(name).st_size > 1000


def test_dry_run_can_be_read_again(seqkit: Seqkit, stripes: Path) -> None:
    first = seqkit("train-images", stripes, "--model", "simple-cnn", "--dry-run")
    assert first.code == 0
    assert "# train 108, valid 12, test 40 images of 10×10×1, 3 classes" in first.out
    Path("c.toml").write_text(first.out)
    assert seqkit("train-images", "--config", "c.toml", "--dry-run").out == first.out
    settings = ImageClassificationSettings.from_values(tomllib.loads(first.out))
    assert (settings.filters, settings.hidden, settings.corpus) == ("30", "100", str(stripes))


def test_mistakes_leave_no_run(seqkit: Seqkit, stripes: Path) -> None:
    (stripes / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\2\0\1")
    for arguments, code, said in (
        (("mnits",), 1, "did you mean mnist"),
        ((stripes,), 1, "expected a label for each of 120 images, got 2"),
        ((stripes, "--model", "resnet"), 2, "resnet"),
        (("digits", "--image-size", "8"), 2, "one size already"),
        ((stripes, "--hidden", "ten"), 2, "expected hidden to be numbers"),
    ):
        done = seqkit("train-images", *arguments, "--out", "run")
        assert (done.code, done.out) == (code, "")
        assert said in done.err
        assert not Path("run").exists()


def test_corpora_show_images(seqkit: Seqkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path / "none"))
    listed = seqkit("corpora", "list").out
    assert "digits" in listed
    assert "fashion-mnist" in listed
    absent = seqkit("corpora", "info", "mnist", "--json").json
    assert (absent["present"], absent["type"]) == (False, "images")
    pytest.importorskip("sklearn")
    digits = seqkit("corpora", "info", "digits", "--json").json
    assert digits["images"] == {"train": 1437, "test": 360}
