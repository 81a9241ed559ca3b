"""train-embeddings, and its runs as the vectors of other commands."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from seqkit.cli.settings_file import read_recipe, recipe_names
from seqkit.tasks.embeddings import EmbeddingSettings
from seqkit.tasks.embeddings.settings import MODELS
from tests.cli.conftest import Seqkit
from tests.tasks.test_embeddings import PLACES, write_text

QUICK = (
    "--min-count", "1", "--vector-size", "8", "--window", "2", "--sample", "0", "--alpha", "0.05",
    "--epochs", "10", "--workers", "1",
)  # fmt: skip


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


@pytest.mark.without_numba
def test_train_and_ask(seqkit: Seqkit, text: Path) -> None:
    done = seqkit("train-embeddings", text, *QUICK, "--out", "run", "--json")
    assert done.code == 0
    assert (done.json["words"], done.json["vector_size"], done.json["run"]) == (8, 8, "run")
    assert "epoch 10 of 10 done" in done.err
    assert "seqkit similar WORD --vectors run" in done.err
    near = seqkit("similar", "cat", "--vectors", "run", "-n", "3", "--json")
    assert {row["word"] for row in near.json[0]["neighbours"]} == set(PLACES[0]) - {"cat"}
    analogy = seqkit("analogy", "cat", "dog", "red", "--vectors", "run", "-n", "2", "--by", "dot", "--json")
    assert len(analogy.json) == 2
    assert seqkit("convert", "run", "out.txt").code == 0
    assert Path("out.txt").read_text().startswith("8 8\n")


def test_several_words_have_a_list_each(seqkit: Seqkit, text: Path) -> None:
    seqkit("train-embeddings", text, *QUICK, "--out", "run")
    both = seqkit("similar", "cat", "red", "--vectors", "run", "-n", "2", "--json")
    assert [each["word"] for each in both.json] == ["cat", "red"]
    for each in both.json:
        word, rows = each["word"], each["neighbours"]
        [one] = seqkit("similar", word, "--vectors", "run", "-n", "2", "--json").json
        alone = one["neighbours"]
        assert [row["word"] for row in rows] == [row["word"] for row in alone]
        for row, other in zip(rows, alone, strict=True):
            assert row["similarity"] == pytest.approx(other["similarity"], abs=1e-6)
    shown = seqkit("similar", "cat", "red", "--vectors", "run", "-n", "2").out.splitlines()
    assert (shown[0], shown[3], shown[4]) == ("cat:", "", "red:")
    together = seqkit("similar", "cat", "red", "--together", "--vectors", "run", "--json").json
    assert [each["word"] for each in together] == ["cat + red"]
    assert not {"cat", "red"} & {row["word"] for row in together[0]["neighbours"]}


def test_resume_by_command(seqkit: Seqkit, text: Path) -> None:
    first = seqkit("train-embeddings", text, *QUICK, "--out", "run", "--epochs", "2")
    assert first.code == 0
    more = seqkit("train-embeddings", "--out", "run", "--resume", "--epochs", "3")
    assert more.code == 0
    records = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records if "train_loss" in record] == [1, 2, 3]
    other = seqkit("train-embeddings", "--out", "run", "--resume", "--window", "3")
    assert other.code == 2
    assert "a resumed run cannot change window" in other.err


def test_skip_gram_by_its_short_flag(seqkit: Seqkit, text: Path) -> None:
    done = seqkit("train-embeddings", text, *QUICK, "--sg", "--out", "run", "--json")
    assert done.json["settings"]["model"] == "skip-gram"


@pytest.mark.parametrize("model", MODELS)
def test_dry_run_trains_nothing_and_can_be_read_again(seqkit: Seqkit, text: Path, model: str) -> None:
    quick = QUICK[:6] if model == "counts" else QUICK
    first = seqkit("train-embeddings", text, *quick, "--model", model, "--dry-run")
    assert first.code == 0
    assert " tokens, " in first.out
    Path("c.toml").write_text(first.out)
    assert seqkit("train-embeddings", "--config", "c.toml", "--dry-run").out == first.out
    settings = EmbeddingSettings.from_values(tomllib.loads(first.out))
    expected = (None, None) if model == "counts" else (1, 0.05)
    assert (settings.model, settings.workers, settings.alpha) == (model, *expected)
    assert not Path("runs").exists()


def test_recipes_belong_to_a_command(seqkit: Seqkit) -> None:
    names = seqkit("train-embeddings", "--recipe", "help").out.split()
    assert names == recipe_names("train-embeddings")
    for name in names:
        EmbeddingSettings.from_values(read_recipe(name, "train-embeddings"))
    assert not set(names) & set(recipe_names("train-lm"))
    wrong = seqkit("train-lm", "--recipe", "textbook-cbow")
    assert wrong.code == 2
    assert "seqkit train-embeddings --recipe textbook-cbow" in wrong.err


def test_mistakes_leave_no_run(seqkit: Seqkit, tmp_path: Path, text: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    for arguments, code, said in (
        (("nowhere.txt",), 1, "no corpus 'nowhere.txt'"),
        (("empty.txt",), 1, "the file is empty"),
        ((text, "--min-count", "10000"), 1, "lower --min-count"),
        ((text, "--optimizer", "adam"), 2, "add --sample 0"),
        ((text, "--vocabulary", "none.txt"), 1, "cannot be read"),
        ((text, "--init", "nothing"), 1, "no run directory at nothing"),
        ((text, "--alpha", "fast"), 2, "fast"),
    ):
        done = seqkit("train-embeddings", *arguments, "--out", "run")
        assert (done.code, done.out) == (code, "")
        assert said in done.err
        assert not Path("run").exists()


def test_a_rate_that_is_too_large_is_an_error(seqkit: Seqkit, text: Path) -> None:
    done = seqkit("train-embeddings", text, *QUICK, "--alpha", "1e30", "--out", "run")
    assert done.code == 1
    assert "smaller --alpha" in done.err


def test_a_run_evaluates(seqkit: Seqkit, text: Path, tmp_path: Path) -> None:
    seqkit("train-embeddings", text, *QUICK, "--out", "run")
    (tmp_path / "pairs.tsv").write_text("cat\tdog\t9\nred\tblue\t8\ncat\tred\t1\n")
    done = seqkit("eval-embeddings", "run", "--pairs", "pairs.tsv", "--json")
    assert done.json["words"] == 8
    assert done.json["pairs"]["spearman"] > 0
    assert np.isfinite(done.json["pairs"]["pearson"])
