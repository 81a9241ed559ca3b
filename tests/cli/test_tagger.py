"""train-tagger, eval-tagger and tag."""

import tomllib
from pathlib import Path

import pytest

from seqkit.cli.settings_file import read_recipe, recipe_names
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings
from tests.cli.conftest import Seqkit
from tests.cli.test_lines import set_stdin
from tests.tasks.test_sequence_labeling import write_sentences, write_values

QUICK = ("--emsize", "12", "--nhid", "10", "--character-hidden-size", "6", "--lr", "0.02", "--dropout", "0.1")


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return write_sentences(tmp_path / "names.conll")


@pytest.mark.without_numba
def test_train_evaluate_tag(seqkit: Seqkit, names: Path) -> None:
    done = seqkit("train-tagger", names, *QUICK, "--epochs", "3", "--out", "run", "--json")
    assert done.code == 0
    assert [entry["epoch"] for entry in done.json["epochs"]] == [1, 2, 3]
    again = seqkit("train-tagger", "--out", "run", "--resume", "--epochs", "6", "--json").json
    assert [entry["epoch"] for entry in again["epochs"]] == [1, 2, 3, 4, 5, 6]
    assert 0.9 < again["valid_f1"] <= 1
    scores = seqkit("eval-tagger", "run", "--json").json
    assert scores["spans"]["f1"] > 0.9
    assert set(scores["by_type"]) == {"LOC", "PER"}
    shown = seqkit("eval-tagger", "run", "--split", "valid").out
    for part in ("accuracy", "unknown words", "precision", "overall", "(valid)"):
        assert part in shown
    text = "saw Dr Jones in New York"
    assert seqkit("tag", "run", text).out == "saw [PER Dr Jones] in [LOC New York]\n"
    columns = seqkit("tag", "run", text, "--format", "columns", "--pretokenized").out
    assert columns.splitlines() == [
        "saw\tO", "Dr\tB-PER", "Jones\tI-PER", "in\tO", "New\tB-LOC", "York\tI-LOC", "",
    ]  # fmt: skip
    Path("texts.txt").write_text(f"{text}\n\nin Rome\n")
    out = seqkit("tag", "run", "texts.txt").out
    assert out == "saw [PER Dr Jones] in [LOC New York]\n\nin [LOC Rome]\n"
    (first, empty, last) = seqkit("tag", "run", "texts.txt", "--json").json
    assert [(span["text"], span["start"], span["end"]) for span in first["spans"]] == [
        ("Dr Jones", 4, 12),
        ("New York", 16, 24),
    ]
    assert empty == {"text": ""}
    assert last["spans"][0]["label"] == "LOC"
    shown = seqkit("tag", "run", "in Rome", "--probabilities").out
    assert shown.startswith(("in [LOC 0.", "in [LOC 1."))


def test_parts_of_speech_are_shown_behind_their_words(seqkit: Seqkit) -> None:
    Path("a.conll").write_text("the DET\ncat NOUN\n\na DET\ndog NOUN\n\nthe DET\ncow NOUN\n" * 9)
    assert seqkit("train-tagger", "a.conll", *QUICK, "--epochs", "20", "--out", "run").code == 0
    assert seqkit("tag", "run", "the cow").out == "the/DET cow/NOUN\n"


def test_dry_run_can_be_read_again(seqkit: Seqkit, names: Path) -> None:
    first = seqkit("train-tagger", names, *QUICK, "--model", "gru", "--dry-run")
    assert first.code == 0
    Path("c.toml").write_text(first.out)
    assert seqkit("train-tagger", "--config", "c.toml", "--dry-run").out == first.out
    settings = SequenceLabelingSettings.from_values(tomllib.loads(first.out))
    assert (settings.model, settings.output, settings.input_scheme) == ("gru", "crf", "bio")


def test_every_recipe_is_one(seqkit: Seqkit) -> None:
    names = recipe_names("train-tagger")
    assert {"conll2000", "conll2002-esp", "conll2002-ned", "brown"} <= set(names)
    for name in names:
        SequenceLabelingSettings.from_values(read_recipe(name, "train-tagger"))


