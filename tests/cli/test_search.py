"""`seqkit search` and `seqkit plot search`: the table, the command to copy, pictures, mistakes."""

from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Seqkit
from tests.training.tiny import TINY, flags, write_corpus

SPACE = """
lr = { log = [0.001, 0.1] }
nhead = { integer = [1, 4] }
model = { categorical = ["lstm", "gru"] }
epochs = { fixed = 1 }
"""
BASE = ("search", "train-lm", "corpus.txt", *flags({**TINY, "vocab_size": 10}), "--space", "space.toml")
BASE = tuple(part for place, part in enumerate(BASE) if "--epochs" not in BASE[max(0, place - 1) : place + 1])


@pytest.fixture(autouse=True)
def files(seqkit: Seqkit) -> None:
    write_corpus(Path("corpus.txt"))
    Path("space.toml").write_text(SPACE)


def test_a_search_from_its_begin_to_a_copied_command(seqkit: Seqkit) -> None:
    pytest.importorskip("optuna")
    done = seqkit(*BASE, "--trials", "2", "--out", "tries")
    assert done.code == 0
    header, first, second, *rest = done.out.splitlines()
    assert header.split() == [
        *("trial", "state", "valid_loss", "valid_ppl", "epochs", "minutes"),
        *("lr", "nhead", "model"),
    ]
    assert float(first.split()[2]) <= float(second.split()[2])
    assert first.split()[4] == "1"
    assert "best so far" in done.err
    assert f"trial {first.split()[0]}: complete after 1 epoch, valid loss {first.split()[2]}" in done.err
    command = shlex.split(rest[-1])
    assert command[:2] == ["seqkit", "train-lm"]
    copied = seqkit(*command[1:], "--out", "copied", "--json")
    assert copied.json["valid_loss"] == pytest.approx(float(first.split()[2]), abs=1e-4)

    shown = seqkit("search", "show", "tries", "--json").json
    assert [trial["number"] for trial in shown["trials"]] == [int(first.split()[0]), int(second.split()[0])]
    assert shown["trials"][0]["score"] == copied.json["valid_loss"]
    assert (shown["score"], shown["direction"]) == ("valid_loss", "minimize")
    assert shlex.split(shown["command"]) == command
    rows = [line.split("\t") for line in seqkit("search", "show", "tries", "--tsv").out.splitlines()]
    assert {len(row) for row in rows} == {9}
    assert float(rows[1][2]) == shown["trials"][0]["score"]

    again = seqkit(*BASE, "--trials", "2", "--out", "tries", "--json", "--quiet")
    assert (again.json, again.err) == (shown, "")
    other = seqkit(*BASE, "--trials", "3", "--lr-floor", "0.1", "--out", "tries")
    assert (other.code, other.out) == (1, "")
    assert other.err.rstrip().endswith(
        "expected lr_floor to be not given, as in the search in tries, got 0.1; "
        "repeat its command to go on with it, or choose another --out"
    )

    pytest.importorskip("matplotlib")
    drawn = seqkit("plot", "search", "tries", "--out", "tries.png")
    assert (drawn.code, drawn.out) == (0, "tries.png\n")
    assert Path("tries.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--space", "absent.toml"), 1, "cannot read absent.toml"),
        (("--lr", "0.1"), 2, "leave out --lr, or its table"),
        (("--storage", "study.db"), 2, "expected a storage such as postgresql://HOST/DATABASE"),
        (("--storage", "sqlite:////nowhere/study.db"), 1, "cannot use the storage sqlite:////nowhere/study.db"),
        (("--storage", "oracle+none://a/b"), 2, "expected a storage such as"),
        (("--storage", "postgresql://me:secret@127.0.0.1:1/db"), 1, "storage postgresql+psycopg://me@127.0.0.1:1"),
        (("--corpus", "absent.txt"), 2, "expected CORPUS or --corpus, got both"),
        (("--pruner", "best"), 2, "'best' is not one of 'median', 'hyperband', 'none'"),
        (("--resume",), 2, "No such option"),
    ],
)  # fmt: skip
def test_mistakes(seqkit: Seqkit, arguments: tuple[str, ...], code: int, message: str) -> None:
    pytest.importorskip("optuna")
    if "postgresql:" in arguments[1:2]:
        pytest.importorskip("psycopg", exc_type=ImportError)
    done = seqkit(*BASE, "--out", "tries", *arguments)
    assert (done.code, done.out) == (code, ""), done
    assert message in done.err.replace("\n", " ")
    assert "secret" not in done.err
    assert not list(Path().glob("tries/trial-*"))


def test_word_vectors_have_nothing_to_search_by(seqkit: Seqkit) -> None:
    done = seqkit("search", "train-embeddings", "corpus.txt", "--space", "space.toml")
    assert (done.code, done.out) == (2, "")
    assert "word vectors have no validation score to search by" in done.err


def test_masked_models_have_their_own_settings(seqkit: Seqkit) -> None:
    Path("space.toml").write_text("bptt = { integer = [10, 20] }\n")
    done = seqkit("search", "train-lm", "corpus.txt", "--objective", "masked", "--space", "space.toml")
    assert (done.code, done.out) == (2, "")
    assert "unknown setting 'bptt'" in done.err


def test_what_is_missing_is_told_with_its_pip_line(seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://me@/db?host=/nowhere"
    if importlib.util.find_spec("optuna") is not None:
        importlib.import_module("optuna.storages")
        monkeypatch.setitem(sys.modules, "psycopg", None)
        done = seqkit(*BASE, "--out", "tries", "--storage", url)
        assert (done.code, done.out) == (1, "")
        assert "pip install 'seqkit[search-postgres]'" in done.err
    monkeypatch.setitem(sys.modules, "optuna", None)
    for command in (BASE, ("search", "show", "tries")):
        done = seqkit(*command)
        assert (done.code, done.out) == (1, "")
        assert "searches need Optuna, which is not installed; pip install 'seqkit[search]'" in done.err
