"""eval-lm --interpolate and --cache."""

from pathlib import Path

import pytest

from seqkit.tasks.language_modeling import LanguageModelSettings, train
from tests.cli.conftest import Seqkit


def test_the_command(seqkit: Seqkit, lstm: Path, corpus: Path, tmp_path: Path) -> None:
    settings = LanguageModelSettings(corpus=str(corpus), model="kneser-ney", order=3, vocab_size=10)
    members = (lstm, train(settings, tmp_path / "kn").run.path)
    done = seqkit("eval-lm", *members, "--interpolate", "--out", "mix", "--split", "test", "--json").json
    again = seqkit("eval-lm", "mix", "--split", "test", "--json").json
    assert again["perplexity"] == pytest.approx(done["perplexity"], rel=1e-5)
    assert sum(done["weights"]) == pytest.approx(1)
    (tmp_path / "lines.txt").write_text("the cat sat\n")
    assert seqkit("score", "mix", "lines.txt").out.endswith("the cat sat\n")
    shown = seqkit("eval-lm", *members, "--interpolate", "--cache", "30", "--split", "test").out
    assert "  cache of 30 tokens, θ " in shown
    assert "(test)" in shown
    assert "alone" in seqkit("eval-lm", members[1], "--cache", "30").out
    for arguments, said in (
        (members, "expected one run, or --interpolate for their mixture, got 2 runs"),
        ((members[0], "--interpolate"), "expected several runs to interpolate, got one"),
        ((*members, "--interpolate", "--cache", "3", "--out", "m"), "--out has no effect here"),
        ((members[0], "--out", "m"), "--out has no effect here"),
        ((members[0], "--checkpoint", "c"), "--checkpoint has no effect here"),
        ((members[0], "--dynamic", "--cache", "3"), "--cache has no effect here"),
        ((*members, "--interpolate", "--batch-size", "2"), "--batch-size has no effect here"),
        ((*members, "--interpolate", "--eval-protocol", "blocks"), "--eval-protocol has no effect here"),
    ):
        refused = seqkit("eval-lm", *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
    words = (lstm / "vocab.txt").read_bytes()
    refused = seqkit("eval-lm", lstm, "--cache", "3", "--checkpoint", lstm / "vocab.txt")
    assert (refused.code, refused.out) == (1, "")
    assert "or no checkpoint of an evaluation; give the checkpoint another name" in refused.err
    assert (lstm / "vocab.txt").read_bytes() == words
    adapted = seqkit("eval-lm", lstm, "--dynamic", "--split", "test", "--checkpoint", "kept")
    assert not (tmp_path / "kept").exists()
    assert "; without adaptation: perplexity " in adapted.out
    assert "protocol dynamic" in adapted.out
    assert "already holds" in seqkit("eval-lm", *members, "--interpolate", "--out", "mix").err
