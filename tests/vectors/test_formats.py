"""Files there and back, and files written by hand."""

import bz2
import gzip
import json
import lzma
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqkit.backend.kernels import kernels
from seqkit.backend.kernels.vector_text import reference
from seqkit.errors import DataError, UnknownWordError, UsageError
from seqkit.vectors import KeyedVectors, detect_format, load_vectors, save_vectors
from seqkit.vectors.evaluation import read_analogies, read_pairs
from seqkit.vectors.formats.word2vec import read_counts
from seqkit.vectors.words import Words
from tests.vectors import files

TABLE = files.vectors()


def make(words: list[str] | None = None, D: int = 5) -> KeyedVectors:
    words = files.WORDS if words is None else words
    kv = KeyedVectors(D)
    kv.add_vectors(words, np.random.default_rng(3).normal(size=(len(words), D)).astype(np.float32))
    kv.expandos["count"] = np.arange(len(words), 0, -1)
    return kv


def check_equal(found: KeyedVectors, kv: KeyedVectors) -> None:
    assert found.index_to_key == kv.index_to_key
    assert found.vectors.dtype == kv.vectors.dtype
    assert np.array_equal(found.vectors, kv.vectors)


@pytest.mark.parametrize("packing", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("suffix", [".safetensors", ".txt", ".vec", ".bin", ".glove"])
def test_round_trips(tmp_path: Path, suffix: str, packing: str) -> None:
    kv, path = make(), tmp_path / f"v{suffix}{packing}"
    save_vectors(kv, path)
    found = load_vectors(path)
    check_equal(found, kv)
    assert found.expandos["count"].tolist() == [7, 6, 5, 4, 3, 2, 1]
    assert found.most_similar("of") == kv.most_similar("of")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("word2vec", files.text(files.WORDS, TABLE, header="7 5")),
        ("word2vec", files.text(files.WORDS, TABLE, header="7 5").replace(b"\n", b" \r\n")),
        ("word2vec", files.text(files.WORDS, TABLE, header="7 5").rstrip(b"\n")),
        ("word2vec", files.text(files.WORDS, TABLE, header="7 5") + b"\n\n"),
        ("word2vec-binary", files.binary(files.WORDS, TABLE, header="7 5")),
        ("word2vec-binary", files.binary(files.WORDS, TABLE, header="7 5", newline=b"")),
        ("glove", files.text(files.WORDS, TABLE, header=None)),
    ],
)
def test_files_written_by_hand(tmp_path: Path, name: str, data: bytes, compress: object) -> None:
    path = tmp_path / "v"
    path.write_bytes(compress(data))  # type: ignore[operator]
    assert detect_format(path) == name
    for kv in (load_vectors(path), load_vectors(path, name)):
        assert kv.index_to_key == files.WORDS
        assert np.array_equal(kv.vectors, TABLE)


