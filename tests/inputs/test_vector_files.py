"""gensim's, word2vec's and fastText's files as people have them: the rows of docs/inputs.md, by hand."""

from __future__ import annotations

import lzma
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.tasks.embeddings import open_vectors
from seqkit.vectors import KeyedVectors, SubwordVectors, load_vectors
from seqkit.vectors.evaluation import read_pairs
from seqkit.vectors.fasttext import fnv1a


def fasttext_bin(words: list[bytes], *, magic: bool, model: int = 2) -> bytes:
    """Two dimensions: word n has the vector (n, 1); the four buckets (0, 10), (0, 20), (0, 30), (0, 40)."""
    settings = struct.pack("<12id", 2, 5, 5, 1, 5, 1, 2, model, 4, 3, 3, 100, 1e-4)
    sizes = struct.pack("<iiiq", len(words), len(words), 0, 99) + (struct.pack("<q", -1) if magic else b"")
    entries = b"".join(word + b"\0" + struct.pack("<qb", 9 - n, 0) for n, word in enumerate(words))
    rows = np.array([[n, 1] for n in range(len(words))] + [[0, 10 * n] for n in range(1, 5)], "<f4")
    flag = b"\0" if magic else b""
    vectors = flag + struct.pack("<qq", *rows.shape) + rows.tobytes()
    output = flag + struct.pack("<qq", len(words), 2) + bytes(8 * len(words))
    head = struct.pack("<ii", 793712314, 12) if magic else b""
    return head + settings + sizes + entries + vectors + output


@pytest.mark.parametrize("suffix", ["", ".xz"])
def test_fasttext_of_2016_without_a_magic_number(tmp_path: Path, suffix: str) -> None:
    """The n-grams of <ab> are <ab and ab>: buckets of their hashes modulo 4, as fastText counts them."""
    data = fasttext_bin([b"ab", b"</s>"], magic=False)
    path = tmp_path / f"model.bin{suffix}"
    path.write_bytes(lzma.compress(data) if suffix else data)
    table = open_vectors(path)
    assert isinstance(table, SubwordVectors)
    assert table.index_to_key == ["ab", "</s>"]
    grams = [10 * (fnv1a(gram) % 4 + 1) for gram in (b"<ab", b"ab>")]
    np.testing.assert_allclose(table["ab"], [0, (1 + sum(grams)) / 3])  # its own (0, 1) and the two
    np.testing.assert_allclose(table["</s>"], [1, 1])
    assert table.get_vecattr("ab", "count") == 9
    for cut in (60, 90, len(data) - 3):
        path.write_bytes(data[:cut])
        with pytest.raises(DataError):
            open_vectors(path)


