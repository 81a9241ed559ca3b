"""Options of the commands beside settings: each acts, or is refused beside the options that leave it idle."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from seqkit.cli import COMMANDS, group
from tests.cli.conftest import Seqkit

REFUSED = [
    (["generate", "run", "--temperature", "0", "--top-k", "3"], "--top-k", "sampling"),
    (["generate", "run", "--temperature", "0", "--top-p", "0.5"], "--top-p", "sampling"),
    (["generate", "run", "--temperature", "0", "--seed", "3"], "--seed", "sampling"),
    (["generate", "run", "--no-stop", "--stop", "."], "--stop", "without --no-stop"),
    (["generate", "run", "--length-penalty", "1"], "--length-penalty", "beam search, with --beam"),
    (["generate", "run", "--beam", "2", "--top-k", "3"], "--top-k", "without --beam"),
    (["generate", "run", "--beam", "2", "--temperature", "0"], "--temperature", "without --beam"),
    (["generate", "run", "--beam", "2", "--seed", "1"], "--seed", "without --beam"),
    (["translate", "run", "a", "--length-penalty", "1"], "--length-penalty", "beam search"),
    (["translate", "run", "a", "--beam", "2", "--n-best", "3"], "--beam", "--n-best 3"),
    (["translate", "run", "a", "--top-k", "3"], "--top-k", "sampling"),
    (["translate", "run", "a", "--temperature", "0", "--seed", "3"], "--seed", "sampling"),
    (["translate", "run", "a", "--temperature", "1", "--beam", "3"], "--beam", "without --temperature"),
    (["translate", "run", "a", "--temperature", "1", "--n-best", "3"], "--n-best", "without --temperature"),
    (["eval-seq2seq", "run", "--length-penalty", "1"], "--length-penalty", "beam search"),
    (["eval-seq2seq", "run", "--top-p", "0.5"], "--top-p", "sampling"),
    (["eval-seq2seq", "run", "--target", "a"], "--target", "another --corpus"),
    (["embed", "run", "--topn", "3"], "--topn", "--similar"),
    (["embed", "run", "--similar-prompt-name", "query"], "--similar-prompt-name", "--similar"),
    (["eval-lm", "run", "--eval-protocol", "blocks", "--batch-size", "4"], "--batch-size", "protocol exact"),
    (["eval-lm", "run", "--text-column", "a"], "--text-column", "another --corpus"),
    (["eval-classifier", "run", "--no-header"], "--header", "another --corpus"),
    (["plot", "vectors", "a", "b", "c", "--top", "5"], "--top", "without WORDS"),
    (["plot", "vectors", "--neighbours", "5"], "--neighbours", "WORDS"),
    (["plot", "vectors", "--seed", "5"], "--seed", "tsne"),
    (["search", "show", "folder", "--json", "--tsv"], "--tsv", "without --json"),
    (["train-lm", "text", "--dry-run", "--resume"], "--resume", "--dry-run trains nothing"),
]


@pytest.mark.parametrize(("command", "flag", "purpose"), REFUSED, ids=lambda value: "")
def test_an_option_without_effect_is_refused_before_anything_is_read(
    seqkit: Seqkit, command: list[str], flag: str, purpose: str
) -> None:
    if command[0] == "plot":
        pytest.importorskip("matplotlib")
    done = seqkit(*command)
    assert (done.code, done.out) == (2, "")
    assert f"{flag} has no effect here: it is for " in done.err
    assert purpose in done.err
    assert done.err.rstrip().endswith(f"leave out {flag}")


def leaves(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    """All commands, those of groups by "group name"."""
    if not isinstance(command, click.Group):
        return [(name, command)]
    context = click.Context(command)
    found = []
    for each in command.list_commands(context):
        inner = command.get_command(context, each)
        assert inner is not None
        found += leaves(inner, f"{name} {each}".strip())
    return found


ALL = dict(leaves(group, ""))
NEEDED = {
    "analogy": ["a", "b", "c"], "classify": ["run"], "convert": ["a.txt", "b.txt"], "similar": ["a"],
    "eval-embeddings": ["vectors"], "embed": ["folder"], "plot curves": ["run"], "plot filters": ["run"],
    "plot mistakes": ["run"], "plot attention": ["run", "text"], "lab plot": ["file"],
    "corpora info": ["ptb"], "corpora fetch": ["ptb"], "lab run": ["dropout"], "generate": ["run"],
    "score": ["run"], "translate": ["run", "text"], "eval-lm": ["run"], "eval-images": ["run"],
    "eval-seq2seq": ["run"], "eval-classifier": ["run"], "eval-tagger": ["run"], "tag": ["run", "text"],
    "export": ["run", "--to", "hf"],
}  # fmt: skip


def test_all_commands_are_walked() -> None:
    assert {name.split()[0] for name in ALL} == set(COMMANDS)


def with_option(flag: str) -> list[str]:
    return [name for name, command in ALL.items() if any(flag in each.opts for each in command.params)]


@pytest.mark.parametrize("name", with_option("--device"))
def test_a_wrong_device_is_told_before_anything_is_read(seqkit: Seqkit, name: str) -> None:
    for device, said in (("cuda:77", "CuPy|cuda:77"), ("gpu", "'gpu'")):
        done = seqkit(*name.split(), *NEEDED.get(name, []), "--device", device)
        assert (done.code in (1, 2), done.out) == (True, ""), done
        assert re.search(said, done.err)


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith(("train-", "demo"))])
@pytest.mark.parametrize("out", ["full", "file/run"])
def test_a_run_that_cannot_be_begun_is_told_before_the_corpus_is_read(
    seqkit: Seqkit, name: str, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*arguments: object, **options: object) -> None:
        pytest.fail("the corpus was opened before the check")

    for module in ("language_modeling", "masked_language_modeling", "embeddings"):
        monkeypatch.setattr(f"seqkit.tasks.{module}.data.corpora.open_corpus", opened)
    Path("full").mkdir()
    Path("full/notes.md").write_text("mine")
    Path("file").write_text("")
    done = seqkit(*name.split(), "--out", out)
    assert (done.code, done.out) == (1, "")
    assert out in done.err
    assert "another --out" in done.err
    assert Path("full/notes.md").read_text() == "mine"
    assert len(list(Path("full").iterdir())) == 1


def test_the_target_of_a_conversion_is_checked_first(seqkit: Seqkit) -> None:
    Path("file").write_text("")
    for target, said in (
        ("b.doc", "no format has the suffix"), ("b.ftz", "no format has"), ("file/b.txt", "cannot write"),
        ("nowhere/b.txt", "cannot write"),
    ):  # fmt: skip
        done = seqkit("convert", "absent.txt", target)
        assert (done.code in (1, 2), done.out) == (True, "")
        assert said in done.err


def test_a_dry_run_obeys_its_options(seqkit: Seqkit) -> None:
    lines = ["".join(chr(0x4E00 + (7 * n + k) % 900) for k in range(12)) for n in range(90)]
    Path("text").write_text("\n".join(lines), "utf-8")
    command = ["train-lm", "text", "--min-count", "1", "--emsize", "8", "--dry-run"]
    done = seqkit(*command, "--json")
    assert done.json["settings"]["embedding_size"] == 8
    assert done.json["parameters"] > 0
    assert "warning: " in done.err
    assert seqkit(*command, "--quiet").err == ""
    Path("run").mkdir()
    Path("run/other").write_text("")
    assert seqkit(*command, "--out", "run").code == 1