def test_mistakes_leave_no_run(
    seqkit: Seqkit, tmp_path: Path, names: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, code, said in (
        (("none.conll",), 1, "none.conll"),
        ((names, "--tag-column", "4"), 1, "only 2 columns"),
        ((names, "--input-scheme", "bioes"), 1, "--on-broken-tags repair"),
        ((names, "--vectors", "none.bin"), 1, "none.bin"),
        ((names, "--model", "svm"), 2, "svm"),
    ):
        done = seqkit("train-tagger", *arguments[:1], *QUICK, *arguments[1:], "--out", "run")
        assert (done.code, done.out) == (code, "")
        assert said in done.err
        assert not Path("run").exists()
    assert seqkit("eval-tagger", "run").code == 1
    assert seqkit("tag", "run", "a text").code == 1


def test_a_file_that_is_not_there_is_no_text(seqkit: Seqkit, names: Path) -> None:
    assert seqkit("train-tagger", names, "--model", "frequent", "--out", "run").code == 0
    done = seqkit("tag", "run", "texts.txt")
    assert (done.code, done.out) == (1, "")
    assert "no file texts.txt" in done.err
    assert seqkit("tag", "run", "It ends in texts.txt").code == 0
    assert "no unknown words" in seqkit("eval-tagger", "run").out


def test_control_characters_of_columns_are_escaped_on_a_terminal(
    seqkit: Seqkit, names: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seqkit("train-tagger", names, "--model", "frequent", "--out", "run").code == 0
    monkeypatch.setattr("seqkit.cli.common.is_terminal", lambda stream: True)
    monkeypatch.setattr("seqkit.cli.tag.is_terminal", lambda stream: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = seqkit("tag", "run", "--format", "columns", "--pretokenized", "went \x1b]0;title\x07").out
    assert "\x1b]" not in shown
    assert r"\x1b]0;title" in shown or r"\u001b]0;title" in shown


def test_columns_are_tagged(seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences of columns, with tags or without, in files and standard input; bad ones are named."""
    data = write_values(Path("a.conll"))
    train = ("train-tagger", data, *QUICK, "--epochs", "4", "--feature-columns", "2", "--out", "run")
    assert seqkit(*train).code == 0
    Path("b.conll").write_text("-DOCSTART- X\n\nthe N\nold V\n\ncity N\n\nno column\nof\n\nin D\n")
    done = seqkit("tag", "run", "--columns", "b.conll", "--format", "columns")
    assert done.out == "the\tB-X\nold\tO\n\ncity\tB-X\n\n\nin\tO\n\n"
    assert done.code == 1
    assert "expected 2 columns as in line 3, got 1, b.conll, line 9" in done.err
    set_stdin(monkeypatch, b"\xef\xbb\xbfthe\tN\tO\r\nold\tV\tO\r\n\r\ncity\tN\tO")
    shown = seqkit("tag", "run", "--columns")
    assert (shown.code, shown.out) == (0, "[X the] old\n[X city]\n")
    set_stdin(monkeypatch, b"the N\n")
    assert "does not know" not in shown.err
    (first,) = seqkit("tag", "run", "--columns", "--json").json
    assert (first["text"], first["spans"][0]["label"]) == ("the", "X")
    for arguments, said in (
        (("the old",), "`seqkit tag RUN --columns FILE`"),
        (("--columns", "none.conll"), "no file none.conll; --columns takes files, not texts"),
        (("--columns", "--pretokenized", "b.conll"), "--pretokenized has no effect with --columns"),
        (("--columns", "--text-column", "2", "b.conll"), "--text-column has no effect with --columns"),
    ):
        done = seqkit("tag", "run", *arguments)
        assert done.code in (1, 2)
        assert (done.out, said in done.err) == ("", True), done.err


def test_columns_are_tagged_by_a_tagger_of_words(seqkit: Seqkit, names: Path) -> None:
    assert seqkit("train-tagger", names, "--model", "frequent", "--out", "run").code == 0
    Path("a.conllu").write_text("# text = al\n1-2\tal" + "\t_" * 8 + "\n1\tRome" + "\t_" * 8 + "\n")
    assert seqkit("tag", "run", "--columns", "a.conllu").out == "[LOC Rome]\n"


def test_unknown_values_are_reported(seqkit: Seqkit) -> None:
    data = write_values(Path("a.conll"))
    assert (
        seqkit("train-tagger", data, *QUICK, "--epochs", "1", "--feature-columns", "2", "--out", "run").code
        == 0
    )
    Path("b.conll").write_text("the O\nold O\n\ncity N\n")
    done = seqkit("tag", "run", "--columns", "b.conll")
    assert done.code == 0
    assert "does not know 2 of 3 values in column 2: is it the column that it was trained with?" in done.err
    Path("c.conll").write_text(data.read_text().replace(" N ", " X ").replace(" V ", " Y "))
    other = (
        "train-tagger",
        "c.conll",
        "--init",
        "run",
        "--feature-columns",
        "2",
        "--epochs",
        "1",
        "--out",
        "r",
    )
    assert "of the values in column 2 are unknown" in seqkit(*other).err


def test_columns_of_conllu_on_standard_input(seqkit: Seqkit, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["1-2\tal\t" + "_\t" * 8, "1\ta\ta\tADP\t" + "_\t" * 6, "2\tel\tel\tDET\t" + "_\t" * 6, ""]
    rows = [row.removesuffix("\t") for row in rows]
    text = "\n".join(rows)
    Path("a.conllu").write_text("\n".join(text.replace("\tel\tel", f"\tel{n}\tel") for n in range(40)) + text)
    assert seqkit("train-tagger", "a.conllu", "--model", "frequent", "--out", "run").code == 0
    set_stdin(monkeypatch, ("\n".join(rows) + "\n").encode())
    assert seqkit("tag", "run", "--columns").out == "a/ADP el/DET\n"
