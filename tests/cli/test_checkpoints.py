"""train-classifier and generate with checkpoint folders."""

from pathlib import Path

import pytest

from seqkit.tasks.causal_checkpoints import load
from tests.cli.conftest import Seqkit
from tests.models.folders import write_bert
from tests.tasks.test_causal_checkpoints import folder  # noqa: F401
from tests.tasks.test_fine_tuning import write_data

pytest.importorskip("tokenizers")


def test_a_classifier_from_a_folder(seqkit: Seqkit, tmp_path: Path) -> None:
    write_data(tmp_path / "data.tsv", "up", "down")
    bert = write_bert(tmp_path / "bert")
    arguments = ("train-classifier", "data.tsv", "--init", "bert")
    dry = seqkit(*arguments, "--dry-run")
    assert dry.code == 0
    assert "lr = 5e-05" in dry.out
    Path("c.toml").write_text(dry.out)
    assert seqkit("train-classifier", "--config", "c.toml", "--dry-run").out == dry.out
    quick = ("--lr", "0.01", "--epochs", "5", "--batch-size", "8", "--dropout", "0")
    done = seqkit(*arguments, *quick, "--out", "run", "--json")
    assert (done.code, done.json["settings"]["pooling"]) == (0, "cls")
    bert.rename(tmp_path / "away")
    more = seqkit("train-classifier", "--out", "run", "--resume", "--epochs", "6", "--json").json
    assert [entry["epoch"] for entry in more["epochs"]] == [1, 2, 3, 4, 5, 6]
    assert seqkit("eval-classifier", "run", "--json").json["accuracy"] > 0.8
    Path("texts.txt").write_text("up up down up\ndown\n")
    found = seqkit("classify", "run", "texts.txt").out.splitlines()
    assert [line.split("\t")[0] for line in found] == ["up", "down"]
    for arguments, said in (
        (("train-classifier", "data.tsv", "--init", "bert"), "no run and no checkpoint folder at bert"),
        (
            ("train-classifier", "data.tsv", "--init", "data.tsv"),
            "no run and no checkpoint folder at data.tsv",
        ),
    ):
        refused = seqkit(*arguments, "--out", "other")
        assert (refused.code, refused.out) == (1, "")
        assert said in refused.err
        assert not Path("other").exists()


def test_text_from_a_folder(seqkit: Seqkit, folder: Path) -> None:  # noqa: F811
    write_bert(folder.parent / "bert")
    quick = ("--prompt", "low", "--max-new-tokens", "5", "--no-stop")
    expected = load(folder).generate("low", max_new_tokens=5, stop=[], num_samples=2, seed=3)
    found = seqkit("generate", "gpt2", *quick, "--num-samples", "2", "--seed", "3", "--json").json
    assert found == [vars(sample) for sample in expected]
    assert seqkit("generate", "gpt2", *quick, "--temperature", "0").out.startswith("low")
    for arguments, code, said in (
        (("bert", *quick), 1, "bert has no causal head; `seqkit embed`"),
        (("absent", *quick), 1, "absent"),
        (("gpt2", *quick[:4], "--stop", "low low"), 2, "expected stop to be single tokens of this model"),
    ):
        refused = seqkit("generate", *arguments)
        assert (refused.code, refused.out) == (code, "")
        assert said in refused.err
    Path("lines.txt").write_text("low lower\n\nwool\n" * 20)
    scores = [vars(score) for score in load(folder).score(["low lower", "wool"])]
    found = seqkit("score", "gpt2", "lines.txt", "--json").json
    assert [each["line"] for each in found[:3]] == ["low lower", "", "wool"]
    for line, score in zip((found[0], found[2]), scores, strict=True):
        assert {key: line[key] for key in score} == pytest.approx(score, rel=1e-4)
    done = seqkit("eval-lm", "gpt2", "--corpus", "lines.txt", "--split", "train", "--json").json
    assert done["perplexity"] == load(folder).evaluate("train", corpus="lines.txt").perplexity
    refused = seqkit("eval-lm", "gpt2")
    assert (refused.code, refused.out) == (2, "")
    assert "expected --corpus, a text to evaluate on, since this model has none, gpt2" in refused.err
    for option in (("--cache", "9"), ("--dynamic",)):
        refused = seqkit("eval-lm", "gpt2", "--corpus", "lines.txt", *option)
        assert (refused.code, refused.out) == (2, "")
        assert f"{option[0]} has no effect here: it is for runs of train-lm" in refused.err
    weights = folder / "model.safetensors"
    weights.rename(folder / "pytorch_model.bin")
    assert "convert it once" in seqkit("generate", "gpt2", *quick).err
