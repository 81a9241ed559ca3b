"""Files of other formats in place of text, and header rows: recognised by name, with a remedy that helps."""

import json
import os
import re
from pathlib import Path

import pytest

from seqkit.corpora import open_corpus, open_labelled, open_seq2seq
from seqkit.errors import DataError

RECORDS = [{"id": n, "text": f"the {n} cat\nsat", "label": "pn"[n % 2]} for n in range(60)]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)
OTHER = {
    "JSON lines with the fields 'id', 'text', 'label'": LINES.encode(),
    "JSON lines": b'["a", "b"]\n["c", "d"]\n' * 9,
    "a JSON document": json.dumps(RECORDS, indent=2).encode(),
    "JSON": json.dumps({"a": RECORDS}).encode(),
    "a zip archive": b"PK\x03\x04 and so on",
    "a PDF document": b"%PDF-1.7\n",
    "a Python pickle": b"\x80\x04\x95",
    "safetensors": b"\x40\0\0\0\0\0\0\0" + b'{"w":{"dtype":"F32"}}',
    "a tar archive": bytes(257) + b"ustar\0",
    "a model in GGUF": b"GGUF\3" + bytes(20),
    "weights of PyTorch": b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + bytes(20),
    "a model of fastText": (793712314).to_bytes(4, "little") + bytes(60),
    "vectors in word2vec's binary format": b"2 2\na " + bytes(8) + b"\nb " + bytes(8),
    "a file compressed by lz4": b"\x04\x22\x4d\x18" + bytes(20),
    "a RAR archive": b"Rar!\x1a\x07\0" + bytes(20),
    "binary data": b"\x08\x08\x12\x07pytorch\x1a\x05" + bytes(20),
}


@pytest.mark.parametrize("name", OTHER)
def test_files_of_other_formats_are_named(name: str, tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_bytes(OTHER[name])
    path = tmp_path / "train.txt"
    for read in (
        lambda: open_corpus(path),
        lambda: open_corpus(path, held_out=False),
        lambda: open_corpus(tmp_path),
        lambda: open_labelled(path),
        lambda: open_labelled(tmp_path),
        lambda: open_seq2seq(path),
        lambda: open_seq2seq(path, target=path),
    ):
        with pytest.raises(DataError, match=f"expected text, got .*{re.escape(name)}"):
            read()


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-16", "UTF-16"), ("utf-32", "UTF-32"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"),
        ("utf-32-le", "UTF-32LE"), ("utf-32-be", "UTF-32BE"),
    ],
)  # fmt: skip
def test_other_encodings_are_named_and_the_command_helps(encoding: str, named: str, tmp_path: Path) -> None:
    text = "".join(f"{'pn'[n % 2]}\ta text \u4e2d of {n} words\n" for n in range(60))
    path = tmp_path / "x.tsv"
    path.write_bytes(text.encode(encoding))
    for read in (open_corpus, open_labelled, open_seq2seq):
        with pytest.raises(DataError, match=f"expected text in UTF-8, got {named},") as caught:
            read(path)
        assert f"iconv -f {named} -t UTF-8" in str(caught.value)
    assert path.read_bytes().decode(named.lower()) == text


