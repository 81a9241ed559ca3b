"""Line-by-line commands: one answer for each line, errors by line, and answers before the input ends."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqkit.cli.lines import LINES_AT_ONCE, Line, _stream_lines, answer_lines
from seqkit.errors import DataError, UsageError
from tests.cli.conftest import Seqkit
from tests.exhaustive import some
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import environment

QUICK = ("--emsize", "16", "--batch-size", "16", "--min-count", "1", "--epochs", "1", "--quiet")


@pytest.fixture
def translator(seqkit: Seqkit, tmp_path: Path) -> list[str]:
    """A command that reads lines, with a run of characters: it cannot read an unknown character."""
    write_pairs(tmp_path / "pairs.tsv")
    options = (*QUICK, "--tokenizer", "char", "--nhid", "32")
    assert seqkit("train-seq2seq", "pairs.tsv", *options, "--out", "translator").code == 0
    return ["translate", str(tmp_path / "translator")]


@pytest.fixture
def classifier(seqkit: Seqkit, tmp_path: Path) -> list[str]:
    write_reviews(tmp_path / "reviews.tsv")
    options = (*QUICK, "--model", "bag", "--tokenizer", "char")
    assert seqkit("train-classifier", "reviews.tsv", *options, "--out", "classifier").code == 0
    return ["classify", str(tmp_path / "classifier")]


@pytest.fixture
def scorer(characters: Path) -> list[str]:
    return ["score", str(characters)]


@pytest.fixture
def embedder(tmp_path: Path) -> list[str]:
    pytest.importorskip("tokenizers")
    from tests.models.folders import write_bert

    return ["embed", str(write_bert(tmp_path / "bert"))]


COMMANDS = ["translator", "classifier", "scorer", "embedder"]


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> list[str]:
    arguments: list[str] = request.getfixturevalue(request.param)
    return arguments


def set_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))


def test_empty_and_unreadable_lines_keep_their_place(
    seqkit: Seqkit, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_stdin(monkeypatch, b"abc\n\n \nbad \xfe\nabc\n")
    done = seqkit(*command)
    lines = done.out.split("\n")
    assert done.code == 1
    assert len(lines) == 6  # five answers, and nothing after the last line end
    assert lines[0] == lines[4] != ""
    assert lines[3] == ""
    assert done.err.count("error: ") == 1
    assert "error: byte 0xfe is not UTF-8, standard input, line 4, byte 4" in done.err
    assert lines[1:3] == ["", ""]
    set_stdin(monkeypatch, b"abc\n\nabc")
    done = seqkit(*command)
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 3)


@pytest.mark.parametrize("name", ["translator", "scorer"])
def test_a_line_that_cannot_be_answered(
    seqkit: Seqkit, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = request.getfixturevalue(name)
    data = "abc\n" * 7 + "a\u4e2dc\n" + "abc\n" * 3 + "\u4e2d\nabc\n"
    set_stdin(monkeypatch, data.encode())
    done = seqkit(*command)
    lines = done.out.split("\n")
    assert done.code == 1
    assert [i for i, line in enumerate(lines) if not line] == [7, 11, 13]
    assert "standard input, line 8" in done.err
    assert "standard input, line 12" in done.err
    set_stdin(monkeypatch, data.encode())
    items = seqkit(*command, "--json").json
    assert len(items) == 13
    assert ["error" in item for item in items] == [i in (7, 11) for i in range(13)]


@pytest.mark.parametrize("options", some([[], ["--json"]], 2), ids=str)
def test_the_first_answer_precedes_the_last_line(command: list[str], options: list[str]) -> None:
    if command[0] != "score" and options:
        pytest.skip("one function prints the JSON of all commands")
    with subprocess.Popen(
        [sys.executable, "-m", "seqkit", *command, *options],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(60, process.kill)
        timer.start()
        try:
            for _ in range(2):
                process.stdin.write(b"abc\n")
                process.stdin.flush()
                assert process.stdout.readline().strip()
            out, _ = process.communicate()
        finally:
            timer.cancel()
            process.kill()
    assert process.returncode == 0
    assert out.endswith(b"]\n") if options else out == b""


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_a_person_at_a_terminal_is_answered_line_by_line(scorer: list[str]) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "seqkit", *scorer]
    process = subprocess.Popen(
        command, env=environment(), stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        for line in (b"abc\n", b"\n", b"abc\n"):
            os.write(ours, line)
            seen = b""
            while seen.count(b"\n") < 2:  # the echo of the line, and its answer
                seen += os.read(ours, 1 << 16)
            assert (b"\t" in seen) == (line != b"\n")
        os.write(ours, b"\x04")
        assert process.wait() == 0
    finally:
        timer.cancel()
        process.kill()
        os.close(ours)


def test_images_that_cannot_be_read_keep_their_place(seqkit: Seqkit, tmp_path: Path) -> None:
    Image: Any = pytest.importorskip("PIL.Image")
    from tests.cli.test_images import QUICK as IMAGES
    from tests.cli.test_images import write_stripes

    assert (
        seqkit(
            "train-images", write_stripes(tmp_path / "stripes"), *IMAGES, "--epochs", "1", "--out", "run"
        ).code
        == 0
    )
    Image.new("L", (10, 10), 9).save("a.png")
    Path("b.png").write_bytes(b"no image")
    done = seqkit("classify", "run", "a.png", "b.png", "none.png", "a.png")
    lines = done.out.split("\n")
    assert done.code == 1
    assert [bool(line) for line in lines] == [True, False, False, True, False]
    assert done.err.count("error: ") == 2
    assert "b.png" in done.err
    assert "none.png" in done.err


def test_n_best_keeps_as_many_lines_for_an_empty_text(seqkit: Seqkit, translator: list[str]) -> None:
    done = seqkit(*translator, "abc", "", "abc", "--n-best", "3", "--beam", "4")
    lines = done.out.split("\n")
    assert done.code == 0
    assert len(lines) == 10
    assert lines[3:6] == ["", "", ""]


def test_json_is_one_list(seqkit: Seqkit, classifier: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    set_stdin(monkeypatch, b"abc\n\nabc\n")
    done = seqkit(*classifier, "--json")
    assert [item["text"] for item in done.json] == ["abc", "", "abc"]
    assert set(done.json[1]) == {"text"}
    assert done.out == json.dumps(done.json, indent=2) + "\n"
    set_stdin(monkeypatch, b"")
    assert seqkit(*classifier, "--json").json == []


def test_closed_standard_input_and_absent_files(
    seqkit: Seqkit, scorer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = seqkit("score", "no-run", "absent.txt")
    assert done.code == 1
    assert "absent.txt" in done.err, "the file is checked before the run is opened"
    monkeypatch.setattr(sys, "stdin", None)
    done = seqkit(*scorer)
    assert (done.code, done.out) == (2, "")
    assert "standard input is closed" in done.err


# The helper


class Blocks(io.BytesIO):
    """A stream that hands out the given blocks one by one."""

    def __init__(self, *blocks: bytes) -> None:
        self.blocks = iter(blocks)

    def read1(self, size: int | None = -1, /) -> bytes:
        return next(self.blocks, b"")


def test_lines_are_read_across_blocks() -> None:
    stream = Blocks(b"\xef\xbb\xbfa", b"b\r\nc\n", b"\n", "中".encode()[:1], "中".encode()[1:])
    batches = list(_stream_lines(stream, "x"))
    assert [[line.text for line in batch] for batch in batches] == [["ab", "c"], [""], ["中"]]
    assert [line.where for batch in batches for line in batch] == [f"x, line {n}" for n in (1, 2, 3, 4)]


def test_a_line_that_is_too_long_is_refused_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqkit.files.lines.MAX_LINE", 10)
    stream = Blocks(b"ok\n" + b"a" * 11 + b"\n" + b"b" * 41, b"b" * 50, b"\nok")
    [first, second, third, last] = [line for batch in _stream_lines(stream, "x") for line in batch]
    assert (first.text, first.error, last.text, last.error) == ("ok", None, "ok", None)
    for line in (second, third):
        assert "at most 10 characters" in str(line.error)


def answered(batches: Iterator[list[Line]], answer: Callable[[list[str]], list[Any]], **options: Any) -> int:
    return answer_lines(
        batches, answer, lambda text, result: result, lambda text, result: {text: result}, key="text",
        **{"as_json": False, **options},
    )  # fmt: skip


def test_an_error_concerns_its_line_alone(capfd: pytest.CaptureFixture[str]) -> None:
    calls = []

    def answer(texts: list[str]) -> list[str]:
        calls.append(len(texts))
        if "bad" in texts:
            raise DataError("cannot", where=f"text {texts.index('bad') + 1}", remedy="leave it out")
        return [text.upper() for text in texts]

    texts = ["a"] * 100
    texts[63] = "bad"
    lines = [Line(text, f"line {i}") for i, text in enumerate(texts, 1)]
    assert answered(iter([lines]), answer) == 1
    out, err = capfd.readouterr()
    assert out.splitlines() == ["A" if text == "a" else "" for text in texts]
    assert err == "error: cannot, line 64; leave it out\n"
    assert len(calls) < 20, "halving finds the line"


def test_wrong_usage_ends_the_command() -> None:
    def answer(texts: list[str]) -> list[str]:
        raise UsageError("no")

    with pytest.raises(UsageError):
        answered(iter([[Line("a", "line 1")]]), answer)


def test_batches_are_answered_before_the_next_is_read(capfd: pytest.CaptureFixture[str]) -> None:
    printed = []

    def batches() -> Iterator[list[Line]]:
        yield [Line("a", "")] * (LINES_AT_ONCE + 1)
        printed.append(capfd.readouterr().out)
        yield [Line("b", "")]

    assert answered(batches(), list) == 0
    assert printed == ["a\n" * (LINES_AT_ONCE + 1)]


def test_nan_becomes_null(capfd: pytest.CaptureFixture[str]) -> None:
    nan = [float("nan")]
    assert answered(iter([[Line("a", "")]]), lambda texts: [nan], as_json=True) == 0
    assert json.loads(capfd.readouterr().out, parse_constant=pytest.fail) == [{"a": [None]}]


def test_answers_are_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setattr(sys, "stdout", open(write, "w"))  # noqa: SIM115
    assert answered(iter([[Line("a", "")]]), list) == 0
    assert os.read(read, 10) == b"a\n"


def test_texts_of_unknown_tokens_are_reported(seqkit: Seqkit, tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.tsv")
    assert seqkit("train-classifier", "reviews.tsv", *QUICK, "--model", "bag", "--out", "words").code == 0
    write_pairs(tmp_path / "pairs.tsv")
    assert seqkit("train-seq2seq", "pairs.tsv", *QUICK, "--tokenizer", "word", "--out", "pairs").code == 0
    Path("known.txt").write_text(Path("reviews.tsv").read_text().split("\n")[0].split("\t")[1] + "\n")
    Path("other.txt").write_text("今天天气很好 สวัสดีครับ\n")
    done = seqkit("classify", "words", "other.txt")
    assert done.code == 0
    # six characters of Chinese, and seven of Thai with their vowels
    assert "the model does not know 13 of 13 tokens, such as '今'" in done.err
    assert "does not know" not in seqkit("classify", "words", "known.txt").err
    assert "does not know 13 of 13 tokens" in seqkit("translate", "pairs", "今天天气很好 สวัสดีครับ").err


# Tables


@pytest.mark.parametrize("name", ["lines.csv", "lines.jsonl", "lines.tsv", "lines.parquet"])
def test_the_texts_of_a_table_are_lines(name: str, seqkit: Seqkit, lstm: Path, tmp_path: Path) -> None:
    rows = [("the cat sat", 1), ('a dog, a "cat"', 0), ("the house\nran", 1)]
    path = tmp_path / name
    if name.endswith(".parquet"):
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.table({"text": [text for text, _ in rows], "n": [1, 0, 1]}), path)
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps({"id": n, "text": text}) + "\n" for text, n in rows))
    elif name.endswith(".csv"):
        path.write_text(
            "n,text\n" + "".join(f'{n},"{text.replace(chr(34), chr(34) * 2)}"\n' for text, n in rows)
        )
    else:
        path.write_text("n\ttext\n" + "".join(f"{n}\t{text}\n" for text, n in rows[:2] * 2))
    texts = [text.replace("\n", " ") for text, _ in (rows[:2] * 2 if name.endswith(".tsv") else rows)]
    (tmp_path / "plain.txt").write_text("".join(text + "\n" for text in texts))
    expected = seqkit("score", lstm, "plain.txt")
    found = seqkit("score", lstm, name)
    assert (found.code, found.out) == (0, expected.out)
    assert name in found.err  # how it was read
    assert seqkit("score", lstm, name, "--text-column", "text").out == expected.out
    refused = seqkit("score", lstm, name, "--text-column", "absent")
    assert (refused.code, refused.out) == (1, "")
    assert "'absent'" in refused.err


def test_a_column_is_for_tables(seqkit: Seqkit, lstm: Path) -> None:
    refused = seqkit("score", lstm, "-", "--text-column", "2")
    assert (refused.code, refused.out) == (2, "")
    assert "--text-column has no effect here: it is for tables, not for standard input" in refused.err
