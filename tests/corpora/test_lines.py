import bz2
import gzip
import lzma
import os
import random
from itertools import chain
from pathlib import Path

import pytest

from seqkit.corpora import read_lines
from seqkit.corpora.split import cut_file, split_names
from seqkit.errors import DataError
from seqkit.files import lines as lines_module
from seqkit.files.lines import UnfinishedLine


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\r\nb", ["a", "b"]),
        (b"\n\na\n", ["", "", "a"]),
        ("é\u2028x\x0cy\n日".encode(), ["é\u2028x\x0cy", "日"]),
        (b"a", ["a"]),
        (b"\n", [""]),
    ],
)
def test_lines(tmp_path, data, lines) -> None:
    assert list(read_lines(write(tmp_path / "a.txt", data))) == lines


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".bz2", bz2), (".xz", lzma)])
def test_compressed_files_read_like_plain_ones(tmp_path, suffix, module) -> None:
    text = "".join(f"line {n} é\n" for n in range(5000)).encode()
    plain = write(tmp_path / "a.txt", text)
    packed = write(tmp_path / f"a.txt{suffix}", module.compress(text))
    assert list(read_lines(packed)) == list(read_lines(plain))
    assert cut_file(packed) == cut_file(plain)
    start, stop = cut_file(plain)
    assert list(read_lines(packed, start, stop)) == list(read_lines(plain, start, stop))
    for damaged in (module.compress(text)[:-40], b"no archive at all"):
        with pytest.raises(DataError, match=rf"damaged|cannot be read.*a\.txt{suffix}"):
            list(read_lines(write(packed, damaged)))


def test_any_block_size_gives_the_same_lines(tmp_path, monkeypatch) -> None:
    draw = random.Random(4)
    for _ in range(60):
        text = "".join(draw.choices("aé日\n\r", k=draw.randint(0, 60)))
        path = write(tmp_path / "a.txt", draw.choice([b"", b"\xef\xbb\xbf"]) + text.encode())
        expected = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
        for block in (1, 2, 3, 7, 100):
            monkeypatch.setattr(lines_module, "_BLOCK", block)
            assert list(read_lines(path)) == expected


@pytest.mark.parametrize("blanks", [True, False])
def test_long_lines_are_cut_into_pieces(tmp_path, monkeypatch, blanks) -> None:
    """Behind blanks where there are any, never within a character; what is cut joins to the whole."""
    draw = random.Random(7)
    monkeypatch.setattr(lines_module, "MAX_LINE", 50)
    for block in (7, 30, 1000):
        monkeypatch.setattr(lines_module, "_BLOCK", block)
        letters = "aé日" + (" \n" if blanks else "\n")
        weights = [9, 9, 9, *([4] if blanks else []), 0.2]
        text = "".join(draw.choices(letters, weights, k=3000)) + "é" * 3
        path = write(tmp_path / "a.txt", text.encode())
        pieces = list(read_lines(path, cut_long=True))
        whole = "".join(piece if isinstance(piece, UnfinishedLine) else piece + "\n" for piece in pieces)
        assert whole == text + "\n"
        cut = [piece for piece in pieces if isinstance(piece, UnfinishedLine)]
        assert len(cut) > 10
        assert all(len(piece.encode()) <= 50 for piece in cut)
        if blanks:
            assert sum(piece.endswith(" ") for piece in cut) > 0.8 * len(cut)
        with pytest.raises(DataError, match="a line of more than 50 characters"):
            list(read_lines(path))


def test_bytes_that_are_no_text_are_named_in_long_lines_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_LINE", 50)
    path = write(tmp_path / "a.txt", b"x" * 120 + b"\x80" * 200)
    with pytest.raises(DataError, match=r"byte 0x80 is not UTF-8.*line 1, byte 120"):
        list(read_lines(path, cut_long=True))


def test_compression_is_told_by_content_too(tmp_path) -> None:
    for compress in (gzip.compress, bz2.compress, lzma.compress):
        assert list(read_lines(write(tmp_path / "a.txt", compress(b"\xef\xbb\xbfa\nb")))) == ["a", "b"]


def test_byte_ranges_join_to_the_whole(tmp_path) -> None:
    path = write(tmp_path / "a.txt", "".join(f"{n} é\r\n" for n in range(400)).encode())
    first, second = cut_file(path)
    parts = [list(read_lines(path, a, b)) for a, b in ((0, first), (first, second), (second, None))]
    assert list(chain(*parts)) == list(read_lines(path))
    size = path.stat().st_size
    assert 0.9 * size <= first < 0.9 * size + 8
    assert 0.95 * size <= second < 0.95 * size + 8


