"""ARPA files in score, eval-lm and generate."""

import gzip
import math
from pathlib import Path

import pytest

from tests.cli.conftest import Seqkit
from tests.tasks.test_ngram import TOY


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.arpa"
    path.write_text(TOY)
    return path


def test_lines_are_scored(seqkit: Seqkit, toy: Path) -> None:
    """The numbers of tests/tasks/test_ngram.py, by hand."""
    Path("lines.txt").write_text("the cat\n\ncat the dog\n")
    (first, empty, last) = seqkit("score", toy, "lines.txt", "--log10").out.splitlines()
    assert first.split("\t")[:4] == ["-0.4500", "3", f"{10**0.15:.2f}", "0"]
    assert empty == ""
    assert last.split("\t")[0] == f"{-0.5 - 0.7 - 0.9 - 0.3 - 1.5 - 0.8:.4f}"
    assert last.split("\t")[3] == "1"
    rows = seqkit("score", toy, "lines.txt", "--log10", "--tokens").out.splitlines()[1:4]
    assert [row.split("\t")[2:4] for row in rows] == [
        ["the", "-0.2000"],
        ["cat", "-0.1000"],
        ["<eos>", "-0.1500"],
    ]


def test_perplexity(seqkit: Seqkit, toy: Path) -> None:
    Path("text.txt").write_text("the cat\nthe cat\n")
    result = seqkit("eval-lm", toy, "--corpus", "text.txt", "--json").json
    assert result["perplexity"] == pytest.approx(10 ** (0.45 / 3), rel=1e-6)
    assert result["predictions"] == 6
    packed = Path("toy.arpa.gz")
    packed.write_bytes(gzip.compress(TOY.encode()))
    assert seqkit("eval-lm", packed, "--corpus", "text.txt", "--json").json["perplexity"] == pytest.approx(
        result["perplexity"]
    )
    unnamed = Path("model")
    unnamed.write_text(TOY)
    assert "perplexity" in seqkit("eval-lm", unnamed, "--corpus", "text.txt").out


def test_generation(seqkit: Seqkit, toy: Path) -> None:
    out = seqkit("generate", toy, "--temperature", "0", "--max-new-tokens", "9").out
    assert out == "the cat\n"


def test_mistakes(seqkit: Seqkit, toy: Path) -> None:
    Path("text.txt").write_text("the cat\n")
    Path("cut.arpa").write_text(TOY[:200])
    Path("eos.arpa").write_text(TOY.replace("cat", "<eos>"))
    for arguments, said in (
        (("eval-lm", toy), "expected --corpus"),
        (("eval-lm", toy, "--corpus", "text.txt", "--eval-protocol", "blocks"), "--eval-protocol"),
        (("eval-lm", toy, "--corpus", "text.txt", "--batch-size", "2"), "--batch-size"),
        (("eval-lm", toy, "--corpus", "text.txt", "--device", "cuda"), "cpu"),
        (("score", "cut.arpa", "text.txt"), "cut.arpa, line"),
        (("score", "none.arpa", "text.txt"), "none.arpa"),
        (("score", "eos.arpa", "text.txt"), "<eos>"),
        (("eval-lm", toy, toy, "--interpolate"), "--interpolate has no effect here"),
        (("eval-lm", toy, "--dynamic", "--corpus", "text.txt"), "--dynamic has no effect here"),
        (("eval-lm", toy, "--cache", "9", "--corpus", "text.txt"), "--cache has no effect here"),
    ):
        done = seqkit(*arguments)
        assert done.code in (1, 2), arguments
        assert said in done.err, (arguments, done.err)
    assert math.isfinite(seqkit("score", toy, "text.txt", "--json").json[0]["log_prob"])
