"""train-seq2seq, eval-seq2seq, translate and plot attention."""

import tomllib
from pathlib import Path

import pytest

from seqkit.tasks.seq2seq import Seq2SeqSettings
from tests.cli.conftest import Seqkit
from tests.tasks.test_seq2seq import write_pairs

QUICK = (
    "--tokenizer", "char", "--emsize", "16", "--nhid", "32", "--batch-size", "16", "--lr", "0.01",
    "--min-count", "1",
)  # fmt: skip


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "pairs.tsv")


@pytest.mark.without_numba
def test_train_evaluate_translate(seqkit: Seqkit, pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = seqkit("train-seq2seq", pairs, *QUICK, "--epochs", "3", "--out", "run", "--json")
    assert done.code == 0
    assert [entry["epoch"] for entry in done.json["epochs"]] == [1, 2, 3]
    assert done.json["exact_match"] == done.json["epochs"][-1]["valid_exact_match"]
    assert "→" in done.err
    scores = seqkit("eval-seq2seq", "run", "--json").json
    assert scores["exact_match"] <= scores["token_accuracy"] <= 1
    said = seqkit("translate", "run", "abc", "de", "--json").json
    assert [entry["source"] for entry in said] == ["abc", "de"]
    lines = seqkit("translate", "run", "abc", "de").out.splitlines()
    assert lines == [entry["translations"][0]["text"] for entry in said]
    best = seqkit("translate", "run", "abc", "--n-best", "3", "--beam", "5").out.splitlines()
    assert len(best) == 3
    assert all("\t" in line for line in best)


def test_plot_attention(seqkit: Seqkit, pairs: Path) -> None:
    pytest.importorskip("matplotlib")
    seqkit("train-seq2seq", pairs, *QUICK, "--epochs", "12", "--out", "run")
    done = seqkit("plot", "attention", "run", "abc", "--out", "a.png", "--json")
    assert done.code == 0
    assert Path("a.png").stat().st_size > 1000
    assert done.json["source"] == ["a", "b", "c"]
    assert len(done.json["weights"]) == len(done.json["answer"]) > 0
    for row in done.json["weights"]:
        assert sum(row) == pytest.approx(1, abs=1e-4)
    seqkit("train-seq2seq", pairs, *QUICK, "--epochs", "1", "--attention", "none", "--out", "plain")
    refused = seqkit("plot", "attention", "plain", "abc")
    assert refused.code == 2
    assert "without attention" in refused.err


def test_dry_run_can_be_read_again(seqkit: Seqkit, pairs: Path) -> None:
    first = seqkit("train-seq2seq", pairs, *QUICK, "--reverse", "--dry-run")
    assert first.code == 0
    Path("c.toml").write_text(first.out)
    assert seqkit("train-seq2seq", "--config", "c.toml", "--dry-run").out == first.out
    settings = Seq2SeqSettings.from_values(tomllib.loads(first.out))
    assert (settings.reverse, settings.attention, settings.corpus) == (True, "general", str(pairs))


def test_mistakes_leave_no_run(seqkit: Seqkit, tmp_path: Path, pairs: Path) -> None:
    (tmp_path / "empty.tsv").write_bytes(b"")
    for arguments, code, said in (
        (("datse",), 1, "dates"),
        (("empty.tsv",), 1, "empty.tsv"),
        ((pairs, "--target", "none.txt"), 1, "none.txt"),
        ((pairs, "--attention", "hard"), 2, "hard"),
        ((pairs, "--input-feeding", "--attention", "none"), 2, "input_feeding"),
    ):
        done = seqkit("train-seq2seq", *arguments, *QUICK, "--out", "run")
        assert (done.code, done.out) == (code, "")
        assert said in done.err
        assert not Path("run").exists()
