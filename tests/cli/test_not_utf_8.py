"""Arguments and names that are not UTF-8: every text option of every command, and class folders."""

import os
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from seqkit.cli import COMMANDS, group
from seqkit.errors import DataError, UsageError
from seqkit.tasks import sentence_encoding
from seqkit.text import get_tokenizer
from seqkit.vectors import FORMATS, KeyedVectors, Word2Vec, save_vectors
from tests.cli.conftest import Seqkit
from tests.remedies import NUMBERED, sentence_encoder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX's names")

ODD = os.fsdecode(b"caf\xe9")
CLASSIFIER = ("--emsize", "4", "--max-steps", "1", "--out", "run")


def texts_of(command: click.Command, name: str) -> list[tuple[str, str]]:
    """The parameters of a command that take any text."""
    if isinstance(command, click.Group):
        return [
            each for inner in command.commands.values() for each in texts_of(inner, f"{name} {inner.name}")
        ]
    return [
        (name, str(each.name))
        for each in command.params
        if isinstance(each.type, click.types.StringParamType)
    ]


NAMES = {
    "convert source_format",
    "convert target_format",
    "convert encoding",
    "corpora info name",
    "corpora fetch names",
    "explore host",
    "lab run names",
    "eval-lm corpus",
    "eval-classifier corpus",
    "eval-images corpus",
    "eval-seq2seq corpus",
    "eval-seq2seq target",
    "eval-tagger corpus",
    "plot search storage",
    "search show storage",
    "tag texts",
    "translate texts",
}
"""Texts that are compared with names that exist, and those that the tests below give."""


def test_all_other_texts_are_read_as_utf_8() -> None:
    context = click.Context(group)
    found = set()
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        if not name.startswith("train-"):
            found |= {f"{full} {parameter}" for full, parameter in texts_of(command, name)}
    assert {each for each in found if not each.endswith(" device")} == NAMES


@pytest.mark.parametrize(
    "command",
    [
        ("embed", "DIR", "--prompt", ODD),
        ("embed", "DIR", "--prompt-name", ODD),
        ("embed", "DIR", "--similar", "f", "--similar-prompt-name", ODD),
        ("generate", "RUN", "--prompt", ODD),
        ("generate", "RUN", "--stop", ODD),
        ("similar", ODD),
        ("similar", "a", "--minus", ODD),
        ("analogy", "a", ODD, "b"),
        ("plot", "vectors", ODD),
        ("plot", "attention", "RUN", ODD),
    ],
)
def test_a_text_that_is_not_utf_8_is_wrong_usage(seqkit: Seqkit, command: tuple[str, ...]) -> None:
    done = seqkit(*command)
    assert done.code == 2
    assert r"'caf\udce9' is not UTF-8" in done.err


@pytest.mark.parametrize(
    "command",
    [
        ("convert", "IN", "OUT.kv", "--from", ODD),
        ("convert", "IN", "OUT.kv", "--to", ODD),
        ("convert", "IN", "OUT.kv", "--encoding", ODD),
        ("corpora", "info", ODD),
        ("corpora", "fetch", ODD),
        ("lab", "run", ODD),
        ("eval-lm", "RUN", "--corpus", ODD),
        ("eval-classifier", "RUN", "--corpus", ODD),
        ("eval-images", "RUN", "--corpus", ODD),
        ("eval-seq2seq", "RUN", "--corpus", ODD),
        ("eval-tagger", "RUN", "--corpus", ODD),
        ("train-lm", ODD),
        ("train-lm", "--tokenizer", ODD),
        ("train-tagger", ODD, "--word-column", ODD),
        ("train-lm", "--device", ODD),
        ("train-lm", "--recipe", ODD),
        ("train-seq2seq", "--target", ODD),
        ("train-classifier", "--vectors", ODD),
        ("train-images", ODD),
    ],
)
def test_a_name_that_is_not_utf_8_is_not_found(seqkit: Seqkit, command: tuple[str, ...]) -> None:
    Path("IN").write_text("2 1\na 1\nb 2\n")
    done = seqkit(*command)
    assert done.code in (1, 2)
    assert "error: " in done.err.lower()


