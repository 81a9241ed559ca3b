"""seqkit demo on a tiny corpus: the table, and the exit code when the network does not win."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import seqkit.tasks.language_modeling as job
from seqkit.cli import demo
from seqkit.models import KneserNey, Unigram
from tests.training.tiny import TINY, write_corpus


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> tuple[int, str]:
    corpus = write_corpus(tmp_path / "c.txt")
    usual = job.LanguageModelSettings

    def small() -> job.LanguageModelSettings:
        return usual(corpus=str(corpus), **{**TINY, **settings})  # type: ignore[arg-type]

    monkeypatch.setattr(job, "LanguageModelSettings", small)
    result = CliRunner().invoke(demo.command, ["--out", str(tmp_path / "run"), "-q"])
    return result.exit_code, result.output


def test_an_lstm_that_hardly_trained_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = run(tmp_path, monkeypatch, max_steps=1)
    assert code == 1
    assert "error: the LSTM is not better than both baselines" in output
    for name in ("unigram", "5-gram, modified Kneser-Ney", "LSTM", "samples", str(tmp_path / "run")):
        assert name in output


def test_an_lstm_below_both_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"log_probs": lambda self, ids: -99.0 * (ids >= 0)}  # baselines that know nothing
    for baseline in (KneserNey, Unigram):
        monkeypatch.setattr(baseline, "log_probs", bad["log_probs"])
    code, output = run(tmp_path, monkeypatch)
    assert code == 0
    assert "error" not in output
