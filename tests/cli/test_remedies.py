"""Each remedy for input, tried where it is shown: with it applied, the call and the command go on."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.corpora import open_images, open_labelled, open_seq2seq
from seqkit.data import encode_corpus
from seqkit.errors import SeqkitError
from seqkit.tasks.language_modeling import LanguageModelSettings, train
from seqkit.text import Vocabulary, get_tokenizer
from tests.cli.conftest import Seqkit

LABELLED = "no tab\n" + "".join(f"{'pn'[n % 2]}\ttext number {n} of all\n" for n in range(60))
PAIRS = "no tab\n" + "".join(f"a {n}\tb {n}\n" for n in range(60))
CLAUSES = "".join("".join(chr(0x4E00 + (n * 7 + k) % 200) for k in range(9)) + "\n" for n in range(90))
TINY = ("--max-steps", "1", "--out", "run")


def _labelled() -> tuple[Path, Callable[..., Any], list[Any], list[str]]:
    path = Path("labelled.tsv")
    path.write_text(LABELLED)
    return (
        path,
        lambda **o: open_labelled(path, **o),
        ["train-classifier", path, *TINY],
        ['on_bad_line="skip"'],
    )


def _pairs() -> tuple[Path, Callable[..., Any], list[Any], list[str]]:
    path = Path("pairs.tsv")
    path.write_text(PAIRS)
    return path, lambda **o: open_seq2seq(path, **o), ["train-seq2seq", path, *TINY], ['on_bad_line="skip"']


def _images() -> tuple[Path, Callable[..., Any], list[Any], list[str]]:
    Image: Any = pytest.importorskip("PIL.Image")
    draw = np.random.default_rng(0)
    for label in "ab":
        (Path("images") / label).mkdir(parents=True)
        for number in range(6):
            pixels = draw.integers(0, 256, (12 + number % 2, 12), np.uint8)
            Image.fromarray(pixels).save(f"images/{label}/{number}.png")
    path = Path("images")
    return path, lambda **o: open_images(path, **o), ["train-images", path, *TINY], ["image_size=12"]


def _clauses() -> tuple[Path, Callable[..., Any], list[Any], list[str]]:
    path = Path("clauses.txt")
    path.write_text(CLAUSES, "utf-8")

    def read(**options: Any) -> Any:
        options = {"tokenizer": "whitespace", **options}
        settings = LanguageModelSettings(corpus=str(path), max_steps=1, embedding_size=8, **options)
        return train(settings, f"run{len(options)}{options['tokenizer']}")

    command = ["train-lm", path, "--emsize", "8", "--tokenizer", "whitespace", *TINY]
    return path, read, command, ["min_count=1", 'tokenizer="char"']


CASES = {"labelled": _labelled, "pairs": _pairs, "images": _images, "clauses": _clauses}


@pytest.mark.parametrize("case", CASES)
def test_each_remedy_helps_where_it_is_read(
    seqkit: Seqkit, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    _, read, command, applied = CASES[case]()
    with pytest.raises(SeqkitError) as caught:
        read()
    refused = seqkit(*command)
    assert refused.code == 1
    for option in applied:
        name, _, value = option.partition("=")
        assert re.search(rf"\b{name}\b", str(caught.value))
        assert f"--{name.replace('_', '-')}" not in str(caught.value)
        read(**{name: int(value) if value.isdigit() else value.strip('"')})
        flag = f"--{name.replace('_', '-')}"
        assert flag in refused.err
        assert f"{name}=" not in refused.err
        command[-1] = f"run-{name}"
        done = seqkit(*command, flag, value.strip('"'))
        assert done.code == 0, done.err


def test_an_unknown_token_needs_a_vocabulary_that_has_one(tmp_path: Path) -> None:
    vocabulary = Vocabulary(["a", "b", "\n"], unk=None, eos="\n")
    with pytest.raises(SeqkitError, match="min_count=2") as caught:
        vocabulary.encode(["c"])
    assert "--min-count 2" in caught.value.for_command()
    text = {"train": lambda: iter(["aabb", "abz"]), "test": lambda: iter(["ac"])}
    made = encode_corpus(text, get_tokenizer("char"), key="k", min_count=2, cache=tmp_path / "tokens")
    assert made.vocabulary.encode(["c"]).tolist() == [made.vocabulary.unk_id]
