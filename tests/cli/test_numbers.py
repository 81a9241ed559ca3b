"""Every numeric option of every command with values that no machine has: refused by name within a second."""

import time
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Seqkit
from tests.cli.test_flags import ALL
from tests.exhaustive import some
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_sequence_labeling import write_sentences
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import write_corpus

pytestmark = pytest.mark.slow

INPUTS = {
    "train-lm": ["text.txt", "--dry-run"],
    "train-seq2seq": ["pairs.tsv", "--tokenizer", "char", "--dry-run"],
    "train-classifier": ["labels.tsv", "--dry-run"],
    "train-tagger": ["names.conll", "--dry-run"],
    "train-images": ["images", "--dry-run"],
    "train-embeddings": ["text.txt", "--dry-run"],
    "eval-seq2seq": ["RUN"], "translate": ["RUN", "abc"], "generate": ["LSTM", "--max-new-tokens", "3"],
    "eval-lm": ["LSTM"], "convert": ["words.txt", "out.vec"], "similar": ["the", "--vectors", "words.txt"],
    "analogy": ["the", "cat", "dog", "--vectors", "words.txt"], "lab run": ["batches-and-epochs", "--quick"],
    "embed": ["folder", "--similar", "text.txt"], "plot vectors": ["--vectors", "words.txt"],
    "plot mistakes": ["folder"], "explore": ["LSTM"],
}  # fmt: skip
HUGE = ["1" + "0" * 12, "1" + "0" * 30]
INFINITE_IS_NONE = ("--clip", "--max-time")


def numeric(command: click.Command) -> list[click.Option]:
    """Options that take numbers, but --threads, which changes this process."""
    types = (click.types.IntParamType, click.types.FloatParamType)
    return [
        each
        for each in command.params
        if isinstance(each, click.Option) and isinstance(each.type, types) and "--threads" not in each.opts
    ]


def test_all_commands_with_numbers_are_walked() -> None:
    """But for searches, which take the flags of training commands, and numbers that tests/search tries."""
    walked = {name for name, command in ALL.items() if numeric(command)}
    assert {name for name in walked if not name.startswith("search ")} == set(INPUTS)


@pytest.mark.parametrize("name", some(list(INPUTS), 2))
def test_numbers_that_no_machine_has(seqkit: Seqkit, lstm: Path, name: str) -> None:
    if name.startswith("plot "):
        pytest.importorskip("matplotlib")
    write_corpus(Path("text.txt"))
    write_pairs(Path("pairs.tsv"))
    write_reviews(Path("labels.tsv"))
    write_sentences(Path("names.conll"), 30)
    write_stripes(Path("images"), count=30)
    Path("words.txt").write_text("3 2\nthe 1 2\ncat 2 1\ndog 0 1\n")
    if "RUN" in INPUTS[name]:
        small = ("--emsize", "4", "--nhid", "4", "--max-steps", "1", "--tokenizer", "char", "-q")
        assert seqkit("train-seq2seq", "pairs.tsv", *small, "--out", "RUN").code == 0
    inputs = [str(lstm) if each == "LSTM" else each for each in INPUTS[name]]
    for option in numeric(ALL[name]):
        flag = max(option.opts, key=len)
        floats = isinstance(option.type, click.types.FloatParamType)
        for value in [*HUGE, "0", "-1", *(["nan", "inf", "-inf", "1e308"] if floats else [])]:
            began = time.process_time()
            done = seqkit(*name.split(), *inputs, f"{flag}={value}")
            took = time.process_time() - began
            case = f"{name} {flag}={value}: {done}"
            assert took < 3, f"{took:.1f} s, {case}"
            assert done.code in (0, 1, 2), case
            if done.code == 0:
                assert value not in ("nan", "-inf"), case
                assert value != "inf" or flag in INFINITE_IS_NONE, case
            elif not {"RUN", "folder"} & {*inputs} or "No such" not in done.err:
                assert "out of memory" not in done.err, case
                shown = (flag, option.name or "", flag[2:].replace("-", " "), "column")
                assert any(each in done.err for each in shown) or "folder" in done.err, case
