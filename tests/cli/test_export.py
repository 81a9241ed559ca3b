"""seqkit export."""

from pathlib import Path

from tests.cli.conftest import Seqkit
from tests.training.tiny import write_corpus


def test_a_run_is_written_or_refused_by_name(seqkit: Seqkit, tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "text", lines=30))
    assert seqkit("train-lm", corpus, "--emsize", "4", "--epochs", "1", "--out", "run").code == 0
    done = seqkit("export", "run", "--to", "safetensors", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["out"] == str(tmp_path / "run-safetensors")
    assert seqkit("export", "run", "--to", "safetensors", "--out", "again").out.startswith("again: written")
    again = seqkit("export", "run", "--to", "safetensors")
    assert (again.code, again.out) == (1, "")
    assert again.err.rstrip().endswith("run-safetensors already holds other files; choose another --out")
    for to in ("hf", "word2vec", "arpa"):
        refused = seqkit("export", "run", "--to", to)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.rstrip().endswith("; --to safetensors takes every run")
    assert seqkit("export", "run", "--to", "onnx").code == 2
    assert seqkit("export", "run").code == 2
    assert seqkit("export", "nothing", "--to", "hf").code == 1