def test_a_stray_zero_byte_is_text(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a text of words\n" * 99 + "a\0b\n")
    assert open_corpus(tmp_path / "x.txt").splits == ("train", "valid", "test")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (open_corpus, open_labelled, open_seq2seq):
        with pytest.raises(DataError, match="got a pipe or device, which cannot be read twice"):
            read(tmp_path / "pipe")


def test_json_lines_under_another_name_are_read_when_they_have_theirs(tmp_path: Path) -> None:
    path, named = tmp_path / "it's data.txt", tmp_path / "it's data.jsonl"
    path.write_text(LINES)
    for read in (open_corpus, open_labelled):
        with pytest.raises(DataError, match=r"give it a name that ends in \.jsonl"):
            read(path)
    path.rename(named)
    assert next(open_corpus(named).lines("train")) == "the 0 cat"
    pairs = [pair for split in ("train", "valid", "test") for pair in open_labelled(named).pairs(split)]
    assert sorted(pairs) == sorted((r["text"].replace("\n", " "), r["label"]) for r in RECORDS)


def test_json_that_is_to_be_learned_passes_behind_another_line(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("json\n" + LINES)
    assert next(open_corpus(tmp_path / "x.txt").lines("train")) == "json"


@pytest.mark.parametrize(
    "text", ["{curly} text\n", '{"Hello"} she said\n', "[1] A note\n", '["Go," he said]\n']
)
def test_text_with_brackets_is_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text(text * 30)
    assert next(open_corpus(tmp_path / "x.txt").lines("train")) == text.strip()


ROWS = "".join(f"{'pn'[n % 2]}\ttext number {n}\n" for n in range(60))
SWAPPED = "".join(f"text number {n}\t{'pn'[n % 2]}\n" for n in range(60))


@pytest.mark.parametrize("header", ["label\ttext", '"Sentiment"\t"Review"', "target\tsentence", "v1\tv2"])
def test_the_header_row_of_a_table_is_no_class(header: str, tmp_path: Path) -> None:
    table, columns = tmp_path / "x.tsv", header.split("\t")
    for first, rows in ((header, ROWS), (f"{columns[1]}\t{columns[0]}", SWAPPED)):
        table.write_text(rows)
        plain = open_labelled(table)
        key, expected = plain.content_key(), [list(plain.pairs(split)) for split in plain.splits]
        table.write_text(f"{first}\n{rows}")
        corpus = open_labelled(table)
        assert corpus.skipped == ()
        assert "with a header row, label in" in corpus.notes[0]
        assert [list(corpus.pairs(split)) for split in corpus.splits] == expected
        assert corpus.content_key() != key
        without = open_labelled(table, header=False)
        assert sum(without.provenance()["examples"].values()) == 61


def test_the_header_row_of_each_split_is_no_class(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.tsv").write_text(f"label\ttext\n{ROWS}")
    assert open_labelled(tmp_path).provenance()["examples"] == {"train": 60, "valid": 60, "test": 60}


@pytest.mark.parametrize(
    "header", ["source\ttarget", "English\tFrench", "Question\tAnswer", "src\ttgt", "text\tlabel"]
)
def test_the_header_row_of_pairs_is_no_pair(header: str, tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text(f"{header}\n{SWAPPED}")
    corpus = open_seq2seq(tmp_path / "x.tsv")
    assert sum(corpus.provenance()["pairs"].values()) == 60
    assert "with a header row, source in" in corpus.notes[0]
    assert sum(open_seq2seq(tmp_path / "x.tsv", header=False).provenance()["pairs"].values()) == 61


@pytest.mark.parametrize(
    "first", ["source\tsource", "english\tanglais", "a question\tan answer", "is\tis it"]
)
def test_pairs_that_look_a_little_like_a_header_are_pairs(first: str, tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text(f"{first}\n{SWAPPED}")
    assert open_seq2seq(tmp_path / "x.tsv").skipped_count == 0


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("pos\ta good film\nneg\ta bad film\n" * 9, "a table: each line has 2 columns"),
        ("1\tThe\t_\tDET\n2\tcat\t_\tNOUN\n\n# text\n" * 9, "a table: each line has 4 columns"),
        ("the 0.1 -0.25 1.5e-05\ncat 0.5 0.25 0.1\nsat 0.5 0.25 0.1\n", "word vectors"),
        ("3 3\nthe 0.1 -0.25 1.5e-05\ncat 0.5 0.25 0.1\nsat 0.5 0.25 0.1\n", "word vectors"),
    ],
)
def test_tables_and_vectors_are_no_running_text(rows: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(rows)
    with pytest.raises(DataError, match=f"expected text, got {problem}.* put a line of text before"):
        open_corpus(path)
    path.write_text("A line of text before them:\n" + rows)
    assert open_corpus(path).splits


@pytest.mark.parametrize(
    "line", ["\tan indented line\n", "a rate of 0.5 or 0.25\n", "It rose by 1.5 2.5 3.5\n"]
)
def test_text_with_tabs_and_numbers_is_text(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text((line + "and a line\twith a tab, or none at all\n" + line) * 20 + "\n")
    assert open_corpus(tmp_path / "a.txt").splits