def test_an_encoder_names_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    monkeypatch.chdir(tmp_path)
    encoder = sentence_encoding.load(sentence_encoder())
    with pytest.raises(DataError, match=r"valid Unicode, got '\\udce9'.*, character 4 of 'caf\\udce9ab'$"):
        encoder.encode(["ab"], prompt=ODD)
    with pytest.raises(DataError, match="valid Unicode"):
        encoder.encode(["ab", ODD])
    for name in ("bpe", "wordpiece"):
        with pytest.raises(DataError, match="valid Unicode"):
            get_tokenizer(name, lines=lambda: ["ab", ODD], vocab_size=300)


def test_words_that_cannot_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = KeyedVectors(2)
    table.add_vectors([ODD, "b"], np.eye(2, dtype="f"))
    for name, each in FORMATS.items():
        if each.write is not None:
            with pytest.raises(UsageError, match=r"the key 'caf\\udce9' cannot be saved"):
                save_vectors(table, f"words.{name}", name)
    model = Word2Vec([[ODD, "b"]] * 9, min_count=1, vector_size=2, epochs=1)
    with pytest.raises(UsageError, match="cannot be saved"):
        model.save("model")


def test_lines_from_arguments(seqkit: Seqkit) -> None:
    """A text that is not UTF-8 has an error of its own, in the place of its answer."""
    Path("tags.txt").write_text("".join(f"w{n} X\nb Y\n\n" for n in range(60)))
    assert seqkit("train-tagger", "tags.txt", "--model", "frequent", "--out", "run").code == 0
    done = seqkit("tag", "run", "w1 b", ODD, "b")
    assert done.code == 1
    assert done.out.count("\n") == 3
    assert done.out.splitlines()[1] == ""
    assert "text 2" in done.err
    Path(ODD).write_text("b\n")
    assert seqkit("tag", "run", ODD).out.count("\n") == 1


def make_folder(name: str) -> None:
    try:
        Path(name).mkdir(parents=True)
    except OSError:
        pytest.skip("the file system has no such names")


@pytest.mark.slow
def test_classes_of_images(seqkit: Seqkit) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    draw = np.random.default_rng(0)
    for label in (ODD, "b"):
        make_folder(f"images{ODD}/{label}")
        for number in range(9):
            pixels = draw.integers(0, 256, (6, 6), np.uint8)
            Image.fromarray(pixels).save(f"images{ODD}/{label}/{number}{ODD}.png")
    train = ("train-images", f"images{ODD}", "--max-steps", "1", "--out", f"run{ODD}")
    assert seqkit(*train).code == 0
    assert seqkit(*train[:2], *train[-2:], "--resume", "--max-steps", "2").code == 0
    scores = seqkit("eval-images", f"run{ODD}", "--json").json
    assert [each["label"] for each in scores["classes"]] == ["b", ODD]
    assert "caf" in seqkit("eval-images", f"run{ODD}").out
    picture = f"images{ODD}/b/0{ODD}.png"
    assert seqkit("classify", f"run{ODD}", picture).code == 0
    assert seqkit("classify", f"run{ODD}", picture, "--json").json[0]["file"] == picture
    pytest.importorskip("matplotlib")
    assert seqkit("plot", "filters", f"run{ODD}", "--out", f"{ODD}.png").code == 0
    drawn = seqkit("plot", "mistakes", f"run{ODD}", "--split", "train", "--top", "2", "--out", f"{ODD}.png")
    assert drawn.code == 0 or "makes no mistake" in drawn.err


def test_classes_of_texts(seqkit: Seqkit) -> None:
    make_folder(f"texts{ODD}")
    for label in (ODD, "b"):
        Path(f"texts{ODD}/{label}.txt").write_text(NUMBERED.replace("text", label[:1]))
    assert seqkit("train-classifier", f"texts{ODD}", *CLASSIFIER).code == 0
    assert seqkit("eval-classifier", "run").code == 0
    scores = seqkit("eval-classifier", "run", "--json").json
    assert [each["label"] for each in scores["classes"]] == ["b", ODD]
    Path("t.txt").write_text("text\n")
    assert seqkit("classify", "run", "t.txt").code == 0
    assert ODD in seqkit("classify", "run", "t.txt", "--json").json[0]["probabilities"]