def test_classifiers_of_2016_have_no_ngrams(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(fasttext_bin([b"ab"], magic=False, model=3))
    table = load_vectors(tmp_path / "model.bin")
    np.testing.assert_array_equal(table["ab"], [0, 1])
    assert "unknown" not in table


def test_fasttext_in_another_encoding(tmp_path: Path) -> None:
    """é is one byte in Latin-1, so <é> has the n-gram <é> of three characters, with e9."""
    path = tmp_path / "model.bin"
    path.write_bytes(fasttext_bin(["né".encode("latin1"), b"ab"], magic=True))
    table = load_vectors(path, encoding="latin1")
    assert table.index_to_key == ["né", "ab"]
    np.testing.assert_allclose(table["é"], [0, 10 * (fnv1a(b"<\xe9>") % 4 + 1)])
    assert load_vectors(path).index_to_key == ["n\\xe9", "ab"]  # as gensim escapes what is not UTF-8
    assert load_vectors(path, errors="ignore").index_to_key == ["n", "ab"]
    with pytest.raises(UsageError, match="the format fasttext is read whole, got limit"):
        load_vectors(path, limit=1)


def test_fasttext_words_cut_within_a_character(tmp_path: Path) -> None:
    """日 is e6 97 a5 in UTF-8; the word ends behind its second byte."""
    (tmp_path / "model.bin").write_bytes(fasttext_bin([b"a\xe6\x97", b"ab"], magic=True))
    assert load_vectors(tmp_path / "model.bin").index_to_key == ["a\\xe6\\x97", "ab"]


def word2vec_bin(words: list[bytes], *, between: bytes = b"\n") -> bytes:
    rows = [word + b" " + struct.pack("<2f", n, 1) + between for n, word in enumerate(words)]
    return b"%d 2\n" % len(words) + b"".join(rows)


@pytest.mark.parametrize("length", [98, 99, 100])
@pytest.mark.parametrize("binary", [True, False])
def test_words_that_word2vec_cut(tmp_path: Path, length: int, binary: bool) -> None:
    """A word of 三 (e4 b8 89), cut at ``length`` bytes, behind 32 or 33 of them or within the next."""
    word = ("三" * 40).encode()[:length]
    text = b"2 2\n%b 0 1\nof 1 1\n" % word
    path = tmp_path / "vectors.bin"
    path.write_bytes(word2vec_bin([word, b"of"]) if binary else text)
    whole, rest = divmod(length, 3)
    expected = "三" * whole + ["", "\\xe4", "\\xe4\\xb8"][rest]
    assert load_vectors(path).index_to_key == [expected, "of"]
    assert KeyedVectors.load_word2vec_format(path, binary=binary).index_to_key == [expected, "of"]
    path.write_bytes(word2vec_bin([word[:91], b"of"]) if binary else text.replace(word, word[:91]))
    with pytest.raises(DataError, match="is not utf8"):  # no word2vec cuts there
        load_vectors(path)


@pytest.mark.parametrize("between", [b"", b"\n"])
def test_controls_and_line_feeds_before_a_word(tmp_path: Path, between: bytes) -> None:
    """gensim takes line feeds off the beginning of a word, and keeps other control characters."""
    path = tmp_path / "vectors.bin"
    path.write_bytes(word2vec_bin([b"\nthe", b"\x0bof", b"\n\nand", b"to"], between=between))
    table = load_vectors(path)
    assert table.index_to_key == ["the", "\x0bof", "and", "to"]
    np.testing.assert_array_equal(table["and"], [2, 1])
    path.write_bytes(word2vec_bin([b"the", b"\x00\x01\xfe"], between=between))
    with pytest.raises(DataError, match="holds a control character"):
        load_vectors(path)


GLOVE = "the 0.5 -1\nof 0.25 2\n"


def test_glove_as_published(tmp_path: Path) -> None:
    """glove.6B.zip holds a file for each number of dimensions."""
    path = tmp_path / "glove.6B.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("glove.6B.2d.txt", GLOVE)
        archive.writestr("glove.6B.3d.txt", "the 1 2 3\n")
    with pytest.raises(
        DataError, match=r"archive of one file, got 2 files: glove\.6B\.2d\.txt, .*name one of"
    ):
        load_vectors(path)
    table = load_vectors(f"{path}:glove.6B.2d.txt")
    assert table.index_to_key == ["the", "of"]
    np.testing.assert_array_equal(table.vectors, [[0.5, -1], [0.25, 2]])
    assert load_vectors(f"{path}:glove.6B.3d.txt").vector_size == 3


@pytest.mark.parametrize("content", [b"2 2\nthe 0.5 -1\nof 0.25 2\n", word2vec_bin([b"the", b"of"])])
def test_vectors_in_zip_and_xz(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "vectors.zip", "w") as archive:
        archive.writestr("vectors", content)
        archive.writestr("README", "where they are from")
    (tmp_path / "vectors.xz").write_bytes(lzma.compress(content))
    (tmp_path / "plain").write_bytes(content)
    plain = load_vectors(tmp_path / "plain")
    for name in ("vectors.zip", "vectors.xz"):
        table = load_vectors(tmp_path / name)
        assert table.index_to_key == ["the", "of"]
        np.testing.assert_array_equal(table.vectors, plain.vectors)
    plain.save_word2vec_format(tmp_path / "again.txt.xz")
    assert load_vectors(tmp_path / "again.txt.xz").index_to_key == ["the", "of"]


def test_the_columns_of_simlex(tmp_path: Path) -> None:
    """Its fourth column is the score; the others are concreteness, association and deviation."""
    path = tmp_path / "SimLex-999.txt"
    path.write_text(
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tconcQ\tAssoc(USF)\tSimAssoc333\tSD(SimLex)\n"
        "old\tnew\tA\t1.58\t2.72\t2.81\t2\t7.25\t1\t0.41\n"
        "smart\tintelligent\tA\t9.2\t1.75\t2.46\t1\t7.11\t1\t0.67\n"
    )
    assert read_pairs(path) == [("old", "new", 1.58), ("smart", "intelligent", 9.2)]
    path.write_text(
        "take\tremove\tV\t6.81\tSYNONYMS\nwalk\ttrail\tV\t4.81\tCOHYPONYMS\n"
    )  # SimVerb: no heading
    assert read_pairs(path) == [("take", "remove", 6.81), ("walk", "trail", 4.81)]


@pytest.mark.parametrize(
    "text", ["sun sunlight 50\nnight  dawn 37.5\n", "Word 1,Word 2,Mean\nsun,sunlight,50\nnight,dawn,37.5\n"]
)
def test_pairs_with_blanks_or_commas(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs").write_text(text)
    assert read_pairs(tmp_path / "pairs") == [("sun", "sunlight", 50.0), ("night", "dawn", 37.5)]


def test_a_model_that_gensim_pickled(tmp_path: Path) -> None:
    path = tmp_path / "word2vec.model"
    path.write_bytes(b"\x80\x04}\x94\x8c\x02wv\x94]\x94K\x01as.")  # {"wv": [1]}
    with pytest.raises(DataError, match=r"(?s)a Python pickle, .*export it once .*save_word2vec_format"):
        load_vectors(path)