def test_words_with_blanks_in_glove(tmp_path: Path) -> None:
    path = tmp_path / "v"
    path.write_bytes(b". . . 1 2 3\nat name@domain.com 4 5 6\nplain 7 8 9\nthe 1 1 1\nof 2 2 2\n")
    kv = load_vectors(path)
    assert kv.index_to_key == [". . .", "at name@domain.com", "plain", "the", "of"]
    assert kv.vectors[:2].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files longer than what is read at once, lines cut by block ends, matrices that grow."""
    kv = make([f"word{i}" for i in range(997)], 11)
    for module in ("lines", "binary", "source"):
        monkeypatch.setattr(f"seqkit.vectors.formats.{module}.BLOCK", 1000)
    monkeypatch.setattr("seqkit.vectors.formats.text._SMALL", 900)
    for name in ("v.txt", "v.txt.gz", "v.bin", "v.bin.gz", "v.glove", "v.glove.gz"):
        save_vectors(kv, tmp_path / name)
        check_equal(load_vectors(tmp_path / name), kv)
        if "bin" not in name:
            some = KeyedVectors.load_word2vec_format(tmp_path / name, limit=123, no_header="glove" in name)
            assert some.index_to_key == kv.index_to_key[:123]
            assert np.array_equal(some.vectors, kv.vectors[:123])


@pytest.mark.parametrize(
    "number",
    ["0", "-0.0", "1", "+1.5", ".5", "5.", "1e3", "1E-3", "-1.25e+2", "0.1", "3.4028234e38", "1e-45", "1e-30",
     "123456789012345678", "0.3333333333333333333333333333", "1.00000005960464477539062500000001",
     "1.000000059604644775390625", "0.000000000000000000000000000000000000012",
     "16777217", "16777217.0000000001", "100000000000000000000000000000e-29"],
)  # fmt: skip
def test_numbers_are_the_nearest_float32_of_their_float64(tmp_path: Path, number: str) -> None:
    path = tmp_path / "v"
    path.write_text(f"2 3\na 1 {number} 2\nb {number} {number} {number}\n")
    kv = load_vectors(path)
    expected = np.float32(float(number))
    assert kv.vectors.tolist() == [[1, expected, 2], [expected] * 3]


@pytest.mark.parametrize(
    "number", ["nan", "inf", "1e39", "-", ".", "e5", "1e", "1_0", "0x1", "1,5", "1-2", "٣", "--1"]
)
def test_what_is_no_number_is_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "v"
    path.write_text(f"2 3\na 1 2 3\nb 1 {number} 2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3, byte 16"):
        load_vectors(path, "word2vec")


def test_kernel_equals_python(random: np.random.Generator) -> None:
    """Whatever the fast loop settles itself, over many shapes of numbers."""
    forms = ["%.3f", "%.9g", "%.17g", "%.20e", "%d", "%.1e"]
    values = random.normal(size=(200, 7)) * 10.0 ** random.integers(-3, 8, (200, 7))
    texts = [[forms[random.integers(len(forms))] % v for v in row] for row in values]
    data = "".join(f"w {' '.join(row)}\n" for row in texts).encode()
    rows, spans = np.zeros((200, 7), np.float32), np.empty((200, 3), np.int64)
    kernels("vector_text", np).parse_rows(np.frombuffer(data, np.uint8), rows, spans)
    plain = np.empty((200, 3), np.int64)
    reference.parse_rows(np.frombuffer(data, np.uint8), rows, plain)
    assert np.array_equal(spans[:, [0, 2]], plain[:, [0, 2]])
    settled = spans[:, 1] >= 0
    assert settled.mean() > 0.9 or kernels("vector_text", np) is reference
    expected = np.array([[np.float32(float(text)) for text in row] for row in texts])
    assert np.array_equal(rows[settled], expected[settled])


def test_duplicates(tmp_path: Path) -> None:
    words = ["a", "b", "a"]
    for name, data in (
        ("v.txt", files.text(words, TABLE[:3], header="3 5")),
        ("v.bin", files.binary(words, TABLE[:3], header="3 5")),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"'a' stands twice.*entries 1 and 3, byte \d+"):
            load_vectors(path)
        for kv in (
            load_vectors(path, duplicates="first"),
            KeyedVectors.load_word2vec_format(path, binary=name == "v.bin"),
        ):
            assert kv.index_to_key == ["a", "b"]
            assert np.array_equal(kv.vectors, TABLE[:2])


def test_word2vec_settings(tmp_path: Path) -> None:
    kv, path, counts = make(), tmp_path / "v", tmp_path / "counts"
    kv.expandos["count"] = np.array([5, 9, 1, 7, 7, 2, 3])
    kv.save_word2vec_format(path, fvocab=counts, prefix="*")
    order = [1, 3, 4, 0, 6, 5, 2]
    found = KeyedVectors.load_word2vec_format(path, fvocab=counts, datatype=np.float64)
    assert found.index_to_key == ["*" + files.WORDS[i] for i in order]
    assert found.vectors.dtype == np.float64
    assert np.array_equal(found.vectors, kv.vectors[order])
    assert found.expandos["count"].tolist() == [9, 7, 7, 5, 3, 2, 1]
    kv.save_word2vec_format(path, total_vec=14)
    with pytest.raises(DataError, match=r"ends after 7 words; the header promises 14|cannot hold"):
        KeyedVectors.load_word2vec_format(path)
    kv.save_word2vec_format(path, write_header=False, prefix="+", append=True)
    assert len(KeyedVectors.load_word2vec_format(path)) == 14
    path.write_bytes("1 1\nZürich 1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"not utf8.*byte 5"):
        KeyedVectors.load_word2vec_format(path)
    assert KeyedVectors.load_word2vec_format(path, encoding="latin-1").index_to_key == ["Zürich"]
    assert KeyedVectors.load_word2vec_format(path, unicode_errors="ignore").index_to_key == ["Zrich"]
    with pytest.raises(UsageError, match="does not fit"):
        make(["New York"]).save_word2vec_format(path)


def test_intersection(tmp_path: Path) -> None:
    other = make(["of", "new", "the"])
    save_vectors(other, tmp_path / "v.txt")
    kv = make()
    before = kv.vectors.copy()
    kv.intersect_word2vec_format(tmp_path / "v.txt", lockf=0.5)
    assert np.array_equal(kv["of"], other["of"])
    assert np.array_equal(kv["the"], other["the"])
    assert np.array_equal(kv.vectors[[1, 2, 4, 5, 6]], before[[1, 2, 4, 5, 6]])
    assert kv.vectors_lockf.tolist() == [0.5, 1, 1, 0.5, 1, 1, 1]


def test_native_is_safetensors(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    kv, path = make(["a b", "", "line\nfeed", "日本"]), tmp_path / "v.safetensors"
    kv.set_vecattr("", "tag", "no number, not saved")
    kv.save(path)
    tensors = load_file(path)
    assert np.array_equal(tensors["vectors"], kv.vectors)
    np.testing.assert_allclose(tensors["norms"], np.linalg.norm(kv.vectors, axis=1), rtol=1e-6)
    assert tensors["words"].tobytes().decode() == "a b\n\nline\nfeed\n日本\n"
    found = KeyedVectors.load(path)
    assert [found.get_index(key) for key in kv.index_to_key] == [0, 1, 2, 3]
    check_equal(found, kv)
    assert list(found.expandos) == ["count"]


def test_native_opens_without_reading_words(tmp_path: Path) -> None:
    kv, path = make(), tmp_path / "v.safetensors"
    kv.save(path)
    found = KeyedVectors.load(path)
    assert found.most_similar("of", topn=3) == kv.most_similar("of", topn=3)
    assert found._index is None
    assert found._keys is None
    with pytest.raises(UnknownWordError, match="did you mean 'Zürich'"):
        found["Zurich"]
    for _ in range(40):
        assert found.get_index("Zürich") == 6
    assert found._index is not None


def test_native_may_be_changed_in_memory_only(tmp_path: Path) -> None:
    kv, path = make(), tmp_path / "v.safetensors"
    kv.save(path)
    found = KeyedVectors.load(path)
    found.vectors[0] = 1
    found["new"] = np.ones(5)
    assert found["the"].tolist() == [1] * 5
    assert len(found) == 8
    check_equal(KeyedVectors.load(path), kv)
    with pytest.raises(ValueError, match="read-only"):
        KeyedVectors.load(path, mmap="r").vectors[0] = 1


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_native_keeps_the_type(tmp_path: Path, dtype: type) -> None:
    kv = KeyedVectors(3, dtype=dtype)
    kv.add_vectors(["a", "b"], np.array([[1, 2, 3], [0.1, 0.2, 0.3]]))
    kv.save(tmp_path / "v.kv")
    check_equal(KeyedVectors.load(tmp_path / "v.kv"), kv)


def test_large_native_files_are_proved_when_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqkit.vectors.formats.native._PROVED_AT_ONCE", 0)
    kv, path = make(), tmp_path / "v.safetensors"
    kv.save(path)
    check_equal(KeyedVectors.load(path), kv)
    data = bytearray(path.read_bytes())
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    at = begin + 4 * (2 * 5 + 1)
    data[at : at + 4] = np.float32(np.nan).tobytes()
    path.write_bytes(data)
    message = rf"vector 2 holds a number that is not finite.*byte {begin + 40}"
    with pytest.raises(DataError, match=message):
        KeyedVectors.load(path).most_similar("the")
    with pytest.raises(DataError, match=message):
        KeyedVectors.load(path).most_similar_batch(["the"])
    with pytest.raises(DataError, match=message):
        _ = KeyedVectors.load(path)["日本"]
    with pytest.raises(DataError, match=message):
        _ = KeyedVectors.load(path).vectors
    assert np.array_equal(KeyedVectors.load(path)["the"], kv["the"])


def test_empty_tables(tmp_path: Path) -> None:
    kv = KeyedVectors(5)
    for name in ("v.safetensors", "v.txt", "v.bin"):
        save_vectors(kv, tmp_path / name)
        found = load_vectors(tmp_path / name)
        assert (len(found), found.vectors.shape) == (0, (0, 5))
        assert "a" not in found


def test_a_gensim_pickle_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "model.kv"
    path.write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x1agensim.models.keyedvectors")
    with pytest.raises(DataError) as error:
        KeyedVectors.load(path)
    text = str(error.value)
    assert "refused" in text
    assert f"gensim.utils.SaveLoad.load({str(path)!r})" in text
    assert ".save_word2vec_format(" in text


def test_projector(tmp_path: Path) -> None:
    kv = make(["a", "tab\tand\nline"], 2)
    save_vectors(kv, tmp_path / "v.tsv")
    rows = [[float(x) for x in line.split("\t")] for line in (tmp_path / "v.tsv").read_text().splitlines()]
    assert np.array_equal(np.array(rows, np.float32), kv.vectors)
    assert (tmp_path / "v.metadata.tsv").read_text() == "word\tcount\na\t2\ntab and line\t1\n"
    with pytest.raises(UsageError, match="only written"):
        load_vectors(tmp_path / "v.tsv", "projector")


def test_wrong_use(tmp_path: Path) -> None:
    kv = make()
    with pytest.raises(UsageError, match=r"suffix of .*v\.xyz"):
        save_vectors(kv, tmp_path / "v.xyz")
    with pytest.raises(UsageError, match=r"one of the formats .*, got 'pickle'"):
        save_vectors(kv, tmp_path / "v", "pickle")
    with pytest.raises(UsageError, match="only read"):
        save_vectors(kv, tmp_path / "v", "fasttext")
    with pytest.raises(DataError, match="cannot read"):
        load_vectors(tmp_path / "absent")
    with pytest.raises(DataError, match="cannot write"):
        save_vectors(kv, tmp_path / "no" / "v.txt")
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="empty"):
        load_vectors(tmp_path / "empty")
    numbers = KeyedVectors(2)
    numbers.add_vectors([1, 2], np.eye(2))
    with pytest.raises(UsageError, match="no strings"):
        numbers.save(tmp_path / "v.kv")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    save_vectors(make(), path)
    before = path.read_bytes()
    with pytest.raises(UsageError):
        save_vectors(make(["fits", "does not"]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_safetensors_of_others_are_refused(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "v.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(DataError, match="not of vectors that seqkit wrote"):
        load_vectors(tmp_path / "v.safetensors")


@pytest.mark.parametrize("header", [None, "7 5"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_byte_order_mark_is_no_part_of_the_first_word(
    tmp_path: Path, header: str | None, compress: Callable[[bytes], bytes]
) -> None:
    kv = make()
    data = files.text(kv.index_to_key, kv.vectors, header=header)
    (tmp_path / "v").write_bytes(compress(b"\xef\xbb\xbf" + data))
    found = load_vectors(tmp_path / "v")
    assert found.index_to_key == kv.index_to_key
    assert KeyedVectors.load_word2vec_format(tmp_path / "v", no_header=header is None)["the"] is not None


def test_a_byte_order_mark_before_counts_questions_and_pairs(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfthe 3\nof 2\n")
    assert read_counts(tmp_path / "x") == {"the": 3, "of": 2}
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf2 1\nthe 1\nof 2\n")
    found = KeyedVectors.load_word2vec_format(tmp_path / "v.txt", fvocab=tmp_path / "x")
    assert found.expandos["count"].tolist() == [3, 2]
    (tmp_path / "q").write_bytes(b"\xef\xbb\xbf: section\r\na b c d\r\n")
    assert [section.name for section in read_analogies(tmp_path / "q")] == ["section"]
    (tmp_path / "p").write_bytes(b"\xef\xbb\xbfa\tb\t1\n")
    assert read_pairs(tmp_path / "p") == [("a", "b", 1.0)]


def test_options_of_load_vectors_act_or_are_refused(tmp_path: Path) -> None:
    kv = make(["the", "of", "café"])
    save_vectors(kv, tmp_path / "v.txt")
    assert load_vectors(tmp_path / "v.txt", limit=2).index_to_key == ["the", "of"]
    latin = (tmp_path / "v.txt").read_text("utf8").encode("latin1")
    (tmp_path / "l.txt").write_bytes(latin)
    assert load_vectors(tmp_path / "l.txt", encoding="latin1").index_to_key[2] == "café"
    assert load_vectors(tmp_path / "l.txt", errors="ignore").index_to_key[2] == "caf"
    kv.save(tmp_path / "v.kv")
    for options in ({"limit": 2}, {"encoding": "latin1"}, {"errors": "replace"}):
        with pytest.raises(UsageError, match=f"the format native is read whole .* got {next(iter(options))}"):
            load_vectors(tmp_path / "v.kv", **options)
    for options in ({"limit": 0}, {"errors": "often"}, {"encoding": "klingon"}, {"duplicates": "last"}):
        with pytest.raises(UsageError, match="expected "):
            load_vectors(tmp_path / "v.txt", **options)


def _broken(tmp_path: Path) -> dict[str, Path]:
    """Files that a remedy helps with, by the remedy."""
    data = {
        "limit": b"1 2\na 1 2\nb 3 4\n",
        "repeated": b"2 2\na 1 2\na 3 4\n",
        "encoding": "2 2\né 1 2\nb 3 4\n".encode("latin1"),
        "other": b"12 3\nb 4\n",  # GloVe's, with a word that is a number
    }
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in data}


def test_each_remedy_of_the_library_helps(tmp_path: Path) -> None:
    """The call that an error advises, as it stands in it, goes on."""
    for path in _broken(tmp_path).values():
        with pytest.raises(DataError) as caught:
            load_vectors(path)
        advice = re.search(r"load_vectors\(PATH, (.*?)\)", str(caught.value))
        assert advice is not None, str(caught.value)
        assert len(eval(f"load_vectors(path, {advice[1]})")) >= 1
    with pytest.raises(DataError, match=r'unicode_errors="replace"'):
        KeyedVectors.load_word2vec_format(tmp_path / "encoding")
    assert len(KeyedVectors.load_word2vec_format(tmp_path / "encoding", unicode_errors="replace")) == 2
    with pytest.raises(DataError, match="give limit=1 to read"):
        KeyedVectors.load_word2vec_format(tmp_path / "limit")
    assert len(KeyedVectors.load_word2vec_format(tmp_path / "limit", limit=1)) == 1
    with pytest.raises(DataError, match=r"load_vectors\(PATH, limit=1\)"):
        KeyedVectors.load(tmp_path / "limit")


def test_words_in_a_blob() -> None:
    plain = ["a", "", "a\na", "ab", "b", "\n", "日本"]
    words = Words.of([word.encode() for word in plain])
    assert [words.find(word) for word in plain] == list(range(7))
    assert [words.find(word) for word in ("c", "a\n", "\na", "日", "\ud800")] == [-1] * 5
    assert words.to_list() == [words[i] for i in range(7)] == plain