def test_a_range_that_ends_inside_a_line_says_so(tmp_path) -> None:
    path = write(tmp_path / "a.txt", b"abc\ndef\n")
    made = list(read_lines(path, 0, 6))
    assert made == ["abc", "de"]
    assert [type(line) for line in made] == [str, UnfinishedLine]
    assert [type(line) for line in read_lines(path, 0, 4)] == [str]
    assert list(read_lines(path, 6)) == ["f"]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"a\nb\xff\n", "line 2, byte 3"),
        (b"\xef\xbb\xbfok\n\n\xe9t\xe9", "line 3, byte 7"),
        (b"\xe2\x82", "byte 0"),
    ],
)
def test_not_utf8_names_file_line_and_byte(tmp_path, data, where) -> None:
    path = write(tmp_path / "latin.txt", data)
    with pytest.raises(
        DataError, match=rf"is not UTF-8, .*latin\.txt, .*{where}; convert it: iconv -f LATIN1"
    ):
        list(read_lines(path))


def test_utf16_is_recognised(tmp_path) -> None:
    with pytest.raises(DataError, match="line 1, byte 0; convert it: iconv -f UTF-16"):
        list(read_lines(write(tmp_path / "a.txt", "word\n".encode("utf-16"))))


def test_the_line_of_an_error_far_into_the_file(tmp_path) -> None:
    path = write(tmp_path / "a.txt", b"0123456789\n" * 100_000 + b"\xff\n")
    with pytest.raises(DataError, match="line 100001, byte 1100000"):
        list(read_lines(path))
    with pytest.raises(DataError, match="line 100001, byte 1100000"):
        list(read_lines(path, 1_000_010))


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_line_of_a_million_characters(tmp_path, letter) -> None:
    good = write(tmp_path / "a.txt", b"x\n" + (letter * 1_000_000).encode() + b"\ny\n")
    assert [len(line) for line in read_lines(good)] == [1, 1_000_000, 1]
    bad = write(tmp_path / "b.txt", b"x\n" + (letter * 1_000_001).encode() + b"\ny\n")
    with pytest.raises(DataError, match=r"more than 1,000,000 characters, .*b\.txt, line 2, byte 2; break"):
        list(read_lines(bad))


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory(tmp_path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(1 << 32)  # 4 GB of NULs
    with pytest.raises(DataError, match="line 1, byte 0"):
        next(read_lines(path))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_empty_file(tmp_path, data, suffix) -> None:
    path = write(tmp_path / f"a.txt{suffix}", gzip.compress(data) if suffix else data)
    with pytest.raises(DataError, match=r"the file is empty, .*a\.txt"):
        cut_file(path)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"a\nb\nc\n", (["a"], ["b"], ["c"])),
        (b"a\nb\nc", (["a"], ["b"], ["c"])),
        (b"a\nb\nc\n" + b"d" * 500, (["a", "b"], ["c"], ["d" * 500])),
    ],
)
def test_few_lines_give_one_to_each_part(tmp_path, data, parts) -> None:
    path = write(tmp_path / "a.txt", data)
    first, second = cut_file(path)
    ranges = ((0, first), (first, second), (second, None))
    assert tuple(list(read_lines(path, a, b)) for a, b in ranges) == parts


@pytest.mark.parametrize("data", [b"a", b"a\nb\n", b"x" * 1000])
def test_too_few_lines_to_cut(tmp_path, data) -> None:
    with pytest.raises(DataError, match=r"only [12] line\(s\), too few"):
        cut_file(write(tmp_path / "a.txt", data))


def test_names_split_without_rest_or_overlap() -> None:
    for n in (3, 4, 20, 100, 500):
        names = [f"file{i}" for i in range(n)]
        parts = split_names(names)
        assert sorted(chain(*parts.values())) == sorted(names)
        assert len(parts["valid"]) == len(parts["test"]) == max(1, round(n / 20))
        assert split_names(reversed(names)) == parts


def test_a_file_name_that_is_not_utf_8_belongs_to_a_split() -> None:
    from seqkit.corpora.split import split_names

    names = [os.fsdecode(b"caf\xe9%d" % number) for number in range(60)]
    assert sorted(name for split in split_names(names).values() for name in split) == sorted(names)
