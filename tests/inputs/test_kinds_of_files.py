"""Files as people have them: the rows "Kinds of files" of docs/inputs.md, each result derived by hand."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from seqkit.corpora import open_corpus, open_labelled, open_seq2seq
from seqkit.errors import DataError

TEXT = "".join(f"line {n} of the text\n" for n in range(40))


def all_pairs(path: Path) -> list[tuple[str, str]]:
    corpus = open_labelled(path)
    return sorted(pair for split in corpus.splits for pair in corpus.pairs(split))


def all_lines(path: Path | str) -> list[str]:
    return list(open_corpus(path).every_line())


def test_csv_with_quotes_commas_and_line_ends(tmp_path: Path) -> None:
    """A doubled quote is one; a quoted cell may go on in the next line (RFC 4180), after a blank then."""
    (tmp_path / "reviews.csv").write_text(
        'label,text\r\ngood,"Funny, ""warm""\r\nand short"\r\nbad,Dull\r\ngood,Fine\r\n', newline=""
    )
    assert all_pairs(tmp_path / "reviews.csv") == [
        ("Dull", "bad"), ("Fine", "good"), ('Funny, "warm" and short', "good"),
    ]  # fmt: skip


def test_csv_of_a_spreadsheet_and_of_pandas(tmp_path: Path) -> None:
    """A byte-order mark and semicolons, as a German spreadsheet saves; and pandas' index without a name."""
    (tmp_path / "sheet.csv").write_bytes(
        b"\xef\xbb\xbfText;Label\r\nschlecht, leider;n\r\ngut;p\r\nsehr gut;p\r\n"
    )
    assert all_pairs(tmp_path / "sheet.csv") == [("gut", "p"), ("schlecht, leider", "n"), ("sehr gut", "p")]
    (tmp_path / "frame.csv").write_text(",text,label\n0,one,p\n1,two,n\n2,three,p\n")
    assert all_pairs(tmp_path / "frame.csv") == [("one", "p"), ("three", "p"), ("two", "n")]


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"id": n, "text": f"a naïve \u201ctext\u201d {n}", "label": n % 2} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert all_pairs(tmp_path / "a.jsonl") == [
        ("a naïve “text” 0", "0"), ("a naïve “text” 1", "1"), ("a naïve “text” 2", "0"),
    ]  # fmt: skip
    assert all_lines(tmp_path / "a.jsonl") == [f"a naïve “text” {n}" for n in range(3)]


def test_parquet_with_texts_that_end_in_line_feeds(tmp_path: Path) -> None:
    """WikiText's rows end in a line feed each; the last text is of two lines."""
    arrow, parquet = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
    table = arrow.table({"text": [" = Title = \n", "", None, "one\ntwo\n"]})
    parquet.write_table(table, tmp_path / "train-00000-of-00001.parquet")
    assert all_lines(tmp_path / "train-00000-of-00001.parquet") == [" = Title = ", "", "", "one", "two"]


def test_zip_with_one_text_or_several(tmp_path: Path) -> None:
    path = tmp_path / "text.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("book/README.md", "about the book")
        archive.writestr("book/one.txt", TEXT)
        archive.writestr("__MACOSX/book/._one.txt", "x")
    assert all_lines(path) == TEXT.splitlines()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("book/two.txt", TEXT.upper())
    assert all_lines(f"{path}:book/two.txt") == TEXT.upper().splitlines()
    with pytest.raises(DataError, match=r"one file, got 2 files: book/one\.txt, book/two\.txt"):
        open_corpus(path)


def test_a_table_in_a_tar_archive(tmp_path: Path) -> None:
    data = b"".join(b"%s\ttext %d\n" % (b"pn"[n % 2 : n % 2 + 1], n) for n in range(4))
    with tarfile.open(tmp_path / "set.tar.xz", "w:xz") as archive:
        info = tarfile.TarInfo("./set/data.tsv")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    expected = [("text 0", "p"), ("text 1", "n"), ("text 2", "p"), ("text 3", "n")]
    assert all_pairs(tmp_path / "set.tar.xz") == expected


@pytest.mark.parametrize("suffix", [".bz2", ".xz", ".zst", ""])
def test_compressed_texts(suffix: str, tmp_path: Path) -> None:
    """Recognised by their first bytes where the name does not say it."""
    path = tmp_path / f"a.txt{suffix}"
    data = TEXT.encode()
    if suffix == ".zst":
        path.write_bytes(pytest.importorskip("zstandard").compress(data))
    else:
        path.write_bytes(bz2.compress(data) if suffix == ".bz2" else lzma.compress(data))
    assert all_lines(path) == TEXT.splitlines()


def test_a_table_from_windows(tmp_path: Path) -> None:
    """A byte-order mark, carriage returns and a header row are no part of a label or a text."""
    (tmp_path / "a.tsv").write_bytes(
        b"\xef\xbb\xbftext\tlabel\r\na good one\tp\r\na bad one\tn\r\nanother\tp\r\n"
    )
    assert all_pairs(tmp_path / "a.tsv") == [("a bad one", "n"), ("a good one", "p"), ("another", "p")]


def test_names_with_two_dots_and_versions(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        (tmp_path / f"ptb.{split}.v2.txt").write_text(f"the {split} text\n")
    corpus = open_corpus(tmp_path)
    assert {split: list(corpus.lines(split)) for split in corpus.splits} == {
        split: [f"the {split} text"] for split in ("train", "valid", "test")
    }


def test_a_folder_of_markdown_and_files_without_suffix(tmp_path: Path) -> None:
    for name in ("guide.md", "index.rst", "chapters/one", "chapters/two", "README", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}\n")
    assert sorted(all_lines(tmp_path)) == [
        "text of chapters/one", "text of chapters/two", "text of guide.md", "text of index.rst",
    ]  # fmt: skip


def test_wrapped_prose(tmp_path: Path) -> None:
    """Ten paragraphs of three lines: 40 lines with the blank ones, or 10 with --paragraphs."""
    line = "It was a bright day in early spring and all the clocks were"
    (tmp_path / "book.txt").write_text(f"{line}\n{line}\nstriking.\n\n" * 10)
    corpus = open_corpus(tmp_path / "book.txt")
    assert len(list(corpus.every_line())) == 40
    assert "--paragraphs makes each paragraph a line" in corpus.notes[0]
    lines = list(open_corpus(tmp_path / "book.txt", paragraphs=True).every_line())
    assert lines == [f"{line} {line} striking."] * 10


def test_documents_and_other_encodings_are_named(tmp_path: Path) -> None:
    for name, data, said in (
        ("a.xlsx", b"PK\3\4" + bytes(30), "a zip archive (which .docx, .xlsx and .epub are, too)"),
        ("a.docx", b"PK\3\4" + bytes(30), "a zip archive (which .docx, .xlsx and .epub are, too)"),
        ("a.pdf", b"%PDF-1.7", "a PDF document"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(30), "an Office document"),
        ("a.txt", "text".encode("utf-16"), "UTF-16"),
        ("a.csv", "label,text\n".encode("utf-16"), "UTF-16"),
    ):
        (tmp_path / name).write_bytes(data)
        for read in (open_corpus, open_labelled, open_seq2seq):
            with pytest.raises(DataError) as caught:
                read(tmp_path / name)
            assert f"got {said}" in str(caught.value)
