"""Tables of every format: the same texts give the same corpus, columns by number or name, damaged rows."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.corpora import open_corpus, open_labelled, open_seq2seq
from seqkit.data import encode_corpus
from seqkit.errors import DataError, MissingDependencyError, SeqkitError, UsageError
from seqkit.text import get_tokenizer
from tests.exhaustive import some
from tests.files.mutations import with_other_bytes

LINES = [
    f'He said "{n}", then: a; b | c' if n % 7 else "" if n % 2 else f" naïve 中文 {n}\\n " for n in range(120)
]
"""Lines with quotes, delimiters and blanks in them, blank ones, and a backslash."""
EXAMPLES = [("p" if n % 2 else "n", f'a "text", of {n} words') for n in range(60)]
PAIRS = [(f"the source, {n}", f'die "Quelle" {n}') for n in range(60)]


def csv_of(rows: list[Any], *header: str, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([header] if header else [])
    writer.writerows(rows)
    return out.getvalue().encode()


def jsonl_of(rows: list[Any], *names: str) -> bytes:
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()


def zip_of(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def arrow_of(kind: str, rows: list[Any], *names: str) -> bytes:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(
        {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    )
    sink = arrow.BufferOutputStream()
    if kind == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, sink, row_group_size=17)
    else:
        new = arrow.ipc.new_file if kind == "file" else arrow.ipc.new_stream
        with new(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=13)
    return bytes(sink.getvalue())


OBJECTS, TABLE = jsonl_of(EXAMPLES, "label", "text"), csv_of(EXAMPLES)
TRANSLATIONS = "".join(json.dumps({"translation": {"en": a, "de": b}}) + "\n" for a, b in PAIRS).encode()


def zstd_of(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.compress(data[:99]) + zstandard.compress(data[99:]))


TEXT = "".join(f"{line}\n" for line in LINES).encode()
ROWS = [(line,) for line in LINES]
MORE = [(n, line, "x") for n, line in enumerate(LINES)]
FORMS: dict[str, Callable[[], bytes]] = {
    "a.csv": lambda: csv_of(ROWS, "text"),
    "more.csv": lambda: csv_of(MORE, "id", "text", "label"),
    "semicolons.csv": lambda: csv_of(MORE, "", "text", "label", delimiter=";"),
    "a.csv.gz": lambda: gzip.compress(csv_of(MORE, "id", "text", "label")),
    "a.tsv": lambda: "".join(f"{n}\t{line}\n" for n, line in enumerate(["text", *LINES])).encode(),
    "a.jsonl": lambda: jsonl_of(MORE, "id", "text", "label"),
    "a.json": lambda: json.dumps([{"id": n, "text": line} for n, line in enumerate(LINES)]).encode(),
    "a.parquet": lambda: arrow_of("parquet", MORE, "id", "text", "label"),
    "a.arrow": lambda: arrow_of("file", MORE, "id", "text", "label"),
    "stream.arrow": lambda: arrow_of("stream", MORE, "id", "text", "label"),
    "a.zip": lambda: zip_of(**{"folder/a.txt": TEXT, "README": b"About a.txt", "__MACOSX/._a.txt": b"x"}),
    "table.zip": lambda: zip_of(**{"a.csv": csv_of(ROWS, "text")}),
    "a.tar.gz": lambda: tar_of("./folder/a.txt", TEXT),
    "a.txt.gz": lambda: gzip.compress(TEXT),
    "a.txt.bz2": lambda: bz2.compress(TEXT),
    "a.txt.xz": lambda: lzma.compress(TEXT),
    "a.txt.zst": lambda: zstd_of(TEXT),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_same_text_gives_the_same_lines_and_ids(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT)
    (tmp_path / name).write_bytes(FORMS[name]())
    options: dict[str, Any] = {"text_column": 2, "header": True} if name == "a.tsv" else {}
    for held_out in (True, False):
        plain = open_corpus(tmp_path / "a.txt", held_out=held_out)
        corpus = open_corpus(tmp_path / name, held_out=held_out, **options)
        for split in plain.splits:
            assert list(corpus.lines(split)) == list(plain.lines(split))
        corpus.require_unchanged()
        read = [
            encode_corpus(
                each.sources, get_tokenizer("word"), key=each.content_key(), cache=tmp_path / "cache"
            )
            for each in (plain, corpus)
        ]
        for split in plain.splits:
            assert read[0].splits[split].tolist() == read[1].splits[split].tolist()
        assert list(read[0].vocabulary.tokens) == list(read[1].vocabulary.tokens)


def test_a_member_is_named_where_an_archive_has_several(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(zip_of(**{"a.txt": b"one\n" * 60, "b/c.txt": b"two\n" * 60}))
    with pytest.raises(
        DataError, match=r"an archive of one file, got 2 files: a\.txt, b/c\.txt.*name one of"
    ):
        open_corpus(path)
    first, second = (open_corpus(f"{path}:{name}") for name in ("a.txt", "b/c.txt"))
    assert next(first.lines("train")) == "one"
    assert next(second.lines("test")) == "two"
    assert first.content_key() != second.content_key()
    with pytest.raises(
        DataError, match=r"no file 'd\.txt' in the archive.*a file that is there: a\.txt, b/c"
    ):
        open_corpus(f"{path}:d.txt")
    path.write_bytes(zip_of())
    with pytest.raises(DataError, match="an archive of one file, got 0 files"):
        open_corpus(path)


def test_an_encrypted_or_damaged_archive_is_named(tmp_path: Path) -> None:
    data = bytearray(zip_of(**{"a.txt": b"some text\n" * 60}))
    path = tmp_path / "a.zip"
    for cut in (data[: len(data) // 2], data[:-9], b"PK\3\4"):
        path.write_bytes(cut)
        with pytest.raises(DataError, match=r"the archive cannot be read.*a\.zip"):
            open_corpus(path)
    data[data.find(b"PK\1\2") + 8] |= 1  # the bit of encryption in the central directory
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.txt needs a password"):
        open_corpus(path)


# Columns


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("a.csv", csv_of(EXAMPLES), {}),
        ("a.csv", csv_of(EXAMPLES, "label", "text"), {}),
        ("a.csv", csv_of(EXAMPLES, "v1", "v2"), {}),
        ("a.csv", csv_of([(t, y) for y, t in EXAMPLES], "text", "label"), {}),
        ("a.csv", csv_of([(t, y) for y, t in EXAMPLES]), {}),
        ("a.csv", csv_of([(t, y) for y, t in EXAMPLES]), {"label_column": 2}),
        ("a.csv", csv_of([(n, t, y) for n, (y, t) in enumerate(EXAMPLES)]), {}),
        ("a.csv", csv_of([(n, t, y) for n, (y, t) in enumerate(EXAMPLES)], "", "sentence", "label"), {}),
        ("a.csv", csv_of([(y, y, t, t) for y, t in EXAMPLES], "a", "b", "c", "d"),
         {"label_column": "b", "text_column": "d"}),
        ("a.csv", csv_of([(y, y, t, t) for y, t in EXAMPLES], "a", "b", "c", "d"),
         {"label_column": 2, "text_column": 4, "header": True}),
        ("a.csv", csv_of(EXAMPLES, "a", "b"), {"header": True}),
        ("a.jsonl", jsonl_of([(t, n, y) for n, (y, t) in enumerate(EXAMPLES)], "text", "id", "label"), {}),
        ("a.jsonl", jsonl_of([(t, y) for y, t in EXAMPLES], "body", "which"),
         {"label_column": "which", "text_column": "body"}),
        ("a.txt", "".join(f"__label__{y} {t}\n" for y, t in EXAMPLES).encode(), {}),
        ("a.train", "".join(f"{y} {t}\n" for y, t in EXAMPLES).encode(), {}),
    ],
)  # fmt: skip
def test_label_and_text_are_found(name: str, data: bytes, options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    corpus = open_labelled(tmp_path / name, **options)
    pairs = [pair for split in corpus.splits for pair in corpus.pairs(split)]
    assert sorted(pairs) == sorted((text, label) for label, text in EXAMPLES)
    assert corpus.skipped == ()


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("a.csv", csv_of(PAIRS), {}),
        ("a.csv", csv_of(PAIRS, "source", "target"), {}),
        ("a.csv", csv_of(PAIRS, "en", "de"), {}),
        ("a.csv", csv_of([(n, a, b) for n, (a, b) in enumerate(PAIRS)], "id", "en-US", "de"), {}),
        ("a.csv", csv_of([(b, a) for a, b in PAIRS], "target", "source"), {}),
        ("a.csv", csv_of([(n, a, b) for n, (a, b) in enumerate(PAIRS)], "id", "en", "de"),
         {"source_column": "en", "target_column": "de"}),
        ("a.jsonl", jsonl_of(PAIRS, "en", "de"), {}),
        ("a.jsonl", jsonl_of([(b, a) for a, b in PAIRS], "de", "en"), {"source_column": "en"}),
        ("a.jsonl", TRANSLATIONS, {}),
        ("a.tsv", "".join(f"{b}\t{a}\n" for a, b in PAIRS).encode(), {"source_column": 2}),
    ],
)  # fmt: skip
def test_source_and_target_are_found(name: str, data: bytes, options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    corpus = open_seq2seq(tmp_path / name, **options)
    assert sorted(pair for split in corpus.splits for pair in corpus.pairs(split)) == sorted(PAIRS)


def test_what_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_bytes(csv_of([("t", "u", n) for n in range(9)], "title", "body", "year"))
    with pytest.raises(
        DataError, match="cannot tell the column of the text: it has the columns 'title', 'bo"
    ) as e:
        open_corpus(table)
    assert "text_column=…" in str(e.value)
    assert "--text-column NAME" in e.value.for_command()
    assert open_corpus(table, text_column="body").splits
    with pytest.raises(DataError, match="cannot tell the column of the label"):
        open_labelled(table)
    with pytest.raises(DataError, match=r"expected a column 'text' for the text, got the columns 'title'"):
        open_corpus(table, text_column="text", header=True)
    with pytest.raises(DataError, match=r"expected a column 4 for the text"):
        open_corpus(table, text_column=4, header=True)
    with pytest.raises(DataError, match=r"the name of a column|number of a column, got the name 'body'"):
        open_corpus(table, text_column="body", header=False)
    (tmp_path / "a.jsonl").write_bytes(jsonl_of(EXAMPLES, "label", "text"))
    with pytest.raises(UsageError, match="header has no effect here"):
        open_labelled(tmp_path / "a.jsonl", header=True)
    for options in ({"text_column": 0}, {"text_column": ""}):
        with pytest.raises(UsageError, match="column to be a name, or a number from 1"):
            open_corpus(table, **options)
    for name in ("pydocs", "nltk:brown"):
        with pytest.raises(UsageError, match=f"text_column has no effect here.*{name} is none; leave"):
            open_corpus(name, text_column=1)
    with pytest.raises(UsageError, match="source_column has no effect here"):
        open_seq2seq("dates", source_column=1)


# Damaged rows

BAD_ROWS = [
    ("a.csv", TABLE + b'p,a text, of three\n', 61, "expected 2 columns as in the first row, got 3"),
    ("a.csv", TABLE + b"p\n", 61, "expected 2 columns as in the first row, got 1"),
    ("a.csv", TABLE + b'p,"a text\nand no end\n', 61, "a quote that is not closed"),
    ("a.csv", TABLE + b"p,caf\xe9\nn,b\n", 61, "byte 0xe9 is not UTF-8"),
    ("a.csv", TABLE + b'p,"caf\n\xe9"\nn,b\n', 61, "byte 0xe9 is not UTF-8"),
    ("a.csv", TABLE + b"p,a\rn,b\n", 61, "line ends of a lone carriage return"),
    ("a.csv", TABLE + b"p,\n", 61, "the text is empty"),
    ("a.csv", TABLE + b"p," + b"x" * 1_000_001 + b"\n", 61, "a text of more than 1,000,000 characters"),
    ("a.jsonl", OBJECTS + b'{"label": "p"}\n', 61, "no field 'text' for the text"),
    ("a.jsonl", OBJECTS + b'{"label": "p", "text": null}\n', 61, "the text is empty"),
    ("a.jsonl", OBJECTS + b'{"label": ["p", "n"], "text": "a"}\n', 61,
     "expected a text in 'label', got a list"),
    ("a.jsonl", OBJECTS + b'{"label": "p", "text": {"a": 1}}\n', 61,
     "expected a text in 'text', got an object"),
    ("a.jsonl", OBJECTS + b'{"text": "a", "label": "p", "text": "b"}\n', 61,
     "the field 'text' twice in one object"),
    ("a.jsonl", OBJECTS + b'{"label": "p", "text": "\\ud800"}\n', 61,
     "expected a text in 'text', got half of a surrogate pair"),
    ("a.jsonl", OBJECTS + b'["p", "a"]\n', 61, "expected a JSON object, got a list"),
    ("a.jsonl", OBJECTS + b'{"label": "p", "te\n', 61, r"no JSON \(.*"),
    ("a.jsonl", OBJECTS + b"[" * 100_000 + b"\n", 61, r"no JSON \(.*"),
    ("a.txt", b"".join(b"__label__p a %d\n" % n for n in range(60)) + b"__label__p __label__n b\n", 61,
     r"several labels in one line \(__label__p, __label__n\).*"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "line", "reason"), BAD_ROWS)
def test_a_bad_row_is_named_or_skipped(
    name: str, data: bytes, line: int, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"^{reason}, .*{name}, line ({line}|62, byte)"):
        open_labelled(path)
    corpus = open_labelled(path, on_bad_line="skip")
    assert corpus.skipped[0][0] == line
    assert sum(corpus.provenance()["examples"].values()) in (60, 61)
    if reason in ("the text is empty", "a text of more than 1,000,000 characters") or "label" in reason:
        return
    with pytest.raises(DataError, match=rf"^{reason}, .*{name}, line ({line}|62, byte)"):
        list(open_corpus(path, **({"text_column": 2} if name == "a.csv" else {})).every_line())


KINDS = {
    "a.csv": lambda: csv_of(EXAMPLES, "label", "text"),
    "a.jsonl": lambda: jsonl_of(EXAMPLES, "label", "text"),
    "a.json": lambda: json.dumps([{"label": y, "text": t} for y, t in EXAMPLES]).encode(),
    "a.parquet": lambda: arrow_of("parquet", EXAMPLES, "label", "text"),
    "a.arrow": lambda: arrow_of("file", EXAMPLES, "label", "text"),
    "a.zip": lambda: zip_of(**{"a.csv": csv_of(EXAMPLES, "label", "text")}),
    "a.tar.gz": lambda: tar_of("a.jsonl", jsonl_of(EXAMPLES, "label", "text")),
    "a.tsv.zst": lambda: zstd_of("".join(f"{y}\t{t}\n" for y, t in EXAMPLES).encode()),
}


@pytest.mark.parametrize("seed", some(range(60), 20))
@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_give_their_texts_or_one_clear_error(name: str, seed: int, tmp_path: Path) -> None:
    data, chance, path = KINDS[name](), random.Random(f"{name} {seed}"), tmp_path / name
    for _ in range(8):
        path.write_bytes(with_other_bytes(data, chance))
        for read in (open_labelled, open_corpus):
            try:
                corpus: Any = read(path)
                for split in corpus.splits:
                    for _ in corpus.sources[split]():
                        pass
            except SeqkitError as error:
                if name not in str(error):
                    raise


def test_other_arrow_files_are_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.arrow"
    for data, said in (
        (b"FEA1" + bytes(90), "got Feather 1"),
        (gzip.compress(b"x" * 90), "other or compressed content"),
        (
            arrow_of("file", [("p", "a")], "label", "text")[:200],
            "cannot be read as a table of Parquet or Arrow",
        ),
    ):
        path.write_bytes(data)
        with pytest.raises(DataError, match=f"{said}.*a\\.arrow"):
            open_labelled(path)


def test_a_package_that_is_absent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyarrow", "zstandard", "compression.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    for name, data, extra in (("a.parquet", b"PAR1", "arrow"), ("a.zst", b"\x28\xb5\x2f\xfd", "zstd")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MissingDependencyError, match=rf"pip install 'seqkit\[{extra}\]'"):
            open_corpus(tmp_path / name)


PROSE = "".join(
    "".join(
        f"this is line {n} of a paragraph of prose that is wrapped at a width of{' ' * (n % 2)}\n"
        for n in range(9)
    )
    + "and this is its end\n\n"
    for _ in range(30)
)


def test_wrapped_prose_is_recognised_and_its_paragraphs_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text(PROSE)
    (note,) = open_corpus(path).notes
    assert "one width" in note
    assert "--paragraphs" in note
    corpus = open_corpus(path, paragraphs=True)
    lines = [line for split in corpus.splits for line in corpus.lines(split)]
    assert corpus.notes == ()
    assert len(lines) == 30
    assert lines[0].startswith(
        "this is line 0 of a paragraph of prose that is wrapped at a width of this is line 1"
    )
    assert lines[0].endswith("of and this is its end")
    assert corpus.content_key() != open_corpus(path).content_key()
    path.write_text("".join(f"{'word ' * (n % 13 + 1)}\n" for n in range(300)))
    assert open_corpus(path).notes == ()


def test_line_ends_within_a_cell_become_blanks(tmp_path: Path) -> None:
    """As IMDB's reviews have them: each example is one line, for all that reads it later."""
    texts = [f"one{end}two {n}" for n in range(30) for end in ("\n", "\r\n\r\n ")]
    rows = [(text, "ab"[n % 2]) for n, text in enumerate(texts)]
    (tmp_path / "r.csv").write_bytes(csv_of(rows, "text", "label"))
    (tmp_path / "r.jsonl").write_bytes(jsonl_of(rows, "text", "label"))
    for name in ("r.csv", "r.jsonl"):
        corpus = open_labelled(tmp_path / name)
        found = [text for split in corpus.splits for text, _ in corpus.sources[split]()]
        assert sorted(found) == sorted(f"one two {n}" for n in [*range(30), *range(30)])
